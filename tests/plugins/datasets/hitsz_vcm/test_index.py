"""The index files of HITSZ-VCM, each damaged in one way."""

import shutil

import pytest
from faults import Faults, check_fault
from hitsz_tree import Tree

from vreid_plugins.datasets.hitsz_vcm.names import list_names, picture_path
from vreid_plugins.datasets.hitsz_vcm.reader import HitszVcm

fault = Faults()


@fault(r"track_test_info\.txt is missing, expected a file; copy it again from where HITSZ-VCM is published")
def missing_list(tree: Tree) -> None:
    (tree.root / "track_test_info.txt").unlink()


@fault(r"query_IDX\.txt is a folder, expected a file")
def folder_for_a_list(tree: Tree) -> None:
    (tree.root / "query_IDX.txt").unlink()
    (tree.root / "query_IDX.txt").mkdir()


@fault(r"hitsz-vcm does not exist; name the folder that holds train_name\.txt and test_name\.txt and")
def nothing_at_all(tree: Tree) -> None:
    shutil.rmtree(tree.root)


@fault(r"query_IDX\.txt differs from .*info/query_IDX\.txt, expected the list in one place; delete the one that")
def two_lists_that_differ(tree: Tree) -> None:
    (tree.root / "info").mkdir()
    (tree.root / "info/query_IDX.txt").write_text("4 5 7\n")


@fault(r"/Test is missing, expected a folder beside Train")
def one_part_unpacked_apart(tree: Tree) -> None:
    (tree.root / "Train").mkdir()


@fault(r"train_name\.txt is empty, expected one frame name per line")
def empty_names(tree: Tree) -> None:
    tree.put("train_name.txt", [])


@fault(r"track_train_info\.txt is empty")
def empty_rows(tree: Tree) -> None:
    tree.put("track_train_info.txt", [])


@fault(r"query_IDX\.txt is empty")
def empty_queries(tree: Tree) -> None:
    tree.query = "\n"
    tree.write()


@fault(r"track_train_info\.txt cannot be read as UTF-8 text")
def garbled_rows(tree: Tree) -> None:
    (tree.root / "track_train_info.txt").write_bytes(b"\xff\xfe\x00")


@fault(r"track_train_info\.txt, line 2: found '1 13 25 0001', expected 5 whole numbers as in '2 1 24 0001 3'")
def row_of_four_cells(tree: Tree) -> None:
    tree.put("track_train_info.txt", ["2 1 12 0001 3", "1 13 25 0001"])


@fault(r"track_train_info\.txt, line 1: found '2 1 12 0001 D3', expected 5 whole numbers")
def camera_in_letters(tree: Tree) -> None:
    tree.put("track_train_info.txt", ["2 1 12 0001 D3"])


@fault(r"track_test_info\.txt, row 2: modality 3, expected 1 \(infrared\) or 2 \(visible\); restore")
def third_modality(tree: Tree) -> None:
    tree.rows["test"][1][0] = 3
    tree.write()


@fault(r"track_train_info\.txt, row 3: person 0, expected 1 or more")
def person_zero(tree: Tree) -> None:
    tree.rows["train"][2][3] = 0
    tree.rename("train", range(25, 28), "0002", "0000")
    tree.write()


@fault(r"row 1: starts at line 0, expected line 1 \(the index seems to count from 0\)")
def index_that_counts_from_zero(tree: Tree) -> None:
    for row in tree.rows["train"]:
        row[1] -= 1
        row[2] -= 1
    tree.write()


@fault(r"track_train_info\.txt, row 2: starts at line 12 and so overlaps row 1, which ends at line 12")
def ranges_that_overlap(tree: Tree) -> None:
    tree.rows["train"][1][1] -= 1
    tree.write()


@fault(r"track_train_info\.txt, row 2: starts at line 13 and ends at line 11, expected start <= end")
def range_turned_round(tree: Tree) -> None:
    tree.rows["train"][1][2] = 11
    tree.write()


@fault(r"test_name\.txt has 109 names, expected 110 as .*track_test_info\.txt says; one of the two was cut")
def name_lost(tree: Tree) -> None:
    tree.names["test"].pop()
    tree.write()


@fault(r"row 1: says modality 2, but lines 1 to 12 of train_name\.txt show modality 1")
def another_modality_in_the_names(tree: Tree) -> None:
    tree.rename("train", range(12), "M2D3T1", "M1D3T9")
    tree.rename("train", range(12, 25), "D3", "D4")
    tree.rows["train"][1][4] = 4
    tree.write()


@fault(r"row 3: says person 2, but lines 26 to 28 of train_name\.txt mix person 2 and 9")
def another_person_in_a_name(tree: Tree) -> None:
    tree.rename("train", range(26, 27), "0002", "0009")
    tree.write()


@fault(r"row 3: says camera 1, but lines 26 to 28 of train_name\.txt show camera 12")
def camera_cut_to_its_first_digit(tree: Tree) -> None:
    """Somebody who takes one letter for the camera reads D12 as camera 1."""
    tree.rows["train"][2][4] = 1
    tree.write()


@fault(r"train_name\.txt, line 2: 0001M2D3T1F1\.jpg is already listed above; delete one line")
def frame_listed_twice(tree: Tree) -> None:
    tree.names["train"][1] = tree.names["train"][0]
    tree.write()


@fault(r"test_name\.txt, line 27: 0503M2D4T2F1\.jpg is already listed above")
def one_picture_in_two_tracklets(tree: Tree) -> None:
    """The tracklet is not part of the path: both names mean 0503/rgb/D4/1.jpg."""
    tree.rename("test", range(26, 27), "F101", "F1")
    tree.write()


