"""The index files of MEVID, each damaged in one way."""

import shutil

import pytest
from faults import Faults, check_fault
from mevid_tree import Tree

from vreid_plugins.datasets.mevid.reader import Mevid

fault = Faults()


@fault(r"track_test_info\.txt is missing, expected a file")
def missing_list(tree: Tree) -> None:
    (tree.root / "track_test_info.txt").unlink()


@fault(r"bbox_train is missing, expected a folder")
def missing_folder(tree: Tree) -> None:
    shutil.rmtree(tree.root / "bbox_train")


@fault(r"query_IDX\.txt is a folder, expected a file")
def folder_for_a_list(tree: Tree) -> None:
    (tree.root / "query_IDX.txt").unlink()
    (tree.root / "query_IDX.txt").mkdir()


@fault(r"train_name\.txt is empty, expected one frame name per line")
def empty_names(tree: Tree) -> None:
    tree.put("train_name.txt", [])


@fault(r"track_train_info\.txt is empty")
def empty_rows(tree: Tree) -> None:
    tree.put("track_train_info.txt", [])


@fault(r"query_IDX\.txt cannot be read as UTF-8 text")
def garbled_queries(tree: Tree) -> None:
    (tree.root / "query_IDX.txt").write_bytes(b"\xff\xfe\x00")


@fault(
    r"track_train_info\.txt, line 2: found '10 11 103 21', expected 5 whole numbers as in '0\.0 9\.0 103\.0 20\.0 42"
)
def row_of_four_cells(tree: Tree) -> None:
    tree.put("track_train_info.txt", ["0 9 103 20 424", "10 11 103 21"])


@fault(r"track_train_info\.txt, line 1: found '0 9\.5 103 20 424', expected 5 whole numbers")
def row_with_a_fraction(tree: Tree) -> None:
    tree.put("track_train_info.txt", ["0 9.5 103 20 424"])


@fault(r"track_test_info\.txt, line 1: found .*nan")
def row_that_is_not_a_number(tree: Tree) -> None:
    tree.rows["test"][0][2] = float("nan")
    tree.write()


@fault(r"track_train_info\.txt, row 2: starts at line 9 and so overlaps row 1, which ends at line 9")
def ranges_that_exclude_their_end(tree: Tree) -> None:
    """Somebody who counts the last frame out would lose one of each tracklet; here it is counted twice."""
    tree.rows["train"][1][0] -= 1
    tree.write()


@fault(r"train_name\.txt has 15 names, expected 16 as .*track_train_info\.txt says")
def index_that_counts_from_one(tree: Tree) -> None:
    for row in tree.rows["train"]:
        row[0] += 1
        row[1] += 1
    tree.write()


@fault(r"test_name\.txt has 16 names, expected 17")
def name_lost(tree: Tree) -> None:
    tree.names["test"].pop()
    tree.write()


@fault(r"row 2: says person 103, but lines 10 to 11 of train_name\.txt show person 104")
def another_person_in_a_name(tree: Tree) -> None:
    for line in (10, 11):
        tree.names["train"][line] = tree.names["train"][line].replace("0103", "0104")
    tree.write()


@fault(r"row 1: says outfit 20, but lines 0 to 9 of train_name\.txt mix outfit 20 and 99")
def another_outfit_in_a_name(tree: Tree) -> None:
    tree.names["train"][4] = tree.names["train"][4].replace("O020", "O099")
    tree.write()


@fault(r"row 3: says camera 425, but lines 12 to 14 of train_name\.txt show camera 424")
def another_camera_in_a_row(tree: Tree) -> None:
    tree.rows["train"][2][4] = 425
    tree.write()


@fault(r"row 1: lines 0 to 9 of train_name\.txt mix tracklets 0 and 7, expected one")
def two_tracklets_in_a_row(tree: Tree) -> None:
    tree.names["train"][4] = tree.names["train"][4].replace("T000", "T007")
    tree.write()


@fault(r"train_name\.txt, line 4: .*F00000\.jpg is already listed above")
def frame_listed_twice(tree: Tree) -> None:
    tree.names["train"][3] = tree.names["train"][0]
    tree.write()


@fault(
    r"train_name\.txt, line 1: found '0103C1T0001F001\.jpg', expected frame names such as 0201O003C330T004F00000\.jpg"
)
def name_of_mars(tree: Tree) -> None:
    tree.names["train"][0] = "0103C1T0001F001.jpg"
    tree.write()


@fault(r"train_name\.txt, line 1: found '\._0103O020C424T000F0000\.jpg', a file that a file manager left behind")
def leftover_among_the_names(tree: Tree) -> None:
    tree.names["train"][0] = "._0103O020C424T000F0000.jpg"
    tree.write()


