"""The lists and folders of P-DESTRE, each damaged in one way."""

import shutil

import pytest
from faults import Faults, check_fault
from p_destre_tree import Tree

from vreid_plugins.datasets.p_destre.reader import PDestre

fault = Faults()


@fault(r"p-destre does not exist; name the folder that holds Splits/Train_0\.txt and the folders of the sequences")
def missing_root(tree: Tree) -> None:
    shutil.rmtree(tree.root)


@fault(r"p-destre holds no list of a division, expected Train_0\.txt and others in pedestrian_reid_splits/Splits, in S")
def no_lists(tree: Tree) -> None:
    shutil.rmtree(tree.root / "Splits")


@fault(r"p-destre holds no list of a division, .*; did you mean .*/p-destre/inner\?$")
def root_too_high(tree: Tree) -> None:
    (tree.root / "inner").mkdir()
    (tree.root / "Splits").rename(tree.root / "inner" / "Splits")


@fault(r"Splits/Query_1\.txt is missing, expected a list of sequences")
def missing_list(tree: Tree) -> None:
    tree.list_path("Query_1").unlink()


@fault(r"Splits/Gallery_0\.txt is a folder, expected a file")
def folder_for_a_list(tree: Tree) -> None:
    tree.list_path("Gallery_0").unlink()
    tree.list_path("Gallery_0").mkdir()


@fault(r"Splits has no list of division 1 \(one of 2 such divisions\), expected all from 0 to 3")
def gap_in_the_divisions(tree: Tree) -> None:
    for part in ("Train", "Query", "Gallery"):
        tree.list_path(f"{part}_1").rename(tree.list_path(f"{part}_3"))


@fault(r"/Splits and .*/p-destre both hold lists of divisions, expected one place; remove one of them")
def lists_in_two_places(tree: Tree) -> None:
    shutil.copy(tree.list_path("Train_0"), tree.root)


@fault(r"Train_0\.txt is empty, expected a sequence such as 12-11-2019-3-1 in each line")
def empty_list(tree: Tree) -> None:
    tree.list_path("Train_0").write_text("\n")


@fault(r"Train_1\.txt cannot be read as UTF-8 text")
def garbled_list(tree: Tree) -> None:
    tree.list_path("Train_1").write_bytes(b"\xff\xfe\x00")


@fault(r"Train_0\.txt, line 2: is blank, which the published loader takes for the whole data set, expected the name of")
def blank_line(tree: Tree) -> None:
    tree.divisions[0]["Train"].insert(1, "")
    tree.write()


@fault(r"Query_0\.txt, line 1: names '08-11-2019-1', expected the name of a sequence such as 12-11-2019-3-1")
def session_for_a_sequence(tree: Tree) -> None:
    tree.divisions[0]["Query"][0] = "08-11-2019-1"
    tree.write()


@fault(r"Query_0\.txt, line 1: names the path '\.\./08-11-2019-1-1', expected the name of a sequence")
def path_that_leads_out(tree: Tree) -> None:
    tree.divisions[0]["Query"][0] = "../08-11-2019-1-1"
    tree.write()


@fault(r"Query_0\.txt, line 1: names the path 'videos\\\\08-11-2019-1-1', expected the name of a sequence")
def path_of_windows(tree: Tree) -> None:
    tree.divisions[0]["Query"][0] = "videos\\08-11-2019-1-1"
    tree.write()


@fault(r"Gallery_0\.txt, line 4: names '\._14-11-2019-1-2', which a file manager left behind, expected the name of")
def leftover_in_a_list(tree: Tree) -> None:
    tree.divisions[0]["Gallery"].append("._14-11-2019-1-2")
    tree.write()


@fault(r"Gallery_0\.txt: sequence 12-11-2019-3-3 is listed twice, expected once; delete one line")
def sequence_listed_twice(tree: Tree) -> None:
    tree.divisions[0]["Gallery"].append("12-11-2019-3-3")
    tree.write()


@fault(r"Train_0\.txt: sequence 14-11-2019-1-2 is also in a test list of division 0, expected it in one part")
def sequence_in_train_and_test(tree: Tree) -> None:
    tree.divisions[0]["Train"].append("14-11-2019-1-2")
    tree.write()


@fault(r"person 14-11-2019-1:9 is both trained on and tested, expected nobody in both")
def session_in_train_and_test(tree: Tree) -> None:
    tree.divisions[0]["Train"].append("14-11-2019-1-1")
    tree.divisions[0]["Query"].remove("14-11-2019-1-1")
    tree.write()


@fault(r"12-11-2019-3-2 is missing, but a division names the sequence, expected a folder for each person")
def sequence_lost(tree: Tree) -> None:
    shutil.rmtree(tree.root / "12-11-2019-3-2")


@fault(r"12-11-2019-3-2 is not a folder, but a division names the sequence, expected a folder for each person")
def file_for_a_sequence(tree: Tree) -> None:
    shutil.rmtree(tree.root / "12-11-2019-3-2")
    (tree.root / "12-11-2019-3-2").write_text("")


@fault(r"14-11-2019-1-1 holds nobody, expected a folder for each person, such as 12-11-2019-3-1/105")
def sequence_of_nobody(tree: Tree) -> None:
    (tree.root / "14-11-2019-1-1" / "9").rename(tree.root / "14-11-2019-1-1" / "-1")


@fault(r"12-11-2019-3-1 holds person_7 \(one of 2 such names\), expected folders named by the numbers of people")
def people_with_names(tree: Tree) -> None:
    tree.frame("12-11-2019-3-1/person_7/7_1_12112019_2.jpg")
    tree.frame("12-11-2019-3-1/person_8/8_1_12112019_2.jpg")


@fault(r"12-11-2019-3-1 holds 2_10_12112019_2\.jpg, expected folders named by the numbers of people, such as 105 or -1")
def frame_above_its_folder(tree: Tree) -> None:
    tree.frame("12-11-2019-3-1/2_10_12112019_2.jpg")


@fault(r"12-11-2019-3-1 holds 2 and 02, expected one folder for each number")
def number_with_two_folders(tree: Tree) -> None:
    tree.frame("12-11-2019-3-1/02/2_40_12112019_2.jpg")


@fault(r"12-11-2019-3-1/5 holds face\.jpg, which tells no frame number, expected names such as 105_610_13112019_36")
def frame_without_a_number(tree: Tree) -> None:
    tree.frame("12-11-2019-3-1/5/face.jpg")


def test_there_are_at_least_20_kinds() -> None:
    assert len(fault) >= 20


@pytest.mark.parametrize("name", fault)
def test_a_damaged_tree_is_reported_in_a_sentence(tree: Tree, name: str) -> None:
    damage, message = fault[name]
    damage(tree)
    check_fault(PDestre(), tree.root, message)
