"""The index files of G2A-VReID, each damaged in one way: they are those of MARS."""

from pathlib import Path

import numpy as np
import pytest
from faults import Faults, check_fault
from scipy.io import loadmat, savemat

from vreid_plugins.datasets.g2a_vreid.reader import G2aVreid

fault = Faults()
TEST, QUERY = ("info/tracks_test_info.mat", "track_test_info"), ("info/query_IDX.mat", "query_IDX")
NAMES = "info/test_name.txt"


def change_rows(root: Path, row: int, column: int, step: int) -> None:
    """Change one value of the test index."""
    rows = loadmat(root / TEST[0])[TEST[1]].astype(np.int32)
    rows[row, column] += step
    savemat(root / TEST[0], {TEST[1]: rows})


def put_query(root: Path, *rows: float) -> None:
    """Write other queries."""
    savemat(root / QUERY[0], {QUERY[1]: np.array([rows])})


def change_names(root: Path, line: int, old: str, new: str) -> None:
    """Change one name of the test list."""
    lines = (root / NAMES).read_text().splitlines()
    lines[line] = lines[line].replace(old, new)
    (root / NAMES).write_text("".join(f"{each}\n" for each in lines))


@fault(r"info/query_IDX\.mat is missing, expected a file")
def no_queries(root: Path) -> None:
    (root / QUERY[0]).unlink()


@fault(r"info/test_name\.txt is missing, expected a file")
def no_names(root: Path) -> None:
    (root / NAMES).unlink()


@fault(r"info/test_name\.txt is empty, expected one frame name per line")
def empty_names(root: Path) -> None:
    (root / NAMES).write_text("")


@fault(r"bbox_test is missing, expected a folder")
def no_frames(root: Path) -> None:
    (root / "bbox_test").rename(root / "bbox")


@fault(r"query_IDX\.mat cannot be read as a MATLAB 5 file")
def text_for_a_matrix(root: Path) -> None:
    (root / QUERY[0]).write_text("1 3 5 7")


@fault(r"query_IDX\.mat holds rows, expected the matrix query_IDX")
def matrix_under_another_name(root: Path) -> None:
    savemat(root / QUERY[0], {"rows": np.array([[1, 3]])})


@fault(r"query_IDX is 2 x 1, expected 1 x N")
def queries_turned(root: Path) -> None:
    savemat(root / QUERY[0], {QUERY[1]: np.array([[1], [3]])})


@fault(r"query_IDX holds float64 values, expected whole numbers")
def fractional_queries(root: Path) -> None:
    put_query(root, 1.5, 3)


@fault(r"query 1 is row 0, expected 1 to 8 \(the file seems to count from 0\)")
def queries_that_count_from_zero(root: Path) -> None:
    put_query(root, 0, 2, 4)


@fault(r"query 2 is row 9, expected 1 to 8")
def query_outside(root: Path) -> None:
    put_query(root, 1, 9)


@fault(r"query 2 \(row 1\) repeats the query listed before it")
def query_twice(root: Path) -> None:
    put_query(root, 1, 1, 3)


@fault(r"query 2 \(row 1\) comes before the query listed before it")
def queries_out_of_order(root: Path) -> None:
    put_query(root, 3, 1)


@fault(r"row 1: starts at line 0, expected line 1 \(the index seems to count from 0\)")
def rows_that_count_from_zero(root: Path) -> None:
    change_rows(root, 0, 0, -1)


@fault(r"row 2: starts at line \d+ and so leaves a gap after row 1")
def gap_between_rows(root: Path) -> None:
    change_rows(root, 0, 1, -1)


@fault(r"row 2: starts at line \d+ and so overlaps row 1")
def rows_that_overlap(root: Path) -> None:
    change_rows(root, 0, 1, 1)


@fault(r"row 1: starts at line 1 and ends at line -\d+, expected start <= end")
def row_that_ends_before_it_starts(root: Path) -> None:
    change_rows(root, 0, 1, -1000)


@fault(r"row 1: says person \d+, but lines 1 to \d+ of info/test_name\.txt show person")
def another_person(root: Path) -> None:
    change_rows(root, 0, 2, 1000)


@fault(r"row 1: says camera 2, but lines 1 to \d+ of info/test_name\.txt show camera 1")
def another_camera(root: Path) -> None:
    change_rows(root, 0, 3, 1)


@fault(r"test_name\.txt, line 1: found '\d+C7T0001F001\.jpg', expected frame names such as 0001C1T0001F001\.jpg")
def camera_seven(root: Path) -> None:
    change_names(root, 0, "C1", "C7")


@fault(r"test_name\.txt, line 2: \d+C1T0001F001\.jpg is already listed above; delete one line")
def frame_twice(root: Path) -> None:
    change_names(root, 1, "F002", "F001")


@fault(r"test_name\.txt has \d+ names, expected \d+ as .*tracks_test_info\.mat says")
def name_lost(root: Path) -> None:
    lines = (root / NAMES).read_text().splitlines()
    (root / NAMES).write_text("\n".join(lines[:-1]))


def test_there_are_at_least_20_kinds() -> None:
    assert len(fault) >= 20


@pytest.mark.parametrize("name", fault)
def test_a_damaged_tree_is_reported_in_a_sentence(copy: Path, name: str) -> None:
    damage, message = fault[name]
    damage(copy)
    check_fault(G2aVreid(), copy, message)
