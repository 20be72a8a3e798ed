"""LS-VID (Li et al., ICCV 2019): reader, and the protocol under the two conventions its code bases score it under.

The data is available under a signed agreement, for non-profit research, and must not be passed on.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from vreid_bench import Dataset, Protocol, Split, hookimpl
from vreid_plugins.datasets.fault_report import stop
from vreid_plugins.datasets.layout_reader import LayoutReader
from vreid_plugins.datasets.ls_vid.description import DESCRIPTION
from vreid_plugins.datasets.ls_vid.index import load
from vreid_plugins.datasets.synthetic_note import source_of


class LsVid(LayoutReader):
    """Reads `list_sequence`, `test/data/info_test.mat` and the folders of frames as published.

    A list holds the beginning that the names of a tracklet's frames share. It is compared with whole fields of a name,
    so that `..._1` never takes the frames of `..._12`.
    """

    description = DESCRIPTION

    def read(self, root: Path) -> Dataset:
        """One split: test is every line of the test list in file order, the gallery all of it.

        Every tracklet of the training list is trained on, however short. The validation part is not read; no code base
        tests on it. Raises InputError at the first fault; no frame is opened.
        """
        root = Path(root)
        index = load(root, stop, parts=("train", "test"))
        test = index.parts["test"]
        split = Split(index.parts["train"], test, index.query, tuple(range(len(test))))
        return Dataset("ls-vid", root, (split,), source_of(root), index.notes)


@hookimpl
def vreid_datasets() -> Mapping[str, LsVid]:
    """The data set `ls-vid`."""
    return {"ls-vid": LsVid()}


@hookimpl
def vreid_protocols() -> Mapping[str, Protocol]:
    """`ls-vid`, the published test."""
    test = Protocol(
        name="ls-vid",
        version="1",
        dataset="ls-vid",
        headline="queries-in-gallery",
        conventions=("queries-in-gallery", "torchreid"),
        summary="Train on 842 identities, rank 11,333 test tracklets for 3,504 queries.",
        source="Li et al., Global-Local Temporal Representations for Video Person Re-Identification, ICCV 2019; "
        "queries in the gallery as in BiCnet-TKS, SINet and TF-CLIP",
        counts={"train identities": 842, "train tracklets": 2831, "queries": 3504, "gallery": 11333},
    )
    return {test.name: test}
