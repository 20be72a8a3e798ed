"""Random clip corruption on MARS (Matiyali & Sharma 2020, section 4.4), and other corruptions in the same form.

The paper scales frames down by 5, stores them as JPEG and scales them up again, for queries and gallery. It does not
state the JPEG's quality; here it is 20, where blocks are visible as in its Figure 5. With the 64 x 32 pixels of the
small recipes a fifth is 13 x 6 pixels, too few to recognise anything, so `mild` scales by 2.5. If both sides are
corrupted, corrupted clips become each other's neighbours, and the most similar pairs are the worst ones. If only the
queries are, this does not happen. Both kinds of protocol are here because they rank methods differently.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from vreid_bench import Corruption, Protocol, hookimpl

COUNTS = {"train identities": 625, "train tracklets": 8298, "queries": 1980, "gallery": 12180}
PAPER = "Matiyali & Sharma, Video Person Re-Identification using Learned Clip Similarity Aggregation, WACV 2020"
PROJECT = "this project, in the form of Matiyali & Sharma, WACV 2020"
KINDS = {
    "corruption": (Corruption("low-resolution", "both", 5.0), "scaled down by 5, stored as JPEG, scaled up", PAPER),
    "corruption-mild": (
        Corruption("low-resolution", "both", 2.5),
        "scaled down by 2.5, stored as JPEG, scaled up",
        PROJECT,
    ),
    "occlusion": (Corruption("occlusion", "both", 0.6), "covered by a block of 0.6 of their height and width", PROJECT),
    "motion-blur": (Corruption("motion-blur", "both", 0.4), "blurred along 0.4 of their width", PROJECT),
}


def protocol(name: str, side: Literal["both", "query"]) -> Protocol:
    """`mars-<name>`, or `mars-<name>-query` with an uncorrupted gallery."""
    corruption, words, source = KINDS[name]
    whose = "test tracklet" if side == "both" else "query tracklet, as it queries"
    return Protocol(
        name=f"mars-{name}" if side == "both" else f"mars-{name}-query",
        version="1",
        dataset="mars",
        headline="queries-in-gallery",
        conventions=("queries-in-gallery", "official", "torchreid"),
        summary=f"MARS with 0 to M clips of each {whose}, {words}: M from 0 to 7 of 8, ranked by the mean over them.",
        source=source,
        test=Corruption(corruption.kind, side, corruption.strength),
        counts=COUNTS,
    )


@hookimpl
def vreid_protocols() -> Mapping[str, Protocol]:
    """Each kind of corruption on both sides, and on the queries only."""
    sides: tuple[Literal["both", "query"], ...] = ("both", "query")
    every = [protocol(name, side) for name in KINDS for side in sides]
    return {each.name: each for each in every}
