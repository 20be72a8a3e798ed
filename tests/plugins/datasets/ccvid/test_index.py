"""The lists and folders of CCVID, each damaged in one way."""

import shutil

import pytest
from ccvid_tree import OLD, Tree
from faults import Faults, check_fault

from vreid_plugins.datasets.ccvid.reader import Ccvid

fault = Faults()


@fault(r"gallery\.txt is missing, expected a file")
def missing_list(tree: Tree) -> None:
    (tree.root / "gallery.txt").unlink()


@fault(r"session3 is missing, expected a folder")
def missing_session(tree: Tree) -> None:
    shutil.rmtree(tree.root / "session3")


@fault(r"query\.txt is a folder, expected a file")
def folder_for_a_list(tree: Tree) -> None:
    (tree.root / "query.txt").unlink()
    (tree.root / "query.txt").mkdir()


@fault(r"train\.txt, line 1: found 'session1/001_01 001', expected 3 cells as in 'session1/001_01 001 u0_l0_s0_c0_a0'")
def line_without_clothes(tree: Tree) -> None:
    tree.lists["train"][0] = "session1/001_01 001"
    tree.write()


@fault(
    r"line 1: 'session4/001_01' is not the folder of a walk, expected .* session1/001_01 with session 1 to 3 and walk"
)
def fourth_session(tree: Tree) -> None:
    tree.lists["train"][0] = f"session4/001_01\t001\t{OLD}"
    tree.write()


@fault(r"line 1: 'session1/001_13' is not the folder of a walk")
def thirteenth_walk(tree: Tree) -> None:
    tree.lists["train"][0] = f"session1/001_13\t001\t{OLD}"
    tree.write()


@fault(r"line 1: person 0, expected 001 or more")
def person_zero(tree: Tree) -> None:
    tree.lists["train"][0] = f"session1/001_01\t000\t{OLD}"
    tree.write()


@fault(r"line 1: '/session1/001_01' leads out of the data set")
def absolute_path(tree: Tree) -> None:
    tree.lists["train"][0] = f"/session1/001_01\t001\t{OLD}"
    tree.write()


@fault(r"train\.txt, line 2: .*session1/001_12 cannot be listed")
def missing_walk(tree: Tree) -> None:
    shutil.rmtree(tree.root / "session1/001_12")


@fault(r"train\.txt, line 2: .*session1/001_12 holds no frame")
def empty_walk(tree: Tree) -> None:
    (tree.root / "session1/001_12/00001.jpg").unlink()


@fault(r"session1/001_12 holds first\.jpg, expected frame names such as 00001\.jpg")
def foreign_frame(tree: Tree) -> None:
    tree.frame("session1/001_12/first.jpg")


@fault(r"session1/001_12 holds 1\.jpg, which has the number of another file")
def frame_number_twice(tree: Tree) -> None:
    tree.frame("session1/001_12/1.jpg")


@fault(r"gallery\.txt, line 5: session1/002_01 is already listed in .*query\.txt, line 1, expected each tracklet once")
def query_in_the_gallery(tree: Tree) -> None:
    tree.lists["gallery"].append(tree.lists["query"][0])
    tree.write()


@fault(r"person 002 is both trained on and tested, expected nobody in both")
def person_in_train_and_test(tree: Tree) -> None:
    tree.lists["train"].append(tree.lists["gallery"].pop(0))
    tree.write()


@pytest.mark.parametrize("name", fault)
def test_a_damaged_tree_is_reported_in_a_sentence(tree: Tree, name: str) -> None:
    damage, message = fault[name]
    damage(tree)
    check_fault(Ccvid(), tree.root, message)
