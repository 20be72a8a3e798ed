"""HITSZ-VCM (Lin et al., CVPR 2022), people seen in infrared and in visible light: reader, protocols, conventions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from vreid_bench import Convention, Dataset, Having, Protocol, Split, hookimpl
from vreid_plugins.datasets.fault_report import stop
from vreid_plugins.datasets.hitsz_vcm.description import DESCRIPTION
from vreid_plugins.datasets.hitsz_vcm.index import INFRARED, VISIBLE, load
from vreid_plugins.datasets.layout_reader import LayoutReader
from vreid_plugins.datasets.synthetic_note import source_of

VARIANTS = ("infrared-to-visible", "visible-to-infrared")
LEAST = 12  # frames of a tracklet that the published code trains on, asks for, or ranks
RULES = tuple(f"{variant}-from-{LEAST}-frames" for variant in VARIANTS)  # the convention of each variant
CODE = "VCM-project233/MITML, data_manager.py and eval_metrics.py"


class HitszVcm(LayoutReader):
    """Reads the lists of HITSZ-VCM, beside the people or in `info`; people lie at the root, or in `Train` and `Test`.

    The lists name the frames; no folder is listed. A camera has one number for both modalities.
    """

    description = DESCRIPTION
    variants = VARIANTS

    def read(self, root: Path, variant: str = VARIANTS[0]) -> Dataset:
        """One split: test is every row of the test index in file order, each with the attribute `modality`.

        As listed, the rows of `query_IDX.txt`, which are the infrared ones, search among all others. With the variant
        `visible-to-infrared` the two sides change places. Raises InputError at the first fault of the index files; no
        frame is opened.
        """
        root = Path(root)
        index = load(root, stop)
        query, gallery = index.query, index.gallery
        if variant == VARIANTS[1]:
            query, gallery = gallery, query
        return Dataset(
            "hitsz-vcm", root, (Split(index.train, index.test, query, gallery),), source_of(root), index.notes
        )


@hookimpl
def vreid_datasets() -> Mapping[str, HitszVcm]:
    """The data set `hitsz-vcm`."""
    return {"hitsz-vcm": HitszVcm()}


@hookimpl
def vreid_protocols() -> Mapping[str, Protocol]:
    """`hitsz-vcm-infrared-to-visible`, the published roles, and `hitsz-vcm-visible-to-infrared`, the other way."""
    published = Protocol(
        name=f"hitsz-vcm-{VARIANTS[0]}",
        version="1",
        dataset="hitsz-vcm",
        headline=RULES[0],
        conventions=(RULES[0], "gallery-as-listed"),
        summary="Search the people seen in infrared among the tracklets seen in visible light; tracklets under 12 "
        "frames are left out in training and test.",
        source=f"{CODE}; Lin et al., CVPR 2022",
        variant=VARIANTS[0],
        least_training_frames=LEAST,
        counts={"train identities": 500, "train tracklets": 9751, "queries": 4584, "gallery": 5099},
    )
    swapped = replace(
        published,
        name=f"hitsz-vcm-{VARIANTS[1]}",
        headline=RULES[1],
        conventions=(RULES[1], "gallery-as-listed"),
        variant=VARIANTS[1],
        summary="As hitsz-vcm-infrared-to-visible with the two sides swapped: search the people seen in visible light "
        "among the tracklets seen in infrared.",
        counts={**published.counts, "queries": published.counts["gallery"], "gallery": published.counts["queries"]},
    )
    return {published.name: published, swapped.name: swapped}


@hookimpl
def vreid_conventions() -> Mapping[str, Convention]:
    """One modality searches the other, with tracklets of 12 frames or more on both sides; and back."""
    published = Convention(
        name=RULES[0],
        version="1",
        queries_in_gallery=None,
        average_precision="step",
        unmatched="skip",
        summary="Infrared tracklets search visible ones, both of 12 frames or more; step AP. What shows the query's "
        "person in its camera takes no rank: a camera has one number in both modalities.",
        source=CODE,
        query=(Having("modality", (INFRARED,)),),
        gallery=(Having("modality", (VISIBLE,)),),
        least_frames=LEAST,
    )
    swapped = replace(
        published,
        name=RULES[1],
        query=published.gallery,
        gallery=published.query,
        summary=f"As {RULES[0]} with the two sides swapped.",
    )
    return {published.name: published, swapped.name: swapped}
