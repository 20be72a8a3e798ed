"""VCCR (Han et al., ACCV 2022), where people change clothes: reader, three protocols and their conventions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from vreid_bench import Convention, Dataset, Protocol, Split, hookimpl
from vreid_plugins.datasets.ccvid import reader as ccvid
from vreid_plugins.datasets.fault_report import stop
from vreid_plugins.datasets.layout_reader import LayoutReader
from vreid_plugins.datasets.synthetic_note import source_of
from vreid_plugins.datasets.vccr.description import DESCRIPTION
from vreid_plugins.datasets.vccr.index import LEAST, load

CODE = "dustin-nguyen-qil/VCCReID-Baseline"
MODES = ("general", "same-clothes", "clothes-changing")  # of CCVID, whose rules these are


class Vccr(LayoutReader):
    """Reads `train` and `test_qg` as published: folders of people, in the test those of cameras, then of tracklets.

    Camera and clothes are in the names of the frames. A number of clothes tells the clothes of one person apart. Short
    test tracklets are read, too: the conventions leave them out.
    """

    description = DESCRIPTION

    def read(self, root: Path) -> Dataset:
        """One split: test is the queries, then the gallery, both in order of person, camera folder and tracklet.

        Frames are in order of their number. Raises InputError at the first fault of a folder or a name; no frame is
        opened.
        """
        root = Path(root)
        index = load(root, stop)
        split = Split.apart(index.parts["train"], index.parts["query"], index.parts["gallery"])
        return Dataset("vccr", root, (split,), source_of(root), index.notes)


def name_mode(mode: str) -> str:
    """The name of the convention that is one of CCVID's without short tracklets."""
    return f"{mode}-from-{LEAST}-frames"


@hookimpl
def vreid_datasets() -> Mapping[str, Vccr]:
    """The data set `vccr`."""
    return {"vccr": Vccr()}


@hookimpl
def vreid_protocols() -> Mapping[str, Protocol]:
    """`vccr`, the standard test, and its two other modes, each ranked by its own; with short tracklets and without."""
    standard = Protocol(
        name="vccr",
        version="1",
        dataset="vccr",
        headline=name_mode("general"),
        conventions=(*map(name_mode, MODES), *MODES),
        summary="Rank the gallery tracklets for all queries, whatever people wear. Test tracklets of fewer than "
        f"{LEAST} frames are left out, those to train on are not.",
        source=f"{CODE}, datasets/prepare.py and test.py",
    )
    same = replace(
        standard,
        name="vccr-same-clothes",
        headline=name_mode("same-clothes"),
        summary="As vccr, ranked by how well people are found in the clothes of the query.",
    )
    changing = replace(
        standard,
        name="vccr-clothes-changing",
        headline=name_mode("clothes-changing"),
        summary="As vccr, ranked by how well people are found in other clothes than those of the query.",
    )
    return {protocol.name: protocol for protocol in (standard, same, changing)}


@hookimpl
def vreid_conventions() -> Mapping[str, Convention]:
    """CCVID's three modes, without test tracklets of fewer than LEAST frames."""
    return {
        name_mode(name): replace(
            mode,
            name=name_mode(name),
            least_frames=LEAST,
            summary=f"As {name}, but tracklets of fewer than {LEAST} frames take no part.",
            source=f"{CODE}, datasets/prepare.py and utils/eval_metrics.py",
        )
        for name, mode in ccvid.vreid_conventions().items()
    }
