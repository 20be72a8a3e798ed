"""The folders and names of VCCR, each damaged in one way."""

import shutil

import pytest
from faults import Faults, check_fault
from vccr_tree import Tree

from vreid_plugins.datasets.vccr.reader import Vccr

fault = Faults()
SHORT = "train/30/p30-c2-l1-t1"  # the tracklet of one frame


@fault(r"train is missing, expected a folder; copy it again")
def missing_part(tree: Tree) -> None:
    shutil.rmtree(tree.root / "train")


@fault(r"test_qg/query is missing, expected a folder")
def missing_queries(tree: Tree) -> None:
    shutil.rmtree(tree.root / "test_qg/query")


@fault(r"test_qg/gallery is a file, expected a folder")
def file_for_a_part(tree: Tree) -> None:
    shutil.rmtree(tree.root / "test_qg/gallery")
    (tree.root / "test_qg/gallery").write_text("")


@fault(r"train is missing, expected a folder; did you mean .*inner\?")
def folder_above(tree: Tree) -> None:
    inner = tree.root / "inner"
    inner.mkdir()
    for part in ("train", "test_qg"):
        (tree.root / part).rename(inner / part)


@fault(r"test_qg/query holds no folder of a person, expected folders such as 12")
def nobody_asked(tree: Tree) -> None:
    for person in (tree.root / "test_qg/query").iterdir():
        shutil.rmtree(person)


@fault(r"train/seven is not named after a person, expected numbers from 1")
def person_in_letters(tree: Tree) -> None:
    tree.rename("train/7", "seven")


@fault(r"train/0 is not named after a person")
def person_zero(tree: Tree) -> None:
    tree.rename("train/7", "0")


@fault(r"train/-1 is not named after a person")
def nobody(tree: Tree) -> None:
    tree.rename("train/7", "-1")


@fault(r"train/７ is not named after a person")
def wide_digit(tree: Tree) -> None:
    tree.rename("train/7", "７")


@fault(r"train/7 and 007 are both person 7, expected one folder")
def person_twice(tree: Tree) -> None:
    tree.frame("train/007/p7-c1-l1-t9/p7-c1-l1-t9-f1.jpg")


@fault(r"person 12 is both trained on and tested, expected nobody in both")
def person_in_train_and_test(tree: Tree) -> None:
    tree.rename("train/7", "12")


@fault(r"train/8 holds no folder of a tracklet; copy it again")
def person_without_a_tracklet(tree: Tree) -> None:
    (tree.root / "train/8").mkdir()


@fault(r"test_qg/gallery/101 holds no folder of a camera")
def person_without_a_camera(tree: Tree) -> None:
    (tree.root / "test_qg/gallery/101").mkdir()


@fault(r"test_qg/gallery/12/3 holds no folder of a tracklet")
def camera_without_a_tracklet(tree: Tree) -> None:
    (tree.root / "test_qg/gallery/12/3").mkdir()


@fault(r"test_qg/gallery/100/1/p100-c1-l1-t1 holds no frame")
def empty_tracklet(tree: Tree) -> None:
    for frame in (tree.root / "test_qg/gallery/100/1/p100-c1-l1-t1").iterdir():
        frame.unlink()


@fault(r"train/40/2 holds the folder p40-c2-l1-t1 and no frame")
def folders_of_cameras_in_train(tree: Tree) -> None:
    tree.frame("train/40/2/p40-c2-l1-t1/p40-c2-l1-t1-f1.jpg")


@fault(r"test_qg/query/12/p12-c1-l3-t1 holds no folder of a tracklet")
def no_folders_of_cameras_in_the_test(tree: Tree) -> None:
    tracklet = tree.root / "test_qg/query/12/1/p12-c1-l3-t1"
    tracklet.rename(tree.root / "test_qg/query/12/p12-c1-l3-t1")
    tracklet.parent.rmdir()


@fault(r"holds p30_c2_l1_f1\.jpg, expected frame names such as p12-c3-l2-f10\.jpg \(person, camera, clothes")
def underscores(tree: Tree) -> None:
    tree.rename(f"{SHORT}/p30-c2-l1-t1-f1.jpg", "p30_c2_l1_f1.jpg")


@fault(r"p30-c2-l1-t1 holds p30-c2-l1\.jpg, expected frame names")
def no_number_of_a_frame(tree: Tree) -> None:
    tree.rename(f"{SHORT}/p30-c2-l1-t1-f1.jpg", "p30-c2-l1.jpg")


@fault(r"p30-c2-l1-t1 holds p30-2-l1-f1\.jpg, expected frame names")
def camera_without_a_letter(tree: Tree) -> None:
    tree.rename(f"{SHORT}/p30-c2-l1-t1-f1.jpg", "p30-2-l1-f1.jpg")


@fault(r"p30-c2-l1-t1 holds cover-a\.jpg \(one of 2 such files\), expected frame names")
def pictures_that_are_no_frames(tree: Tree) -> None:
    tree.frame(f"{SHORT}/cover-a.jpg")
    tree.frame(f"{SHORT}/cover-b.jpg")


@fault(r"p12-c1-l3-t1 holds frames of camera 1 and 2, expected the same in all names of a tracklet")
def two_cameras_in_a_tracklet(tree: Tree) -> None:
    """The public code would take the camera of a random frame."""
    folder = "test_qg/query/12/1/p12-c1-l3-t1"
    tree.rename(f"{folder}/p12-c1-l3-t1-f5.jpg", "p12-c2-l3-t1-f5.jpg")


@fault(r"p12-c1-l3-t1 holds frames of clothes 3 and 4, expected the same in all names of a tracklet")
def two_outfits_in_a_tracklet(tree: Tree) -> None:
    folder = "test_qg/query/12/1/p12-c1-l3-t1"
    tree.rename(f"{folder}/p12-c1-l3-t1-f5.jpg", "p12-c1-l4-t1-f5.jpg")


@fault(r"p12-c1-l3-t1 holds p12-c1-l3-t1-f5\.jpg, which has the number of another file")
def frame_number_twice(tree: Tree) -> None:
    tree.frame("test_qg/query/12/1/p12-c1-l3-t1/p12-c1-l3-t1-f05.jpg")


def test_there_are_at_least_20_kinds() -> None:
    assert len(fault) >= 20


@pytest.mark.parametrize("name", fault)
def test_a_damaged_tree_is_reported_in_a_sentence(tree: Tree, name: str) -> None:
    damage, message = fault[name]
    damage(tree)
    check_fault(Vccr(), tree.root, message)
