"""MEVID (Davila et al., WACV 2023), where people change clothes, places and size: reader, protocols and conventions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Literal, NamedTuple

from vreid_bench import Compared, Convention, Dataset, Protocol, Split, hookimpl
from vreid_plugins.datasets.fault_report import stop
from vreid_plugins.datasets.layout_reader import LayoutReader
from vreid_plugins.datasets.mevid.description import DESCRIPTION
from vreid_plugins.datasets.mevid.index import load
from vreid_plugins.datasets.synthetic_note import source_of

PAPER = "Davila et al., MEVID: Multi-view Extended Videos with Identities for Video Person Re-Identification, WACV 2023"
CODE = "Kitware/MEVID, CAL/tools/eval_metrics.py"


class Mode(NamedTuple):
    """One way of scoring MEVID: what a match shares with its query, or does not."""

    name: str  # of the convention, and the end of the protocol's name
    short: str  # in the paper
    rule: Compared
    words: str


def mode(name: str, short: str, attribute: str, value: Literal["same", "other"], words: str) -> Mode:
    """The mode with one rule."""
    return Mode(name, short, Compared(attribute, value), words)


OVERALL = "overall"
OUTFITS = (
    mode("same-outfit", "SC", "outfit", "same", "wears the outfit of the query"),
    mode("other-outfit", "CC", "outfit", "other", "wears another outfit than the query"),
)
PLACES = (
    mode("same-place", "SL", "place", "same", "is indoors if the query is, and outdoors if the query is"),
    mode("other-place", "DL", "place", "other", "is outdoors if the query is indoors, and indoors if it is outdoors"),
)
SCALES = (
    mode("same-scale", "SS", "scale", "same", "is seen as large as the query: large or medium"),
    mode("other-scale", "DS", "scale", "other", "is seen medium if the query is large, and large if it is medium"),
)
LISTED = (OVERALL, *(each.name for each in (*OUTFITS, *PLACES)))  # which need nothing but the published annotation


class Mevid(LayoutReader):
    """Reads the lists of MEVID and the frames they name as published; `test_track_scale.txt` may lie beside them.

    Queries are rows of the test index counted from 0; the gallery is all others. An outfit tells the clothes of one
    person apart: the same number of another person means other clothes.
    """

    description = DESCRIPTION

    def read(self, root: Path) -> Dataset:
        """One split: test is the queries, then the gallery, both in file order.

        Test tracklets have the attributes `outfit`, `place` (`indoor` or `outdoor`, by the camera) and, with the list
        of scales, `scale` (`large` or `medium`). Raises InputError at the first fault; no frame is opened.
        """
        root = Path(root)
        index = load(root, stop)
        split = Split.apart(index.train, index.query, index.gallery)
        return Dataset("mevid", root, (split,), source_of(root), index.notes)


@hookimpl
def vreid_datasets() -> Mapping[str, Mevid]:
    """The data set `mevid`."""
    return {"mevid": Mevid()}


@hookimpl
def vreid_protocols() -> Mapping[str, Protocol]:
    """`mevid`, the overall test, and its six modes; those of scale need `test_track_scale.txt` beside the lists."""
    overall = Protocol(
        name="mevid",
        version="1",
        dataset="mevid",
        headline=OVERALL,
        conventions=LISTED,
        summary="Train on 104 identities, rank the other test tracklets for 316 queries, whatever people wear and "
        "wherever they are.",
        source=PAPER,
        counts={"train identities": 104},
    )
    modes = {
        f"mevid-{each.name}": replace(
            overall,
            name=f"mevid-{each.name}",
            headline=each.name,
            conventions=conventions,
            summary=f"As mevid, ranked by {each.short}: a match {each.words}.",
        )
        for each, conventions in (
            *((each, LISTED) for each in (*OUTFITS, *PLACES)),
            *((each, (*LISTED, *(scale.name for scale in SCALES))) for each in SCALES),
        )
    }
    return {overall.name: overall, **modes}


@hookimpl
def vreid_conventions() -> Mapping[str, Convention]:
    """The overall test and the six modes, which differ in the tracklets of the query's person that are a match."""
    overall = Convention(
        name=OVERALL,
        version="1",
        queries_in_gallery=False,
        average_precision="step",
        unmatched="skip",
        summary="The query tracklets are not in the gallery; step AP. A match wears any outfit, anywhere.",
        source=f"{CODE}, evaluate",
    )
    modes = {
        each.name: replace(
            overall,
            name=each.name,
            match=(each.rule,),
            summary=f"As overall, but a match {each.words}; the person's other tracklets take no rank.",
            source=f"{CODE}, mode {each.short}",
        )
        for each in (*OUTFITS, *PLACES, *SCALES)
    }
    return {overall.name: overall, **modes}
