"""The folders of PRID2011 and its split files: reading them, and every check that opens no frame."""

from __future__ import annotations

from pathlib import Path

from vreid_plugins.datasets.fault_report import Report
from vreid_plugins.datasets.half_splits import HalfSplits, draw_halves, read_lists, read_matrix
from vreid_plugins.datasets.two_views import Tree, View, load_tree

PERSONS = (385, 749)  # of cameras a and b in the original
SHARED = 200  # up to this number the same folder is the same person in both cameras; beyond it, somebody else
ELIGIBLE = 27  # frames needed in both cameras; 178 persons have them
PRINTED = 21  # what papers print beside "178 persons"; but 183 persons have so many frames
MATRICES = ("train_test_splits_prid.mat", "train-test people splits/train_test_splits_prid.mat")
LISTS = "splits_prid2011.json"
CAMERA_FOLDERS = tuple(f"prid_2011/multi_shot/cam_{camera}" for camera in "ab")
VIEWS = tuple(
    View(folder=folder, person=r"person_(\d{4})", frame=r"(\d+)\.png", example="person_0001/0001.png")
    for folder in CAMERA_FOLDERS
)


def name_person(person: int) -> str:
    """The name of a person's folder."""
    return f"person_{person:04d}"


def load(root: Path, report: Report, leftovers: Report) -> tuple[Tree, HalfSplits | None]:
    """What both cameras saw, and the halves; every fault goes to `report`, leftover files to `leftovers`."""
    tree = load_tree(root, (VIEWS[0], VIEWS[1]), SHARED, report, leftovers)
    return tree, load_halves(root, tree, report)


def load_halves(root: Path, tree: Tree, report: Report) -> HalfSplits | None:
    """The published halves if a file holds them, the .mat before the lists, else drawn ones.

    None if a fault was reported, such as a file that divides other persons than those with 27 frames.
    """
    persons, printed = tree.persons_of(ELIGIBLE), tree.persons_of(PRINTED)

    def explain(fault: str) -> None:
        report(
            f"{fault} This copy has {len(persons)} persons of at least {ELIGIBLE} frames in both cameras, whom the "
            f"halves divide, and {len(printed)} of at least {PRINTED}."
        )

    if len(persons) < 2:  # nobody to divide; a missing folder was reported already
        if tree.persons:
            report(f"{root}: {len(persons)} persons have {ELIGIBLE} frames in both cameras, expected two or more.")
        return None
    for file in MATRICES:
        if (root / file).exists():
            return read_matrix(root, file, persons, explain)
    if (root / LISTS).exists():
        return read_lists(root, LISTS, persons, name_person, explain)
    return draw_halves(persons)
