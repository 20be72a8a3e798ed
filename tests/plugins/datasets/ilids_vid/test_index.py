"""The folders and the split file of iLIDS-VID, each damaged in one way."""

import shutil
from pathlib import Path

import numpy as np
import pytest
from faults import Faults, check_fault
from two_cameras import (
    PEOPLE,
    SEQUENCES,
    SPLIT_FILE,
    orders,
    put,
    write_orders,
)

from vreid_plugins.datasets.ilids_vid.reader import IlidsVid

CAM1, CAM2 = f"{SEQUENCES}/cam1", f"{SEQUENCES}/cam2"


fault = Faults()


@fault(r"ilids-vid does not exist; name the folder that holds i-LIDS-VID/sequences/cam1 and")
def no_root(root: Path) -> None:
    shutil.rmtree(root)


@fault(r"ilids-vid is a file, expected the folder that holds i-LIDS-VID/sequences/cam1 and")
def root_is_a_file(root: Path) -> None:
    shutil.rmtree(root)
    root.touch()


@fault(r"sequences/cam1 is missing \(one of 2 such folders\), .* did you mean .*ilids-vid/inner\?")
def root_one_level_too_high(root: Path) -> None:
    root.rename(root.with_name("moved"))
    root.mkdir()
    root.with_name("moved").rename(root / "inner")


@fault(r"ilids-vid seems to be i-LIDS-VID itself: name the folder above it\.")
def root_one_level_too_deep(root: Path) -> None:
    (root / "i-LIDS-VID").rename(root.with_name("moved"))
    shutil.rmtree(root)
    root.with_name("moved").rename(root)


@fault(r"sequences/cam2 is missing, expected a folder for each person; copy it again from the original data\.")
def no_second_camera(root: Path) -> None:
    shutil.rmtree(root / CAM2)


@fault(r"sequences/cam2 holds no person, expected frames such as person001/cam2_person001_00317\.png")
def empty_camera(root: Path) -> None:
    shutil.rmtree(root / CAM2)
    (root / CAM2).mkdir()


@fault(r"cam1 holds person009, who is not in .*cam2, expected the same persons in both")
def person_in_one_camera(root: Path) -> None:
    shutil.rmtree(root / CAM2 / "person009")


@fault(r"cam2 holds person001 \(one of 2 such persons\), who is not in .*cam1, expected")
def persons_in_the_other_camera(root: Path) -> None:
    for person in ("person001", "person012"):
        shutil.rmtree(root / CAM1 / person)


@fault(r"cam1/person9 is not a folder of a person, expected names such as person001/cam1_person001_00317\.png")
def renamed_person(root: Path) -> None:
    (root / CAM1 / "person009").rename(root / CAM1 / "person9")


@fault(r"cam1/list\.txt is not a folder of a person")
def file_among_persons(root: Path) -> None:
    put(root / CAM1 / "list.txt")


@fault(r"cam2/person005 holds no frame; copy it again from the original data\.")
def person_without_frames(root: Path) -> None:
    shutil.rmtree(root / CAM2 / "person005")
    (root / CAM2 / "person005").mkdir()


@fault(r"cam1/person002/cam1_person001_00011\.png is not a frame of person002")
def frame_of_another_person(root: Path) -> None:
    put(root / CAM1 / "person002/cam1_person001_00011.png")


@fault(r"cam1/person002/cam2_person002_00011\.png is not a frame of person002")
def frame_of_another_camera(root: Path) -> None:
    put(root / CAM1 / "person002/cam2_person002_00011.png")


@fault(r"cam1_person001_1\.png has the same frame number as cam1_person001_00001\.png; keep one of the two")
def frame_number_twice(root: Path) -> None:
    put(root / CAM1 / "person001/cam1_person001_1.png")


@fault(r"splits_ilidsvid\.mat cannot be read as a MATLAB 5 file")
def no_matlab_file(root: Path) -> None:
    put(root / SPLIT_FILE, b"<html>404</html>")


@fault(r"splits_ilidsvid\.mat holds rows, expected the matrix ls_set")
def wrong_key(root: Path) -> None:
    write_orders(root, orders(), key="rows")


@fault(r"ls_set is 10 x 4, expected 10 x 6, one place for each of the 6 persons")
def splits_of_another_dataset(root: Path) -> None:
    write_orders(root, orders((1, 2, 3, 4)))


@fault(r"ls_set is 9 x 6, expected 10 x 6")
def nine_splits(root: Path) -> None:
    write_orders(root, orders()[:9])


@fault(r"row 1 of ls_set holds 0, expected 1 to 6 \(the file seems to count from 0\)")
def places_from_zero(root: Path) -> None:
    write_orders(root, orders() - 1)


@fault(r"row 1 of ls_set holds 12 \(one of 3 such values\), expected 1 to 6, the places in the sorted list")
def numbers_of_persons_for_places(root: Path) -> None:
    write_orders(root, np.asarray(PEOPLE)[orders() - 1][:, ::-1][:, [3, 0, 1, 2, 4, 5]])


@fault(r"row 4 of ls_set holds 3 twice, expected once")
def person_in_both_halves(root: Path) -> None:
    rows = orders()
    rows[3, np.flatnonzero(rows[3] == 1)] = 3
    write_orders(root, rows)


@fault(r"ls_set holds float64 values, expected whole numbers")
def fractions(root: Path) -> None:
    write_orders(root, orders() + 0.5)


@pytest.mark.parametrize("name", fault)
def test_a_damaged_tree_is_reported_in_a_sentence(videos: Path, name: str) -> None:
    damage, message = fault[name]
    damage(videos)
    check_fault(IlidsVid(), videos, message)
