"""BUPTCampus (Du et al., IEEE TIFS 2023), visible and infrared at once: reader, protocols and conventions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from vreid_bench import Convention, Dataset, Having, Protocol, Split, Tracklet, hookimpl
from vreid_plugins.datasets.buptcampus.description import DESCRIPTION
from vreid_plugins.datasets.buptcampus.index import load
from vreid_plugins.datasets.buptcampus.rows import MODALITIES
from vreid_plugins.datasets.fault_report import stop
from vreid_plugins.datasets.layout_reader import LayoutReader
from vreid_plugins.datasets.synthetic_note import source_of

PAPER = (
    "Du et al., Video-based Visible-Infrared Person Re-Identification with Auxiliary Samples, IEEE TIFS 2023; "
    "dyhBUPT/BUPTCampus, test.py"
)
CODE = "dyhBUPT/BUPTCampus, test.py and evaluation.py"
VARIANTS = ("primary", "auxiliary")
ALL = "cameras-ignored"
PAIRS = {
    f"{asked.lower()}-to-{ranked.lower()}": (asked, ranked) for asked in MODALITIES for ranked in MODALITIES
}  # rgb-to-rgb and so on
LISTED = (ALL, *(f"{pair}-{ALL}" for pair in PAIRS))  # the five tables


class BuptCampus(LayoutReader):
    """Reads `data_paths.json`, the four lists and the frames below `DATA` as published.

    A training row names two tracklets, visible and infrared, which are both read; a test row names one. The
    fake infrared frames are checked by `verify` and never read.
    """

    description = DESCRIPTION
    variants = VARIANTS

    def read(self, root: Path, variant: str = VARIANTS[0]) -> Dataset:
        """One split: test is the rows of query.txt, then those of gallery.txt that are not among them.

        With the variant `auxiliary`, `train_auxiliary.txt` is trained on, too: people whom one camera saw. Each
        tracklet has the attribute `modality`, `RGB` or `IR`. Raises InputError at the first fault of a list or of
        `data_paths.json`; no frame is opened.
        """
        root = Path(root)
        index = load(root, stop)
        train, auxiliary, query, gallery = (index.parts[part] for part in ("train", "auxiliary", "query", "gallery"))
        split = divide(train + auxiliary if variant == VARIANTS[1] else train, query, gallery)
        return Dataset("buptcampus", root, (split,), source_of(root), index.notes)


def divide(train: tuple[Tracklet, ...], query: tuple[Tracklet, ...], gallery: tuple[Tracklet, ...]) -> Split:
    """A split whose test part has each tracklet once; one that is in both lists has both roles."""
    rows = {tracklet.name: row for row, tracklet in enumerate(query)}
    ranked = tuple(rows.setdefault(tracklet.name, len(rows)) for tracklet in gallery)
    more = tuple(tracklet for tracklet, row in zip(gallery, ranked, strict=True) if row >= len(query))
    return Split(train, query + more, tuple(range(len(query))), ranked)


@hookimpl
def vreid_datasets() -> Mapping[str, BuptCampus]:
    """The data set `buptcampus`."""
    return {"buptcampus": BuptCampus()}


@hookimpl
def vreid_protocols() -> Mapping[str, Protocol]:
    """`buptcampus`, all modalities at once, its four pairs, and `buptcampus-auxiliary`, which trains on more people.

    Each is scored in all five ways and ranked by its own.
    """
    whole = Protocol(
        name="buptcampus",
        version="1",
        dataset="buptcampus",
        headline=ALL,
        conventions=LISTED,
        summary="Train on 1,074 identities, rank 4,844 tracklets of both modalities for 1,076 queries of either.",
        source=PAPER,
        variant=VARIANTS[0],
        counts={"train identities": 1074, "train tracklets": 7148, "queries": 1076, "gallery": 4844},
    )
    pairs = [
        replace(
            whole,
            name=f"buptcampus-{pair}",
            headline=f"{pair}-{ALL}",
            summary=f"As buptcampus, ranked by how well {asked} queries find people in {ranked} tracklets.",
        )
        for pair, (asked, ranked) in PAIRS.items()
    ]
    more = replace(
        whole,
        name=f"buptcampus-{VARIANTS[1]}",
        variant=VARIANTS[1],
        summary="As buptcampus, trained on the 930 identities of the auxiliary part, too, each seen by one camera.",
        counts={"train identities": 2004, "train tracklets": 9008, "queries": 1076, "gallery": 4844},
    )
    return {protocol.name: protocol for protocol in (whole, *pairs, more)}


@hookimpl
def vreid_conventions() -> Mapping[str, Convention]:
    """The four pairs of modalities; that of all at once is `cameras-ignored`."""
    found = [
        Convention(
            name=f"{pair}-{ALL}",
            version="1",
            queries_in_gallery=None,
            average_precision="step",
            unmatched="skip",
            same_camera="match",
            query=(Having("modality", (asked,)),),
            gallery=(Having("modality", (ranked,)),),
            summary=f"As {ALL}, but {asked} tracklets ask and {ranked} tracklets are ranked; the others take no part.",
            source=CODE,
        )
        for pair, (asked, ranked) in PAIRS.items()
    ]
    return {convention.name: convention for convention in found}
