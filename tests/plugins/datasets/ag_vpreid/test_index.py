"""The folders and tables of AG-VPReID, each damaged in one way."""

import shutil

import pytest
from ag_vpreid_tree import JPEG, Tree, name
from faults import Faults, check_fault

from vreid_plugins.datasets.ag_vpreid.reader import AgVpreid

fault = Faults()


@fault(r"ag-vpreid does not exist; name the folder that holds train and case1_aerial_to_ground/query")
def no_folder(tree: Tree) -> None:
    shutil.rmtree(tree.root)


@fault(r"train is missing, expected a folder; copy it again from where AG-VPReID is published")
def missing_training_part(tree: Tree) -> None:
    shutil.rmtree(tree.root / "train")


@fault(r"case2_ground_to_aerial/gallery is missing, expected a folder")
def missing_gallery(tree: Tree) -> None:
    shutil.rmtree(tree.root / "case2_ground_to_aerial/gallery")


@fault(r"case1_aerial_to_ground/query is a file, expected a folder")
def file_for_a_folder(tree: Tree) -> None:
    shutil.rmtree(tree.root / "case1_aerial_to_ground/query")
    (tree.root / "case1_aerial_to_ground/query").write_text("")


@fault(r"train is missing, expected a folder; did you mean .*/AG-VPReID\?")
def one_folder_too_high(tree: Tree) -> None:
    inner = tree.root / "AG-VPReID"
    inner.mkdir()
    for entry in list(tree.root.iterdir()):
        if entry != inner:
            shutil.move(entry, inner / entry.name)


@fault(r"case1_aerial_to_ground/query holds no person, expected folders such as 0012/tracklet_345")
def empty_side(tree: Tree) -> None:
    shutil.rmtree(tree.root / "case1_aerial_to_ground/query")
    (tree.root / "case1_aerial_to_ground/query").mkdir()


@fault(r"train holds no tracklet; copy it again")
def people_without_tracklets(tree: Tree) -> None:
    for person in (tree.root / "train").iterdir():
        for tracklet in list(person.iterdir()):
            shutil.rmtree(tracklet)


@fault(r"gallery holds the folder 'unknown', expected the number of a person")
def folder_that_is_no_person(tree: Tree) -> None:
    (tree.root / "case1_aerial_to_ground/gallery/unknown").mkdir()


@fault(r"gallery holds the folder '-1', expected the number of a person")
def folder_of_junk(tree: Tree) -> None:
    (tree.root / "case1_aerial_to_ground/gallery/-1").mkdir()


@fault(r"train holds the folders 012 and 12, expected one for each person|the folders 12 and 012, expected one")
def person_with_two_folders(tree: Tree) -> None:
    shutil.copytree(tree.root / "train/12", tree.root / "train/012")


@fault(r"tracklet_16040 holds frame1\.jpg, expected frame names such as P81T2310171A2C2E152K7F7528\.jpg \(person of")
def foreign_name(tree: Tree) -> None:
    (tree.tracklet("case1 query", 1604) / "frame1.jpg").write_bytes(JPEG)


@fault(r"holds P81T2310171A2C9E152K7F1\.jpg, expected frame names")
def camera_that_is_not_there(tree: Tree) -> None:
    (tree.tracklet("case1 query", 1604) / name(9, 1)).write_bytes(JPEG)


@fault(r"holds P81T2310171A2C4E152K7F\.jpg \(one of 2 such files\), expected frame names")
def names_without_a_number(tree: Tree) -> None:
    for ending in ("jpg", "png"):
        (tree.tracklet("case1 query", 1604) / f"P81T2310171A2C4E152K7F.{ending}").write_bytes(JPEG)


@fault(r"holds P81T2310171A2C4E152K7F٣\.jpg, expected frame names")
def digits_of_another_script(tree: Tree) -> None:
    (tree.tracklet("case1 query", 1604) / "P81T2310171A2C4E152K7F٣.jpg").write_bytes(JPEG)


@fault(r"holds P81T2310171A2C4E152K7F9\.png, which has the number of another file; copy it again")
def frame_twice(tree: Tree) -> None:
    (tree.tracklet("case1 query", 1604) / "P81T2310171A2C4E152K7F9.png").write_bytes(JPEG)


