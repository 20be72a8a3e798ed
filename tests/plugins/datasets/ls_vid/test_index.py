"""The lists, the query file and the folders of LS-VID, each damaged in one way."""

import shutil

import h5py
import numpy as np
import pytest
from faults import Faults, check_fault
from ls_vid_tree import QUERY, Tree
from scipy.io import savemat

from vreid_plugins.datasets.ls_vid.reader import LsVid

fault = Faults()


@fault(r"test/data/info_test\.mat is missing, expected a file")
def missing_file(tree: Tree) -> None:
    (tree.root / "test/data/info_test.mat").unlink()


@fault(r"tracklet_train is missing, expected a folder")
def missing_folder(tree: Tree) -> None:
    shutil.rmtree(tree.root / "tracklet_train")


@fault(r"list_seq_train\.txt is empty, expected a line such as 'tracklet_test/0007/0007_0002_03 7'")
def empty_list(tree: Tree) -> None:
    (tree.root / "list_sequence/list_seq_train.txt").write_text("\n")


@fault(r"list_seq_train\.txt, line 2: found 'tracklet_train/0001/0001_1_15', expected 2 cells")
def line_without_person(tree: Tree) -> None:
    tree.lists["train"][1] = "tracklet_train/0001/0001_1_15"
    tree.write()


@fault(r"list_seq_train\.txt, line 2: found '', expected 2 cells")
def blank_line_inside(tree: Tree) -> None:
    tree.lists["train"].insert(1, "")
    tree.write()


@fault(r"list_seq_train\.txt cannot be read as UTF-8 text")
def binary_list(tree: Tree) -> None:
    (tree.root / "list_sequence/list_seq_train.txt").write_bytes(b"\xff\xfe\x00\x01")


@fault(r"line 1: 'one' is not the number of a person")
def person_in_words(tree: Tree) -> None:
    tree.lists["train"][0] = "tracklet_train/0001/0001_1_3 one"
    tree.write()


@fault(r"list_seq_train\.txt, line 1: person -1, expected 0 or more")
def junk_in_training(tree: Tree) -> None:
    tree.lists["train"][0] = "tracklet_train/0001/0001_1_3 -1"
    tree.write()


@fault(r"list_seq_test\.txt, line 4: person -2, expected -1 or more")
def below_junk(tree: Tree) -> None:
    tree.lists["test"][3] = "tracklet_test/0004/0004_2_5 -2"
    tree.write()


@fault(r"line 1: '/data/0001_1_3' leads out of the data set")
def absolute_path(tree: Tree) -> None:
    tree.lists["train"][0] = "/data/0001_1_3 1"
    tree.write()


@fault(r"line 1: '\.\./0001_1_3' leads out of the data set")
def path_upwards(tree: Tree) -> None:
    tree.lists["train"][0] = "../0001_1_3 1"
    tree.write()


@fault(r"line 4: 'tracklet_train/\.DS_Store' was left by a file manager")
def leftover_in_the_list(tree: Tree) -> None:
    tree.lists["train"].append("tracklet_train/.DS_Store 9")
    tree.write()


@fault(r"list_seq_test\.txt, line 5: tracklet_train/0003/0003_1_2 is already listed in .*list_seq_train\.txt, line 3")
def tracklet_listed_twice(tree: Tree) -> None:
    tree.lists["test"].append("tracklet_train/0003/0003_1_2 4")
    tree.write()


@fault(r"list_seq_test\.txt, line 1: no frame begins with tracklet_test/0002/0002_1_1, expected files such as")
def no_frames(tree: Tree) -> None:
    for path in (tree.root / "tracklet_test/0002").glob("0002_1_1_*"):
        path.unlink()


@fault(r"line 3: no frame begins with tracklet_train/0003/0003_1_2_00, expected files such as")
def beginning_within_a_field(tree: Tree) -> None:
    tree.lists["train"][2] = "tracklet_train/0003/0003_1_2_00 3"
    tree.write()


@fault(r"line 3: found .*0003_1_2_first\.jpg, expected names such as 0007_0002_03_0001\.jpg")
def foreign_frame(tree: Tree) -> None:
    tree.frame("tracklet_train/0003/0003_1_2_first.jpg")


@fault(r"line 3: frames that begin with tracklet_train/0003/0003_1_16 are of camera 16, expected one camera of 1 to 15")
def sixteenth_camera(tree: Tree) -> None:
    for path in (tree.root / "tracklet_train/0003").iterdir():
        path.rename(path.with_name(path.name.replace("0003_1_2_", "0003_1_16_")))
    tree.lists["train"][2] = "tracklet_train/0003/0003_1_16 3"
    tree.write()


@fault(r"line 3: frames that begin with tracklet_train/0003/0003_1 are of camera 2 and 7, expected one camera")
def two_cameras(tree: Tree) -> None:
    tree.frame("tracklet_train/0003/0003_1_7_0001.jpg")
    tree.lists["train"][2] = "tracklet_train/0003/0003_1 3"
    tree.write()


@fault(r"line 3: tracklet_train/0003/0003_1_2_01\.jpg has the number of another frame")
def frame_number_twice(tree: Tree) -> None:
    tree.frame("tracklet_train/0003/0003_1_2_01.jpg")


@fault(r"person 2 is both trained on and tested, expected nobody in both")
def person_in_train_and_test(tree: Tree) -> None:
    tree.lists["train"][2] = "tracklet_train/0003/0003_1_2 2"
    tree.write()


@fault(r"info_test\.mat cannot be read as a MATLAB 7\.3 \(HDF5\) file")
def older_matlab_file(tree: Tree) -> None:
    savemat(tree.root / "test/data/info_test.mat", {"query": np.array([QUERY])})


@fault(r"info_test\.mat holds gallery, expected the matrix query")
def wrong_key(tree: Tree) -> None:
    with h5py.File(tree.root / "test/data/info_test.mat", "w") as file:
        file["gallery"] = tree.query


@fault(r"query is 2 x 1, expected 1 x N")
def query_as_a_column(tree: Tree) -> None:
    tree.query = tree.query.T
    tree.write()


@fault(r"query holds float64 values, expected whole numbers")
def fractions(tree: Tree) -> None:
    tree.query = tree.query + 0.5
    tree.write()


@fault(r"a query is row 0, expected 1 to 4 \(the file seems to count from 0\)")
def query_from_zero(tree: Tree) -> None:
    tree.query = tree.query - 1
    tree.write()


@fault(r"a query is row 5, expected 1 to 4")
def query_out_of_range(tree: Tree) -> None:
    tree.query = tree.query + 2
    tree.write()


@fault(r"row 3 is a query twice")
def query_twice(tree: Tree) -> None:
    tree.query = np.array([[3, 3]])
    tree.write()


@fault(r"row 4 is junk, expected persons only")
def query_is_junk(tree: Tree) -> None:
    tree.lists["test"][3] = "tracklet_test/0004/0004_2_5 -1"
    tree.query = np.array([[1, 4]])
    tree.write()


@pytest.mark.parametrize("name", fault)
def test_a_damaged_tree_is_reported_in_a_sentence(tree: Tree, name: str) -> None:
    damage, message = fault[name]
    damage(tree)
    check_fault(LsVid(), tree.root, message)
