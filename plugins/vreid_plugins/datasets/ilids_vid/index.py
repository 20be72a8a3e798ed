"""The folders of iLIDS-VID and its split file: reading them, and every check that opens no frame."""

from __future__ import annotations

from pathlib import Path

from vreid_plugins.datasets.fault_report import Report
from vreid_plugins.datasets.half_splits import HalfSplits, draw_halves, read_matrix
from vreid_plugins.datasets.two_views import Tree, View, load_tree

SPLIT_FILE = "train-test people splits/train_test_splits_ilidsvid.mat"
CAMERA_FOLDERS = tuple(f"i-LIDS-VID/sequences/cam{camera}" for camera in (1, 2))
VIEWS = tuple(
    View(
        folder=folder,
        person=r"person(\d{3})",
        frame=rf"cam{camera}_{{person}}_(\d+)\.png",
        example=f"person001/cam{camera}_person001_00317.png",
    )
    for camera, folder in enumerate(CAMERA_FOLDERS, start=1)
)


def load(root: Path, report: Report, leftovers: Report) -> tuple[Tree, HalfSplits | None]:
    """What both cameras saw, and the halves; every fault goes to `report`, leftover files to `leftovers`."""
    tree = load_tree(root, (VIEWS[0], VIEWS[1]), None, report, leftovers)
    return tree, load_halves(root, tree, report)


def load_halves(root: Path, tree: Tree, report: Report) -> HalfSplits | None:
    """The published halves if their file is there, else drawn ones; None if a fault was reported."""
    if not tree.persons:
        return None
    if (root / SPLIT_FILE).exists():
        return read_matrix(root, SPLIT_FILE, tree.persons, report)
    return draw_halves(tree.persons)
