"""The folders of DetReIDX, each damaged in one way."""

import shutil

import pytest
from detreidx_tree import FOLDERS, JPEG, Tree, aerial, ground
from faults import Faults, check_fault

from vreid_plugins.datasets.detreidx.reader import DetReidx

fault = Faults()


@fault(r"detreidx does not exist; name the folder that holds train and case1_aerial_to_ground/query")
def no_folder(tree: Tree) -> None:
    shutil.rmtree(tree.root)


@fault(r"train is missing, expected a folder; copy it again from where DetReIDX is published")
def missing_training_part(tree: Tree) -> None:
    shutil.rmtree(tree.root / "train")


@fault(r"case3_aerial_to_aerial/query is missing, expected a folder")
def missing_third_case(tree: Tree) -> None:
    shutil.rmtree(tree.root / "case3_aerial_to_aerial")


@fault(r"case3_aerial_to_aerial/gallery is a file, expected a folder")
def file_for_a_folder(tree: Tree) -> None:
    shutil.rmtree(tree.root / "case3_aerial_to_aerial/gallery")
    (tree.root / "case3_aerial_to_aerial/gallery").write_text("")


@fault(r"train is missing, expected a folder; did you mean .*/DetReIDX\?")
def one_folder_too_high(tree: Tree) -> None:
    inner = tree.root / "DetReIDX"
    inner.mkdir()
    for entry in list(tree.root.iterdir()):
        if entry != inner:
            shutil.move(entry, inner / entry.name)


@fault(r"case3_aerial_to_aerial/query holds no person")
def empty_side(tree: Tree) -> None:
    shutil.rmtree(tree.root / "case3_aerial_to_aerial/query")
    (tree.root / "case3_aerial_to_aerial/query").mkdir()


@fault(r"case2_ground_to_aerial/query holds no tracklet")
def people_without_tracklets(tree: Tree) -> None:
    for person in (tree.root / FOLDERS["case2 query"]).iterdir():
        for tracklet in list(person.iterdir()):
            shutil.rmtree(tracklet)


@fault(r"gallery holds the folder 'distractors', expected the number of a person")
def folder_that_is_no_person(tree: Tree) -> None:
    (tree.root / FOLDERS["case1 gallery"] / "distractors").mkdir()


@fault(r"gallery holds the folders 24 and 0024, expected one|the folders 0024 and 24, expected one for each person")
def person_with_two_folders(tree: Tree) -> None:
    shutil.copytree(tree.root / FOLDERS["case1 gallery"] / "0024", tree.root / FOLDERS["case1 gallery"] / "24")


@fault(r"0024_241 holds frame1\.jpg, expected frame names such as 0004_23_10_2024_09_18_5\.8_10_30_3_0_1_1_0_-1_-1_6")
def foreign_name(tree: Tree) -> None:
    (tree.tracklet("case1 query", 24) / "frame1.jpg").write_bytes(JPEG)


@fault(r"0024_241 holds .*_x_10_30_.*\.jpg, expected frame names")
def height_that_is_no_number(tree: Tree) -> None:
    """The public loader takes such a tracklet as camera 0, seen from 30 m."""
    (tree.tracklet("case1 query", 24) / aerial(24, 1, 11, "x_10_30")).write_bytes(JPEG)


@fault(r"0024_241 holds .*_178_3_11\.jpg, expected frame names")
def third_session(tree: Tree) -> None:
    (tree.tracklet("case1 query", 24) / aerial(24, 3, 11)).write_bytes(JPEG)


@fault(r"0024_243 holds 0024_0_1_1_1_9_B\.jpg, expected frame names")
def view_from_behind(tree: Tree) -> None:
    (tree.tracklet("case1 gallery", 24) / ground(24, 9, "B")).write_bytes(JPEG)


@fault(r"0024_241 holds 0024_23_10_2024_09_18_5\.8_10_30\.jpg \(one of 2 such files\), expected frame names")
def names_cut_behind_the_angle(tree: Tree) -> None:
    for ending in ("jpg", "png"):
        (tree.tracklet("case1 query", 24) / f"0024_23_10_2024_09_18_5.8_10_30.{ending}").write_bytes(JPEG)


@fault(r"0024_241 holds .*_178_1_09\.jpg, which has the number of another file|_178_1_9\.jpg, which has the number")
def frame_twice(tree: Tree) -> None:
    folder = tree.tracklet("case1 query", 24)
    (folder / aerial(24, 1, 9).replace("_1_9.jpg", "_1_09.jpg")).write_bytes(JPEG)


@fault(r"0024_241 holds .*_178_2_101\.jpg besides frames of camera session 1, expected the frames of one camera")
def two_sessions_in_a_tracklet(tree: Tree) -> None:
    (tree.tracklet("case1 query", 24) / aerial(24, 2, 101)).write_bytes(JPEG)


@fault(r"0024_241 holds .* besides frames of camera")
def ground_and_air_in_a_tracklet(tree: Tree) -> None:
    (tree.tracklet("case1 query", 24) / ground(24, 1)).write_bytes(JPEG)


@fault(r"case1_aerial_to_ground/query/0024/0024_7/.*: camera ground is not in the air, expected such cameras alone")
def ground_tracklet_among_the_queries_from_the_air(tree: Tree) -> None:
    tree.add("case1 query", 24, "0024_7", [ground(24, 1)])


@fault(r"case3_aerial_to_aerial/gallery/0024/0024_7/.*: camera ground is not in the air")
def ground_tracklet_within_the_air(tree: Tree) -> None:
    tree.add("case3 gallery", 24, "0024_7", [ground(24, 1)])


@fault(r"case1_aerial_to_ground/gallery/0025/0025_8/.*: camera session 2 is not on the ground")
def aerial_tracklet_on_the_ground(tree: Tree) -> None:
    tree.add("case1 gallery", 25, "0025_8", [aerial(25, 2, 1)])


@fault(r"person 0003 is both trained on and tested, expected nobody in both")
def person_in_train_and_test(tree: Tree) -> None:
    tree.add("case2 query", 3, "0003_9", [ground(3, 1)])


@fault(
    r"case1_aerial_to_ground/query/0024/0025_9/.*: its name tells another person than its folder, expected person 24"
)
def tracklet_in_the_folder_of_somebody_else(tree: Tree) -> None:
    tree.add("case1 query", 24, "0025_9", [aerial(25, 1, 1)])


def test_there_are_at_least_20_kinds() -> None:
    assert len(fault) >= 20


@pytest.mark.parametrize("damage", fault)
def test_a_damaged_tree_is_reported_in_a_sentence(tree: Tree, damage: str) -> None:
    function, message = fault[damage]
    function(tree)
    check_fault(DetReidx(), tree.root, message)


def test_folders_without_a_frame_are_left_out_and_noted(tree: Tree) -> None:
    (tree.root / "train/0003/0003_99").mkdir()
    dataset = DetReidx().read(tree.root)
    assert dataset.notes == ("1 folders of tracklets without a frame are left out, such as train/0003/0003_99.",)
