"""The index files of MARS, each damaged in one way."""

import shutil

import numpy as np
import pytest
from faults import Faults, check_fault
from mars_tree import TRAIN, Tree, index_of
from scipy.io import savemat

from vreid_plugins.datasets.mars.reader import Mars

fault = Faults()


@fault(r"mars/info/query_IDX\.mat is missing, expected a file; copy it again from where MARS is published")
def missing_file(tree: Tree) -> None:
    (tree.root / "info/query_IDX.mat").unlink()


@fault(r"bbox_test is missing, expected a folder")
def missing_folder(tree: Tree) -> None:
    shutil.rmtree(tree.root / "bbox_test")


@fault(r"bbox_train is a file, expected a folder")
def file_for_a_folder(tree: Tree) -> None:
    shutil.rmtree(tree.root / "bbox_train")
    (tree.root / "bbox_train").touch()


@fault(r"train_name\.txt is a folder, expected a file")
def folder_for_a_file(tree: Tree) -> None:
    (tree.root / "info/train_name.txt").unlink()
    (tree.root / "info/train_name.txt").mkdir()


@fault(r"mars is a file, expected the folder that holds bbox_train")
def root_is_a_file(tree: Tree) -> None:
    shutil.rmtree(tree.root)
    tree.root.touch()


@fault(r"mars does not exist; name the folder")
def no_root(tree: Tree) -> None:
    shutil.rmtree(tree.root)


@fault(r"bbox_train is missing, expected a folder; did you mean .*mars/MARS\?")
def root_one_level_too_high(tree: Tree) -> None:
    tree.root.rename(tree.root.with_name("inner"))
    tree.root.mkdir()
    tree.root.with_name("inner").rename(tree.root / "MARS")


@fault(r"tracks_train_info\.mat cannot be read as a MATLAB 5 file")
def no_matlab_file(tree: Tree) -> None:
    (tree.root / "info/tracks_train_info.mat").write_text("<html>404</html>")


@fault(r"tracks_test_info\.mat holds trackS_test_info, expected the matrix track_test_info")
def wrong_key(tree: Tree) -> None:
    savemat(tree.root / "info/tracks_test_info.mat", {"trackS_test_info": tree.rows["test"]})


@fault(r"track_test_info is 11 x 3, expected N x 4")
def wrong_shape(tree: Tree) -> None:
    tree.rows["test"] = tree.rows["test"][:, :3]
    tree.write()


@fault(r"query_IDX is 6 x 1, expected 1 x N")
def query_as_a_column(tree: Tree) -> None:
    tree.query = tree.query.T
    tree.write()


@fault(r"track_train_info is 0 x 4, expected N x 4")
def empty_index(tree: Tree) -> None:
    tree.rows["train"] = np.zeros((0, 4), np.int32)
    tree.write()


@fault(r"track_train_info holds float64 values, expected whole numbers")
def fractions(tree: Tree) -> None:
    tree.rows["train"] = tree.rows["train"] + 0.5
    tree.write()


@fault(r"track_test_info holds float64 values, expected whole numbers")
def infinite_numbers(tree: Tree) -> None:
    tree.rows["test"] = np.where(tree.rows["test"] == 0, np.inf, tree.rows["test"])
    tree.write()


@fault(r"query_IDX holds <U1 values, expected whole numbers")
def text_for_numbers(tree: Tree) -> None:
    tree.query = np.array([["5"]])
    tree.write()


@fault(r"train_name\.txt is empty, expected one frame name per line")
def empty_names(tree: Tree) -> None:
    (tree.root / "info/train_name.txt").write_text("\n\n")


@fault(r"test_name\.txt has 25 names, expected 26 as .*tracks_test_info\.mat says")
def names_one_line_short(tree: Tree) -> None:
    tree.names["test"].pop()
    tree.write()


@fault(r"test_name\.txt has 27 names, expected 26")
def names_one_line_long(tree: Tree) -> None:
    tree.names["test"].append("0006C2T0001F004.jpg")
    tree.write()


@fault(r"tracks_test_info\.mat, row 1: starts at line 0, expected line 1 \(the index seems to count from 0\)")
def index_from_zero(tree: Tree) -> None:
    tree.rows["test"][:, :2] -= 1
    tree.write()


@fault(r"tracks_test_info\.mat, row 1: starts at line 2, expected line 1")
def index_from_two(tree: Tree) -> None:
    tree.rows["test"][0, 0] = 2
    tree.write()


@fault(r"tracks_test_info\.mat, row 4: starts at line 10 and ends at line 9, expected start <= end")
def start_after_end(tree: Tree) -> None:
    tree.rows["test"][3, :2] = 10, 9
    tree.write()


@fault(r"row 3: starts at line 3 and so overlaps row 2, which ends at line 3")
def overlap(tree: Tree) -> None:
    tree.rows["test"][2, 0] -= 1
    tree.write()


@fault(r"row 3: starts at line 5 and so leaves a gap after row 2, which ends at line 3")
def gap(tree: Tree) -> None:
    tree.rows["test"][2, 0] += 1
    tree.write()


