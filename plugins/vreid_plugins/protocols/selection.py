"""Which tracklets represent a person (3D PersonVLAD, Table II): one at random, or the mean of all."""

from __future__ import annotations

from collections.abc import Mapping

from vreid_bench import Protocol, Selection, hookimpl


@hookimpl
def vreid_protocols() -> Mapping[str, Protocol]:
    """`mars-tracklet-selection`."""
    selection = Protocol(
        name="mars-tracklet-selection",
        version="2",
        dataset="mars",
        headline="cameras-ignored",
        conventions=("cameras-ignored",),
        summary="One descriptor for each of 626 probe persons against one for each gallery person: of a tracklet drawn "
        "at random, or the mean of all. The row is random against all, the paper's own setting. No camera is left "
        "out, so these scores are not to be compared with others on MARS.",
        source="Wu, Wang, Shao, Wang: 3D PersonVLAD, IEEE TNNLS 2019, Table II and section IV-B",
        test=Selection(),
        counts={"train identities": 625, "train tracklets": 8298, "queries": 626},
    )
    return {selection.name: selection}
