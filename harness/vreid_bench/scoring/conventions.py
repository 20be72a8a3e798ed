"""The conventions in use: three for MARS, and those of the other data sets."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING

from vreid_bench.contracts.convention import Convention
from vreid_bench.contracts.hookspecs import hookimpl

if TYPE_CHECKING:
    from vreid_bench.registry.registry import Registry  # which loads this module as a plugin

CONVENTIONS = (
    Convention(
        name="queries-in-gallery",
        version="1",
        queries_in_gallery=True,
        average_precision="step",
        unmatched="skip",
        summary="Query tracklets are candidates for other queries; step AP. All 1,980 queries of MARS count.",
        source="MARS: AP3D, TKP, BiCnet-TKS, TCLNet, SINet, GRL, TF-CLIP. LS-VID: BiCnet-TKS, TF-CLIP. All concatenate "
        "the queries to the gallery",
    ),
    Convention(
        name="official",
        version="1",
        queries_in_gallery=True,
        average_precision="trapezoid",
        unmatched="error",
        summary="Query tracklets are candidates for other queries; trapezoid AP. The evaluation that came with MARS.",
        source="liangzheng06/MARS-evaluation, utils/evaluation_mars.m and compute_AP.m",
    ),
    Convention(
        name="torchreid",
        version="1",
        queries_in_gallery=False,
        average_precision="step",
        unmatched="skip",
        summary="Query tracklets leave the gallery; step AP. 140 of the 1,980 queries of MARS have no match left and "
        "do not count.",
        source="KaiyangZhou/deep-person-reid, torchreid/metrics/rank.py; jiyanggao/Video-Person-ReID",
    ),
    Convention(
        name="gallery-as-listed",
        version="1",
        queries_in_gallery=None,
        average_precision="step",
        unmatched="skip",
        summary="The gallery as the data set lists it; step AP. DukeMTMC-VideoReID lists its queries among its 2,636 "
        "gallery tracklets, so adding them once more would make 702 duplicates.",
        source="DukeMTMC-VideoReID: Yu-Wu/DukeMTMC-VideoReID, KaiyangZhou/deep-person-reid",
    ),
    Convention(
        name="cameras-ignored",
        version="1",
        queries_in_gallery=None,
        average_precision="step",
        unmatched="skip",
        same_camera="match",
        summary="As gallery-as-listed, but what shows the query's person in the query's camera is a match, too.",
        source="Wu, Wang, Shao, Wang: 3D PersonVLAD, IEEE TNNLS 2019, Table II, which names no cameras; BUPTCampus",
    ),
    Convention(
        name="one-camera-each",
        version="1",
        queries_in_gallery=None,
        average_precision="step",
        unmatched="error",
        summary="One camera queries, another is the gallery, one match each: CMC is the metric, mAP the mean "
        "reciprocal rank. iLIDS-VID and PRID2011, mean over ten splits.",
        source="Wang et al., Person Re-identification by Video Ranking, ECCV 2014",
        single_match=True,
    ),
)
MARS = ("official", "queries-in-gallery", "torchreid")


def choose_conventions(chosen: Iterable[Convention | str], plugins: Callable[[], Registry]) -> tuple[Convention, ...]:
    """Conventions by name. `plugins` is called only for a name that is not in this module. Raises InputError."""
    known = {c.name: c for c in CONVENTIONS}

    def find(convention: Convention | str) -> Convention:
        if isinstance(convention, Convention):
            return convention
        found: Convention = known[convention] if convention in known else plugins().get("conventions", convention)
        return found

    return tuple(map(find, chosen))


@hookimpl
def vreid_conventions() -> Mapping[str, Convention]:
    """Every convention of this module."""
    return {c.name: c for c in CONVENTIONS}
