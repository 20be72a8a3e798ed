"""The conventions under which labels are scored where neither the user nor a protocol nor a run names any."""

from __future__ import annotations

from typing import NamedTuple

from vreid_bench.scoring.conventions import MARS
from vreid_bench.scoring.ranks.labels import Labels

AS_LISTED = ("gallery-as-listed",)  # which needs neither cameras nor the queries in the gallery


class Chosen(NamedTuple):
    """Conventions by name, and what a reader has to know of the choice."""

    names: tuple[str, ...]
    note: str = ""


def choose_default(labels: Labels, cameras: bool = True) -> Chosen:
    """Those of MARS where the gallery holds every query and cameras are known, else the gallery as it is listed.

    However the files were given, and whatever attributes they have: the others of MARS could not be computed.
    """
    missing, queries = int((labels.own < 0).sum()), len(labels.query)
    if not cameras or missing == queries:
        return Chosen(AS_LISTED)
    if not missing:
        return Chosen(MARS)
    why = f"note: {missing:,} of the {queries:,} query tracklets are not in this gallery, so that {', '.join(MARS)} are"
    return Chosen(AS_LISTED, f"{why} left out; list all queries there, or choose with --convention")
