"""The folders of DukeMTMC-VideoReID, each damaged in one way."""

import shutil
from pathlib import Path

import pytest
from duke_tree import JPEG
from faults import Faults, check_fault

from vreid_plugins.datasets.duke_video.reader import DukeVideo

fault = Faults()


@fault(r"query is missing, expected a folder; copy it again")
def missing_part(root: Path) -> None:
    shutil.rmtree(root / "query")


@fault(r"train is missing, expected a folder; did you mean .*/DukeMTMC-VideoReID/inner\?")
def root_one_level_too_high(root: Path) -> None:
    root.rename(root.with_name("inner"))
    root.mkdir()
    root.with_name("inner").rename(root / "inner")


@fault(r"gallery is a file, expected a folder")
def file_for_a_folder(root: Path) -> None:
    shutil.rmtree(root / "gallery")
    (root / "gallery").touch()


@fault(r"DukeMTMC-VideoReID does not exist; name the folder that holds train and query and gallery")
def no_root(root: Path) -> None:
    shutil.rmtree(root)


@fault(r"train/john is not named after a person, expected numbers from 0001")
def foreign_person(root: Path) -> None:
    (root / "train/0003").rename(root / "train/john")


@fault(r"train/0000 is not named after a person")
def person_zero(root: Path) -> None:
    shutil.copytree(root / "train/0003", root / "train/0000")


@fault(
    r"train/03 and 0003 are both person 3, expected one folder|train/0003 and 03 are both person 3, expected one folder"
)
def one_person_in_two_folders(root: Path) -> None:
    (root / "train/03/0009").mkdir(parents=True)
    (root / "train/03/0009/0003_C1_F0001_X1.jpg").write_bytes(JPEG)


@fault(r"train/0003 holds no folder of a tracklet, expected folders such as 0001")
def person_without_tracklets(root: Path) -> None:
    shutil.rmtree(root / "train/0003/0001")


@fault(r"train/0003/0001 holds no frame, expected files such as 0001_C6_F0099_X30823\.jpg")
def tracklet_without_frames(root: Path) -> None:
    for path in (root / "train/0003/0001").iterdir():
        path.unlink()


@fault(r"train/0001/0003 \(1\) is not named after a tracklet, expected numbers such as 0001")
def copied_tracklet(root: Path) -> None:
    shutil.copytree(root / "train/0001/0003", root / "train/0001/0003 (1)")


@fault(r"train holds no folder of a person, expected folders such as 0001")
def empty_part(root: Path) -> None:
    shutil.rmtree(root / "train")
    (root / "train").mkdir()


@fault(r"train/0003/0001 holds frame1\.jpg, expected frame names such as")
def foreign_frame(root: Path) -> None:
    (root / "train/0003/0001/frame1.jpg").write_bytes(JPEG)


@fault(r"train/0003/0001 holds 0007_C8_F0003_X1\.jpg, expected frames of person 0003 only")
def frame_of_another_person(root: Path) -> None:
    (root / "train/0003/0001/0007_C8_F0003_X1.jpg").write_bytes(JPEG)


@fault(r"train/0003/0001 holds frames of camera 7 and 8, expected one camera of 1 to 8")
def two_cameras(root: Path) -> None:
    (root / "train/0003/0001/0003_C7_F0003_X1.jpg").write_bytes(JPEG)


@fault(r"train/0003/0001 holds frames of camera 9, expected one camera of 1 to 8")
def ninth_camera(root: Path) -> None:
    for path in (root / "train/0003/0001").iterdir():
        path.rename(path.with_name(path.name.replace("C8", "C9")))


@fault(r"train/0003/0001 holds 0003_C8_F0002_X9999\.jpg, which has the frame number of another file")
def frame_number_twice(root: Path) -> None:
    (root / "train/0003/0001/0003_C8_F0002_X9999.jpg").write_bytes(JPEG)


@fault(r"person 0002 is both trained on and tested, expected nobody in both")
def person_in_train_and_test(root: Path) -> None:
    shutil.copytree(root / "gallery/0002", root / "train/0002")


@fault(
    r"query/0002/0002: no tracklet of gallery holds the frames of this query, expected every query .* in the gallery"
)
def query_taken_out_of_the_gallery(root: Path) -> None:
    shutil.rmtree(root / "gallery/0002/0002")


@fault(r"query/0002/0002: no tracklet of gallery holds the frames of this query")
def query_longer_than_its_gallery_tracklet(root: Path) -> None:
    next(iter(sorted((root / "gallery/0002/0002").iterdir()))).unlink()


@fault(r"query/0002/0003 is a second query of person 0002 in camera C2, expected one")
def two_queries_of_one_camera(root: Path) -> None:
    shutil.copytree(root / "query/0002/0002", root / "query/0002/0003")


@pytest.mark.parametrize("name", fault)
def test_a_damaged_tree_is_reported_in_a_sentence(root: Path, name: str) -> None:
    damage, message = fault[name]
    damage(root)
    check_fault(DukeVideo(), root, message)
