"""P-DESTRE (Kumar et al., arXiv 2004.02782), seen by one drone: reader and the protocol of its divisions."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from vreid_bench import Dataset, Protocol, hookimpl
from vreid_plugins.datasets.fault_report import stop
from vreid_plugins.datasets.layout_reader import LayoutReader
from vreid_plugins.datasets.p_destre.description import DESCRIPTION
from vreid_plugins.datasets.p_destre.index import load
from vreid_plugins.datasets.synthetic_note import source_of

CODE = "kailashhambarde/p-destre.di.ubi.pt, torchreid.data_class.py"
AVERAGED = 10  # divisions, in the paper


class PDestre(LayoutReader):
    """Reads the folders `<sequence>/<number>/*.jpg`, and the lists `Train_k`, `Query_k`, `Gallery_k` of the divisions.

    A tracklet is one person in one sequence, with the frames in order of their numbers. A person is a number within a
    session, which is the sequence's name without its last two characters; the camera is the last character. Numbers of
    0 or less are nobody, and files of 0 bytes no frames.
    """

    description = DESCRIPTION

    def read(self, root: Path) -> Dataset:
        """One split for each division that is there. Raises InputError at the first fault; no frame is opened.

        Tracklets have the attributes `day` and `session`.
        """
        root = Path(root)
        index, source = load(root, stop), source_of(root)
        notes = index.notes
        if source != "synthetic" and len(index.splits) != AVERAGED:
            notes += (f"{len(index.splits)} divisions are there; the tables of the paper average {AVERAGED}.",)
        return Dataset("p-destre", root, index.splits, source, notes)


@hookimpl
def vreid_datasets() -> Mapping[str, PDestre]:
    """The data set `p-destre`."""
    return {"p-destre": PDestre()}


@hookimpl
def vreid_protocols() -> Mapping[str, Protocol]:
    """`p-destre`: the mean over the divisions that are there."""
    protocol = Protocol(
        name="p-destre",
        version="1",
        dataset="p-destre",
        headline="gallery-as-listed",
        conventions=("gallery-as-listed",),
        summary="Train on some sequences of one drone, rank tracklets of others, the mean over all divisions; the "
        "published loader ranks images.",
        source=f"{CODE}; Kumar et al., arXiv 2004.02782",
        counts={"splits": 5},
    )
    return {protocol.name: protocol}