@fault(r"tracklet_16040 holds .*C5E152K7F11\.jpg besides frames of camera C4, expected the frames of one camera")
def two_cameras_in_a_tracklet(tree: Tree) -> None:
    """Both public loaders take the camera of the first frame and do not look at the others."""
    (tree.tracklet("case1 query", 1604) / name(5, 11)).write_bytes(JPEG)


@fault(r"query/1604/tracklet_7/.*: camera C2 is not in the air, expected such cameras alone there")
def ground_camera_among_the_queries_from_the_air(tree: Tree) -> None:
    tree.add("case1 query", 1604, "tracklet_7", 2, (1,))


@fault(r"case2_ground_to_aerial/query/1604/.*: camera C4 is not on the ground \(one of 10 such tracklets\)")
def sides_of_a_case_swapped(tree: Tree) -> None:
    folder = tree.root / "case2_ground_to_aerial"
    (folder / "query").rename(folder / "other")
    (folder / "gallery").rename(folder / "query")
    (folder / "other").rename(folder / "gallery")
    (folder / "query" / "6675").rename(folder / "gallery" / "6675")


@fault(r"person 12 is both trained on and tested, expected nobody in both")
def person_in_train_and_test(tree: Tree) -> None:
    tree.add("case2 gallery", 12, "tracklet_77", 4, (1,))


@fault(r"train\.csv, line 1: no column 'gender', expected id,gender,age,height")
def table_without_a_column(tree: Tree) -> None:
    tree.tables["train"][0] = tree.tables["train"][0].replace("gender", "sex")
    tree.write()


@fault(r"train\.csv, line 1: no column 'id'")
def empty_table(tree: Tree) -> None:
    tree.tables["train"] = []
    tree.write()


@fault(r"gallery\.csv, line 3: 3 cells, expected 16 as in the header")
def short_row(tree: Tree) -> None:
    tree.tables["case1 gallery"][2] = "1605,1,2"
    tree.write()


@fault(r"query\.csv, line 2: the id is 'x1604', expected the number of a person")
def id_that_is_no_number(tree: Tree) -> None:
    tree.tables["case1 query"][1] = "x" + tree.tables["case1 query"][1]
    tree.write()


@fault(r"query\.csv, line 12: person 1604 is already in line 2; delete one of the two lines")
def person_listed_twice(tree: Tree) -> None:
    tree.tables["case1 query"].append(tree.tables["case1 query"][1])
    tree.write()


@fault(r"train\.csv cannot be read as CSV in UTF-8")
def garbled_table(tree: Tree) -> None:
    (tree.root / "attributes/train.csv").write_bytes(b"\xff\xfe\x00")


def test_there_are_at_least_20_kinds() -> None:
    assert len(fault) >= 20


@pytest.mark.parametrize("damage", fault)
def test_a_damaged_tree_is_reported_in_a_sentence(tree: Tree, damage: str) -> None:
    function, message = fault[damage]
    function(tree)
    check_fault(AgVpreid(), tree.root, message)


def test_folders_without_a_frame_are_left_out_and_noted(tree: Tree) -> None:
    (tree.root / "train/12/tracklet_0").mkdir()
    (tree.root / "train/12/tracklet_0/Thumbs.db").write_bytes(b"left by a file manager")
    dataset = AgVpreid().read(tree.root)
    assert dataset.notes == ("1 folders of tracklets without a frame are left out, such as train/12/tracklet_0.",)


def test_people_without_a_row_are_noted(tree: Tree) -> None:
    del tree.tables["case1 gallery"][1]
    dataset = AgVpreid().read(tree.write().root)
    assert dataset.notes == ("1 people of case1 gallery have no row in its table of attributes.",)


def test_a_camera_whose_platform_is_not_known_is_noted(tree: Tree) -> None:
    tree.add("case1 gallery", 1604, "tracklet_8", 6, (1,))
    dataset = AgVpreid().read(tree.root)
    assert dataset.notes == ("1 tracklets are of a camera whose platform is not known.",)