@fault(r"a query is row 8, expected 0 to 7 \(the file seems to count from 1\)")
def queries_that_count_from_one(tree: Tree) -> None:
    tree.query = ["1", "8"]
    tree.write()


@fault(r"query_IDX\.txt: a query is row 99 \(one of 2 such queries\), expected 0 to 7; restore")
def queries_outside(tree: Tree) -> None:
    tree.query = ["0", "99", "100"]
    tree.write()


@fault(r"query_IDX\.txt: row 0 is a query twice, expected once")
def query_twice(tree: Tree) -> None:
    tree.query.append("0")
    tree.write()


@fault(r"query_IDX\.txt: row 6 is nobody or has no frame, expected persons only")
def query_of_nobody(tree: Tree) -> None:
    tree.rows["test"][6][2] = -1
    tree.write()


@fault(r"track_train_info\.txt, row 3: person 0, expected 1 or more, or -1 for nobody")
def person_zero(tree: Tree) -> None:
    tree.rows["train"][2][2] = 0
    tree.names["train"][12:] = [name.replace("0104", "0000") for name in tree.names["train"][12:]]
    tree.write()


@fault(r"person 0103 is both trained on and tested, expected nobody in both")
def person_in_train_and_test(tree: Tree) -> None:
    tree.rows["test"][7][2] = 103
    tree.names["test"][-2:] = [name.replace("0203", "0103") for name in tree.names["test"][-2:]]
    tree.write()


@fault(r"test_track_scale\.txt, line 1: found '.*F00002\.jpg x', expected a frame and l or m")
def unknown_scale(tree: Tree) -> None:
    tree.scales[0] = tree.scales[0][:-1] + "x"
    tree.write()


@fault(r"test_track_scale\.txt: the tracklet of .*F00002\.jpg is listed twice; delete one of the rows")
def scale_listed_twice(tree: Tree) -> None:
    tree.scales.append(tree.scales[0])
    tree.write()


@fault(r"0201O003C330T004F00000\.jpg: the scale of its tracklet is not known, expected one whose name is in test")
def scale_of_a_person_with_a_match_lost(tree: Tree) -> None:
    del tree.scales[0]
    tree.write()


@fault(r"0202O003C777T000F00000\.jpg: the place of its tracklet is not known, expected one whose camera is known")
def test_camera_of_no_place(tree: Tree) -> None:
    tree.rows["test"][5][4] = 777
    tree.names["test"] = [name.replace("0202O003C330", "0202O003C777") for name in tree.names["test"]]
    tree.scales = [line.replace("0202O003C330", "0202O003C777") for line in tree.scales]
    tree.write()


def test_there_are_at_least_20_kinds() -> None:
    assert len(fault) >= 20


@pytest.mark.parametrize("name", fault)
def test_a_damaged_tree_is_reported_in_a_sentence(tree: Tree, name: str) -> None:
    damage, message = fault[name]
    damage(tree)
    check_fault(Mevid(), tree.root, message)


def test_rows_of_nobody_and_without_frames_are_left_out_and_the_queries_keep_their_rows(tree: Tree) -> None:
    tree.rows["test"][1][2] = -1
    tree.rows["test"].insert(3, [6, 5, 201, 4, 340])
    tree.query = ["0", "7"]
    dataset = Mevid().read(tree.write().root)
    (split,) = dataset.splits
    assert [(split.test[row].pid, split.test[row].camid) for row in split.query] == [(201, 330), (202, 336)]
    assert len(split.test) == 7
    assert dataset.notes[:2] == (
        "1 rows of nobody (pid -1) of track_test_info.txt are left out.",
        "1 rows without a frame of track_test_info.txt are left out.",
    )


def test_rows_after_one_of_nobody_keep_their_number_in_a_message(tree: Tree) -> None:
    tree.rows["test"][1][2] = -1
    tree.rows["test"][2][3] = 9
    (problem,) = [p for p in Mevid().verify(tree.write().root).problems if "says outfit" in p]
    assert "track_test_info.txt, row 3: says outfit 9, but lines 5 to 5 of test_name.txt show outfit 3" in problem


def test_a_row_of_nobody_may_mix_tracklets(tree: Tree) -> None:
    tree.rows["train"][0][2] = -1
    tree.names["train"][4] = tree.names["train"][4].replace("T000", "T007")
    assert [t.pid for t in Mevid().read(tree.write().root).splits[0].train] == [103, 104]


def test_names_in_no_row_are_noted(tree: Tree) -> None:
    tree.names["train"].append("0104O020C424T009F00000.jpg")
    assert "1 names of train_name.txt are in no row of track_train_info.txt." in Mevid().read(tree.write().root).notes