@fault(r"train_name\.txt, line 1: found '0001C1T0001F001\.jpg', expected frame names such as 0001M2D3T1F6\.jpg")
def name_of_mars(tree: Tree) -> None:
    tree.names["train"][0] = "0001C1T0001F001.jpg"
    tree.write()


@fault(r"train_name\.txt, line 1: found '0001M3D3T1F1\.jpg', expected frame names such as")
def third_modality_in_a_name(tree: Tree) -> None:
    tree.rename("train", range(1), "M2", "M3")
    tree.write()


@fault(r"train_name\.txt, line 3: found '\._0001M2D3T1F11\.jpg', a file that a file manager left behind")
def leftover_among_the_names(tree: Tree) -> None:
    tree.names["train"][2] = "._" + tree.names["train"][2]
    tree.write()


@fault(r"query_IDX\.txt has 4 lines, expected all queries on one line")
def queries_one_a_line(tree: Tree) -> None:
    tree.query = tree.query.replace(" ", "\n")
    tree.write()


@fault(r"query_IDX\.txt: found '5,7' \(one of 2 such cells\), expected whole numbers as in '15 16 17'")
def queries_with_commas(tree: Tree) -> None:
    tree.query = "4 5,7 9,\n"
    tree.write()


@fault(r"query_IDX\.txt: a query is row 0, expected 1 to 9 \(the file seems to count from 0\)")
def queries_that_count_from_zero(tree: Tree) -> None:
    tree.query = "0 3 4 6 8\n"
    tree.write()


@fault(r"query_IDX\.txt: a query is row 10 \(one of 2 such queries\), expected 1 to 9; restore")
def queries_outside(tree: Tree) -> None:
    tree.query = "4 10 11\n"
    tree.write()


@fault(r"query_IDX\.txt: row 4 is a query twice, expected once")
def query_twice(tree: Tree) -> None:
    tree.query = "4 5 4\n"
    tree.write()


@fault(r"query_IDX\.txt lists every row, expected the infrared ones")
def nobody_left_to_be_found(tree: Tree) -> None:
    tree.query = "1 2 3 4 5 6 7 8 9\n"
    tree.write()


@fault(r"query_IDX\.txt: row 10 has no frame, expected rows with frames")
def query_without_a_frame(tree: Tree) -> None:
    tree.rows["test"].append([1, 111, 110, 505, 7])
    tree.query = "4 10\n"
    tree.write()


@fault(r"0001/rgb/D3/1\.jpg: person 0001 is both trained on and tested, expected nobody in both")
def person_in_train_and_test(tree: Tree) -> None:
    tree.rename("test", range(98, 110), "0505M1D7", "0001M1D7")
    tree.rows["test"][8][3] = 1
    tree.write()


def test_there_are_at_least_20_kinds() -> None:
    assert len(fault) >= 20


@pytest.mark.parametrize("name", fault)
def test_a_damaged_tree_is_reported_in_a_sentence(tree: Tree, name: str) -> None:
    damage, message = fault[name]
    damage(tree)
    check_fault(HitszVcm(), tree.root, message)


def test_a_name_stands_for_a_path() -> None:
    # characters 0 to 3: the person; 5: the modality; D up to T: the camera; behind F: the picture
    assert picture_path("0001M2D3T1F6.jpg") == "0001/rgb/D3/6.jpg"
    assert picture_path("0927M1D12T34F0101.jpg") == "0927/ir/D12/0101.jpg"
    with pytest.raises(ValueError, match="is no frame name"):
        picture_path("0001C1T0001F001.jpg")


def test_a_list_of_names_is_parsed_with_windows_line_endings_and_a_mark(tmp_path) -> None:
    (tmp_path / "names.txt").write_bytes(b"\xef\xbb\xbf0001M2D3T1F6.jpg\r\n0927M1D12T34F101.jpg\r\nx\r\n\r\n")
    names, fields, good = list_names(tmp_path / "names.txt")
    assert names == ["0001M2D3T1F6.jpg", "0927M1D12T34F101.jpg", "x"]
    assert fields.tolist() == [[1, 2, 3, 1, 6], [927, 1, 12, 34, 101], [0, 0, 0, 0, 0]]
    assert good.tolist() == [True, True, False]


def test_rows_without_frames_are_left_out_and_the_queries_keep_their_rows(tree: Tree) -> None:
    tree.rows["test"].insert(2, [2, 27, 26, 503, 4])
    tree.query = "5 6 8 10\n"
    dataset = HitszVcm().read(tree.write().root)
    (split,) = dataset.splits
    assert [(split.test[row].pid, split.test[row].camid) for row in split.query] == [
        (503, 3),
        (503, 5),
        (504, 4),
        (505, 7),
    ]
    assert len(split.test) == 9
    assert dataset.notes == ("1 rows without a frame of track_test_info.txt are left out.",)


def test_names_in_no_row_and_tracklets_out_of_order_or_mixed_are_noted(tree: Tree) -> None:
    expected = HitszVcm().read(tree.root).splits
    tree.names["train"][:12] = sorted(tree.names["train"][:12])  # as text: 1, 11, 16, ..., 6
    tree.rename("train", range(25, 26), "T1F", "T2F")
    tree.names["train"].append("0002M1D12T3F991.jpg")
    dataset = HitszVcm().read(tree.write().root)
    assert dataset.splits == expected
    assert dataset.notes == (
        "1 names of train_name.txt are in no row of track_train_info.txt.",
        "1 rows of track_train_info.txt hold names of several tracklets.",
        "1 tracklets of train_name.txt are not listed in order of frame number; they were sorted by it.",
    )
