"""CCVID (Gu et al., CVPR 2022), where people change clothes: reader, three protocols and their conventions.

The data is under CC BY-NC-SA 4.0; its readme asks you to make faces unrecognisable wherever you show frames.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from vreid_bench import Compared, Convention, Dataset, Protocol, Split, hookimpl
from vreid_plugins.datasets.ccvid.description import DESCRIPTION
from vreid_plugins.datasets.ccvid.index import load
from vreid_plugins.datasets.fault_report import stop
from vreid_plugins.datasets.layout_reader import LayoutReader
from vreid_plugins.datasets.synthetic_note import source_of

PAPER = "Gu et al., Clothes-Changing Person Re-identification with RGB Modality Only, CVPR 2022"
CODE = "guxinqian/Simple-CCReID, tools/eval_metrics.py"


class Ccvid(LayoutReader):
    """Reads `train.txt`, `query.txt`, `gallery.txt` and the folders they name as published.

    The second number of a folder's name is the camera, and session 3 has cameras of its own. A label of clothes tells
    the clothes of one person apart; the same label of another person means other clothes.
    """

    description = DESCRIPTION

    def read(self, root: Path) -> Dataset:
        """One split: test is the lines of query.txt, then those of gallery.txt; only the latter are the gallery.

        Raises InputError at the first fault of a list or a folder; no frame is opened.
        """
        root = Path(root)
        parts = load(root, stop)
        split = Split.apart(parts["train"], parts["query"], parts["gallery"])
        return Dataset("ccvid", root, (split,), source_of(root))


@hookimpl
def vreid_datasets() -> Mapping[str, Ccvid]:
    """The data set `ccvid`."""
    return {"ccvid": Ccvid()}


@hookimpl
def vreid_protocols() -> Mapping[str, Protocol]:
    """`ccvid`, the general test, and its two other modes. Each is scored in all three modes and ranked by its own."""
    general = Protocol(
        name="ccvid",
        version="1",
        dataset="ccvid",
        headline="general",
        conventions=("general", "same-clothes", "clothes-changing"),
        summary="Train on 75 identities, rank 1,074 gallery tracklets for 834 queries, whatever people wear.",
        source=PAPER,
        counts={"train identities": 75, "train tracklets": 948, "queries": 834, "gallery": 1074},
    )
    same = replace(
        general,
        name="ccvid-same-clothes",
        headline="same-clothes",
        summary="As ccvid, ranked by how well people are found in the clothes of the query.",
    )
    changing = replace(
        general,
        name="ccvid-clothes-changing",
        headline="clothes-changing",
        summary="As ccvid, ranked by how well people are found in other clothes than those of the query.",
    )
    return {protocol.name: protocol for protocol in (general, same, changing)}


@hookimpl
def vreid_conventions() -> Mapping[str, Convention]:
    """The three modes, which differ in the tracklets of the query's person that are a match."""
    general = Convention(
        name="general",
        version="1",
        queries_in_gallery=False,
        average_precision="step",
        unmatched="skip",
        summary="The query tracklets are not in the gallery; step AP. A match wears any clothes.",
        source=f"{CODE}, evaluate",
    )
    same = replace(
        general,
        name="same-clothes",
        match=(Compared("outfit", "same"),),
        summary="As general, but a match wears the clothes of the query; the person's other tracklets take no rank.",
        source=f"{CODE}, evaluate_with_clothes, mode SC",
    )
    changing = replace(
        general,
        name="clothes-changing",
        match=(Compared("outfit", "other"),),
        summary="As general, but a match wears other clothes than the query; the person's other tracklets take no "
        "rank.",
        source=f"{CODE}, evaluate_with_clothes, mode CC",
    )
    return {convention.name: convention for convention in (general, same, changing)}