@fault(r"tracks_train_info\.mat, row 3: says person 5, but lines 6 to 9 of info/train_name\.txt show person 3;")
def pid_of_the_index(tree: Tree) -> None:
    tree.rows["train"][2, 2] = 5
    tree.write()


@fault(r"tracks_train_info\.mat, row 2: says camera 4, but lines 4 to 5 .* show camera 2;")
def camera_of_the_index(tree: Tree) -> None:
    tree.rows["train"][1, 3] = 4
    tree.write()


@fault(r"row 3: says person 3, but lines 6 to 9 .* mix person 1 and 3;")
def tracklet_of_two_persons(tree: Tree) -> None:
    tree.names["train"][6] = "0001C1T0009F002.jpg"
    tree.write()


@fault(r"row 3: says camera 1, but lines 6 to 9 .* mix camera 1 and 5;")
def tracklet_of_two_cameras(tree: Tree) -> None:
    tree.names["train"][6] = "0003C5T0001F002.jpg"
    tree.write()


@fault(r"train_name\.txt, line 5: 0001C2T0001F001\.jpg is already listed above")
def frame_listed_twice(tree: Tree) -> None:
    tree.names["train"][4] = tree.names["train"][3]
    tree.write()


@fault(r"train_name\.txt, line 2: found 'frame2\.jpg', expected frame names such as 0001C1T0001F001\.jpg")
def foreign_name(tree: Tree) -> None:
    tree.names["train"][1] = "frame2.jpg"
    tree.write()


@fault(r"train_name\.txt, line 1: found '0001C7T0001F001\.jpg' \(one of 2 such lines\), expected .* camera 1 to 6")
def seventh_camera(tree: Tree) -> None:
    tree.names["train"][:2] = ["0001C7T0001F001.jpg", "0001C7T0001F002.jpg"]
    tree.write()


@fault(r"test_name\.txt, line 27: found '\.DS_Store', a file that a file manager left behind")
def leftover_in_the_list(tree: Tree) -> None:
    tree.names["test"].append(".DS_Store")
    tree.write()


@fault(r"test_name\.txt, line 3: found '', expected frame names")
def blank_line_inside(tree: Tree) -> None:
    tree.names["test"].insert(2, "")
    tree.write()


@fault(r"test_name\.txt, line 1: found '00-1C1T0001F00Ã©\.jpg'")
def foreign_letter(tree: Tree) -> None:
    tree.names["test"][0] = "00-1C1T0001F00é.jpg"
    tree.write()


@fault(r"query_IDX\.mat: query 1 is row 0, expected 1 to 11 \(the file seems to count from 0\)")
def query_from_zero(tree: Tree) -> None:
    tree.query = np.array([[0, 6]], np.uint16)
    tree.write()


@fault(r"query_IDX\.mat: query 6 is row 12, expected 1 to 11")
def query_out_of_range(tree: Tree) -> None:
    tree.query[0, 5] = 12
    tree.write()


@fault(r"query_IDX\.mat: query 2 \(row 5\) comes before the query listed before it")
def query_unsorted(tree: Tree) -> None:
    tree.query[0, :2] = 7, 5
    tree.write()


@fault(r"query_IDX\.mat: query 2 \(row 5\) repeats the query listed before it")
def query_twice(tree: Tree) -> None:
    tree.query[0, :2] = 5, 5
    tree.write()


@fault(r"query_IDX\.mat: person 2 has 2 queries in camera 1, expected at most one per person and camera")
def two_queries_of_one_camera(tree: Tree) -> None:
    tree.query[0, :3] = 5, 6, 7
    tree.write()


@fault(r"query_IDX\.mat: row 1 is junk, expected persons only")
def query_is_junk(tree: Tree) -> None:
    tree.query[0, 0] = 1
    tree.write()


@fault(r"query_IDX\.mat: row 3 is a distractor, expected persons only")
def query_is_a_distractor(tree: Tree) -> None:
    tree.query[0, 0] = 3
    tree.write()


@fault(r"tracks_train_info\.mat: person 2 is in info/tracks_test_info\.mat too, expected nobody in both")
def person_in_train_and_test(tree: Tree) -> None:
    tree.rows["train"], tree.names["train"] = index_of([*TRAIN[:2], (2, 5, 4)])
    tree.write()


@fault(r"tracks_train_info\.mat, row 3: pid is -1, expected persons, or 0 for somebody without a label")
def junk_in_train(tree: Tree) -> None:
    tree.rows["train"], tree.names["train"] = index_of([*TRAIN[:2], (-1, 6, 4)])
    tree.write()


@pytest.mark.parametrize("name", fault)
def test_a_damaged_index_is_reported_in_a_sentence(tree: Tree, name: str) -> None:
    damage, message = fault[name]
    damage(tree)
    check_fault(Mars(), tree.root, message)


def test_verify_tells_all_faults_of_the_index_at_once(tree: Tree) -> None:
    tree.query[0, 0] = 1  # junk
    tree.names["train"][0] = "no-frame.jpg"
    tree.write()
    problems = "\n".join(Mars().verify(tree.root).problems)
    assert "row 1 is junk" in problems
    assert "'no-frame.jpg'" in problems
