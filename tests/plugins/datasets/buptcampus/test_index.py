"""The lists and `data_paths.json` of BUPTCampus, each damaged in one way."""

import json
import shutil

import pytest
from bupt_tree import Tree
from faults import Faults, check_fault

from vreid_plugins.datasets.buptcampus.reader import BuptCampus

fault = Faults()


@fault(r"query\.txt is missing, expected a file")
def missing_list(tree: Tree) -> None:
    (tree.root / "query.txt").unlink()


@fault(r"data_paths\.json is missing, expected a file")
def missing_paths(tree: Tree) -> None:
    (tree.root / "data_paths.json").unlink()


@fault(r"DATA is missing, expected a folder")
def missing_frames(tree: Tree) -> None:
    shutil.rmtree(tree.root / "DATA")


@fault(r"does not exist; name the folder that holds DATA and data_paths\.json and train\.txt")
def no_tree_at_all(tree: Tree) -> None:
    shutil.rmtree(tree.root)


@fault(r"train_auxiliary\.txt is a folder, expected a file")
def folder_for_a_list(tree: Tree) -> None:
    (tree.root / "train_auxiliary.txt").unlink()
    (tree.root / "train_auxiliary.txt").mkdir()


@fault(r"DATA is missing, expected a folder; did you mean .*buptcampus/BUPT\?")
def one_folder_too_high(tree: Tree) -> None:
    (tree.root / "BUPT").mkdir()
    (tree.root / "DATA").rename(tree.root / "BUPT/DATA")


@fault(r"gallery\.txt is empty, expected a row such as '1911 RGB G25 1' for every tracklet")
def empty_list(tree: Tree) -> None:
    tree.rows["gallery"] = []
    tree.write()


@fault(r"train\.txt cannot be read as UTF-8 text")
def garbled_list(tree: Tree) -> None:
    (tree.root / "train.txt").write_bytes(b"\xff\xfe\x00")


@fault(r"query\.txt, line 2: found '12 IR CQ1', expected person, modality, camera and tracklet as in '1911 RGB G25 1'")
def row_of_three_cells(tree: Tree) -> None:
    tree.rows["query"][1] = "12 IR CQ1"
    tree.write()


@fault(r"query\.txt, line 2: found '', expected person, modality, camera and tracklet")
def blank_row_in_the_middle(tree: Tree) -> None:
    tree.rows["query"].insert(1, "")
    tree.write()


@fault(
    r"train\.txt, line 1: '0001' is not the number of a person, expected 1 or more without a leading zero as in '174"
)
def person_with_zeros(tree: Tree) -> None:
    tree.rows["train"][0] = "0001 RGB/IR LS3 1"
    tree.write()


@fault(r"gallery\.txt, line 3: '-1' is not the number of a person")
def junk_person(tree: Tree) -> None:
    tree.rows["gallery"][2] = "-1 RGB LS3 1"
    tree.write()


@fault(r"train\.txt, line 2: the modality is 'RGB', expected RGB/IR here")
def training_row_of_one_modality(tree: Tree) -> None:
    tree.rows["train"][1] = "1 RGB G25 1"
    tree.write()


@fault(r"gallery\.txt, line 1: the modality is 'RGB/IR', expected RGB or IR here")
def test_row_of_both_modalities(tree: Tree) -> None:
    tree.rows["gallery"][0] = "12 RGB/IR TSG2 1"
    tree.write()


@fault(r"query\.txt, line 1: the modality is 'FakeIR', expected RGB or IR here")
def test_row_of_fake_frames(tree: Tree) -> None:
    tree.rows["query"][0] = "11 FakeIR G25 1"
    tree.write()


@fault(r"query\.txt, line 3: the camera is 'W5', expected one of LS3, G25, CQ1, W4, TSG1, TSG2")
def unknown_camera(tree: Tree) -> None:
    tree.rows["query"][2] = "13 RGB W5 1"
    tree.write()


@fault(r"gallery\.txt, line 8: names the same as line 2, expected each tracklet once")
def tracklet_listed_twice(tree: Tree) -> None:
    tree.rows["gallery"].append("11  IR LS3 1")
    tree.write()


@fault(r"gallery\.txt, line 2: tracklet 11 IR LS3 7 is not in data_paths\.json, expected its frames there")
def tracklet_without_frames(tree: Tree) -> None:
    tree.rows["gallery"][1] = "11 IR LS3 7"
    tree.write()


@fault(r"train\.txt, line 1: tracklet 1 IR LS3 1 is not in data_paths\.json")
def aligned_tracklet_lost(tree: Tree) -> None:
    del tree.paths["1"]["IR"]["LS3"]
    tree.write()


@fault(r"train\.txt, line 1: 4 RGB and 3 IR frames, expected equally many, as the two are aligned")
def aligned_frame_lost(tree: Tree) -> None:
    tree.paths["1"]["IR"]["LS3"]["1"].pop()
    tree.write()


@fault(r"person 11 is both trained on and tested, expected nobody in both")
def person_in_train_and_test(tree: Tree) -> None:
    tree.rows["train"].append("11 RGB/IR LS3 1")
    tree.write()


@fault(r"person 12 is both trained on and tested, expected nobody in both")
def person_in_auxiliary_and_test(tree: Tree) -> None:
    tree.rows["train_auxiliary"].append("12 RGB/IR TSG2 1")
    tree.write()


@fault(r"train_auxiliary\.txt: person 2 is in train\.txt, too, expected nobody in both")
def person_in_both_training_lists(tree: Tree) -> None:
    tree.rows["train_auxiliary"].append("2 RGB/IR LS3 1")
    tree.write()


@fault(r"data_paths\.json cannot be read as JSON \(.*line 1 column")
def paths_cut_off(tree: Tree) -> None:
    whole = (tree.root / "data_paths.json").read_text()
    (tree.root / "data_paths.json").write_text(whole[: len(whole) // 2])


@fault(r"data_paths\.json cannot be read as UTF-8 text")
def paths_garbled(tree: Tree) -> None:
    (tree.root / "data_paths.json").write_bytes(b"\xff\xfe\x00")


@fault(r"data_paths\.json: the key 'LS3' stands twice in one object, so that only the last would be read")
def key_twice(tree: Tree) -> None:
    text = json.dumps(tree.paths).replace('"G25"', '"LS3"', 1)
    (tree.root / "data_paths.json").write_text(text)


@fault(r"data_paths\.json: the whole is a list, expected an object with a key for every person")
def paths_in_a_flat_list(tree: Tree) -> None:
    (tree.root / "data_paths.json").write_text(json.dumps(["1/IR/CQ1/1_IR_CQ1_1_8535.jpg"]))


@fault(r"data_paths\.json lists no tracklet")
def no_paths(tree: Tree) -> None:
    tree.paths = {}
    tree.write()


@fault(r"data_paths\.json: '1' > 'RGB' > 'LS3' is a list, expected an object with a key for every tracklet")
def paths_without_tracklets(tree: Tree) -> None:
    tree.paths["1"]["RGB"]["LS3"] = tree.paths["1"]["RGB"]["LS3"]["1"]  # type: ignore[assignment]
    tree.write()


@fault(
    r"data_paths\.json: '1' > 'RGB' > 'LS3' > '1' holds an empty list, expected a list of paths such as '1/IR/CQ1/1_"
)
def tracklet_of_no_frame(tree: Tree) -> None:
    tree.paths["1"]["RGB"]["LS3"]["1"] = []
    tree.write()


@fault(r"'1' > 'RGB' > 'LS3' > '1' holds a list with other things than paths, expected a list of paths")
def number_for_a_path(tree: Tree) -> None:
    tree.paths["1"]["RGB"]["LS3"]["1"][0] = 98  # type: ignore[call-overload]
    tree.write()


@fault(r"data_paths\.json: '2' has the key 'TIR', expected one of RGB, IR and FakeIR")
def unknown_modality(tree: Tree) -> None:
    tree.paths["2"]["TIR"] = tree.paths["2"].pop("IR")
    tree.write()


@fault(r"data_paths\.json: '2' > 'RGB' has the key 'LS4', expected one of the cameras LS3, G25, CQ1, W4, TSG1, TSG2")
def unknown_camera_of_paths(tree: Tree) -> None:
    tree.paths["2"]["RGB"]["LS4"] = tree.paths["2"]["RGB"].pop("LS3")
    tree.write()


@fault(r"data_paths\.json: the whole has the key '0002', expected the number of a person")
def person_with_zeros_among_the_paths(tree: Tree) -> None:
    tree.paths["0002"] = tree.paths.pop("2")
    tree.write()


@fault(
    r"tracklet 1 RGB LS3 1: '\.\./1/RGB/LS3/1_RGB_LS3_1_98\.jpg' is not the path of a frame, expected one such as '1"
)
def path_out_of_the_tree(tree: Tree) -> None:
    tree.paths["1"]["RGB"]["LS3"]["1"][0] = "../1/RGB/LS3/1_RGB_LS3_1_98.jpg"
    tree.write()


@fault(
    r"tracklet 1 RGB LS3 1: 'DATA/1/RGB/.*' is not the path of a frame, expected one such as .*\(one of 4 such paths\)"
)
def paths_from_the_root(tree: Tree) -> None:
    tree.paths["1"]["RGB"]["LS3"]["1"] = [f"DATA/{path}" for path in tree.paths["1"]["RGB"]["LS3"]["1"]]
    tree.write()


@fault(
    r"tracklet 1 RGB LS3 1: '1/IR/LS3/1_IR_LS3_1_98\.jpg' is a frame of modality IR, expected RGB \(one of 4 such pat"
)
def modalities_swapped(tree: Tree) -> None:
    rgb, infrared = tree.paths["1"]["RGB"], tree.paths["1"]["IR"]
    rgb["LS3"], infrared["LS3"] = infrared["LS3"], rgb["LS3"]
    tree.write()


@fault(r"tracklet 1 RGB LS3 1: '1/RGB/LS3/1_IR_LS3_1_98\.jpg' is a frame of modality IR, expected RGB")
def infrared_name_in_the_visible_folder(tree: Tree) -> None:
    tree.paths["1"]["RGB"]["LS3"]["1"][0] = "1/RGB/LS3/1_IR_LS3_1_98.jpg"
    tree.write()


@fault(
    r"tracklet 2 RGB LS3 1: '2/RGB/LS3/2_RGB_LS3_2_9998\.jpg' shows person 2 in tracklet 2 of camera LS3, expected th"
)
def tracklets_swapped(tree: Tree) -> None:
    walks = tree.paths["2"]["RGB"]["LS3"]
    walks["1"], walks["2"] = walks["2"], walks["1"]
    tree.write()


@fault(
    r"tracklet 1 IR LS3 1: '1/IR/LS3/1_IR_LS3_1_0?98\.jpg' has the number of another frame, expected each number once"
)
def frame_listed_twice(tree: Tree) -> None:
    tree.paths["1"]["IR"]["LS3"]["1"][1] = "1/IR/LS3/1_IR_LS3_1_098.jpg"
    tree.write()


def test_there_are_at_least_20_kinds() -> None:
    assert len(fault) >= 20


@pytest.mark.parametrize("name", fault)
def test_a_damaged_tree_is_reported_in_a_sentence(tree: Tree, name: str) -> None:
    damage, message = fault[name]
    damage(tree)
    check_fault(BuptCampus(), tree.root, message)


def test_the_faults_of_what_no_list_names_stop_nobody_who_reads(tree: Tree) -> None:
    """`verify` tells them."""
    expected = BuptCampus().read(tree.root).splits
    tree.paths["11"]["IR"]["G25"]["1"][0] = "12/IR/G25/12_IR_G25_1_1.jpg"
    tree.paths["1"]["FakeIR"]["LS3"]["1"].append("1/FakeIR/LS3/1_RGB_LS3_1_102.jpg")
    assert BuptCampus().read(tree.write().root).splits == expected
    found = " ".join(BuptCampus().verify(tree.root).problems)
    assert "tracklet 11 IR G25 1: '12/IR/G25/12_IR_G25_1_1.jpg' shows person 12 in tracklet 1 of camera G25" in found
    assert "1_RGB_LS3_1_102.jpg' belongs to no RGB frame, expected the path of one with FakeIR for its folder" in found


def test_windows_lines_a_mark_and_blank_lines_at_the_end_do_not_matter(tree: Tree) -> None:
    expected = BuptCampus().read(tree.root).splits
    for part, rows in tree.rows.items():
        (tree.root / f"{part}.txt").write_bytes(
            b"\xef\xbb\xbf" + "".join(f"{row}\r\n" for row in rows).encode() + b"\r\n"
        )
    assert BuptCampus().read(tree.root).splits == expected
