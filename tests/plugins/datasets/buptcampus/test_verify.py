"""Checking a tree of BUPTCampus: its counts, what is noted of them, and faults of frames."""

import shutil

import pytest
from bupt_tree import JPEG, Tree

from vreid_plugins.datasets.buptcampus.description import DESCRIPTION
from vreid_plugins.datasets.buptcampus.reader import BuptCampus


def counts(tree: Tree) -> dict[str, int]:
    return {count.what: count.found for count in BuptCampus().verify(tree.root).counts}


def test_verify_counts_what_was_put_in(tree: Tree) -> None:
    assert counts(tree) == {
        "cameras": 6,
        "train tracklets": 8,
        "train identities": 2,
        "train frames": 24,
        "shortest train tracklet": 2,
        "longest train tracklet": 4,
        "auxiliary tracklets": 2,
        "auxiliary identities": 1,
        "auxiliary frames": 2,
        "shortest auxiliary tracklet": 1,
        "longest auxiliary tracklet": 1,
        "query tracklets": 3,
        "query identities": 3,
        "query frames": 6,
        "shortest query tracklet": 1,
        "longest query tracklet": 3,
        "gallery tracklets": 7,
        "gallery identities": 3,
        "gallery frames": 13,
        "shortest gallery tracklet": 1,
        "longest gallery tracklet": 2,
        "identities": 6,
        "RGB queries": 2,
        "RGB gallery tracklets": 3,
        "IR queries": 1,
        "IR gallery tracklets": 4,
        "queries without a match, RGB to RGB": 1,  # person 13
        "queries without a match, RGB to IR": 0,
        "queries without a match, IR to RGB": 0,
        "queries without a match, IR to IR": 0,
        "queries without a match by another camera": 0,
        "queries whose camera saw their person in the gallery": 1,  # person 11 by G25
        "queries in the gallery": 0,
        "queries whose aligned tracklet is in the gallery": 0,
        "tracklets in no list": 4,  # the aligned tracklets of the three queries, and 13 RGB CQ1
        "fake infrared frames": 26,
        "frames on disk": 78,
    }


def test_what_is_a_match_here_alone_is_counted(tree: Tree) -> None:
    tree.rows["gallery"] += ["11 IR G25 1", "12 IR CQ1 1"]
    found = counts(tree.write())
    assert found["queries whose aligned tracklet is in the gallery"] == 1
    assert found["queries in the gallery"] == 1
    assert found["tracklets in no list"] == 3


def test_a_whole_tree_has_no_problem_but_a_lost_frame_is_one(tree: Tree) -> None:
    root = tree.synthetic(train_identities=2, identities=6)
    assert BuptCampus().verify(root, decode=True).problems == ()
    (root / "DATA/1/IR/LS3/1_IR_LS3_1_100.jpg").unlink()
    (problem,) = BuptCampus().verify(root).problems
    assert "DATA/1/IR/LS3/1_IR_LS3_1_100.jpg is listed but missing" in problem


def test_a_frame_of_no_list_is_checked_too(tree: Tree) -> None:
    root = tree.synthetic()
    (root / "DATA/11/IR/G25/11_IR_G25_1_1.jpg").write_bytes(b"")
    (problem,) = BuptCampus().verify(root).problems
    assert "11_IR_G25_1_1.jpg is empty (0 bytes)" in problem


def test_fake_frames_need_not_be_listed_and_need_not_be_there(tree: Tree) -> None:
    for person in tree.paths.values():
        del person["FakeIR"]
    root = tree.write().synthetic()
    found = BuptCampus().verify(root, decode=True)
    assert found.problems == ()
    assert {count.what: count.found for count in found.counts}["fake infrared frames"] == 26
    for person in tree.paths:
        shutil.rmtree(root / f"DATA/{person}/FakeIR")
    found = BuptCampus().verify(root)
    assert found.problems == ()
    assert {count.what: count.found for count in found.counts}["fake infrared frames"] == 0


def test_a_fake_frame_that_is_listed_must_be_there(tree: Tree) -> None:
    root = tree.synthetic()
    (root / "DATA/1/FakeIR/LS3/1_RGB_LS3_1_98.jpg").unlink()
    (problem,) = BuptCampus().verify(root).problems
    assert "DATA/1/FakeIR/LS3/1_RGB_LS3_1_98.jpg is listed but missing" in problem


def test_verify_finds_a_frame_that_nothing_names_and_a_folder_of_somebody_else(tree: Tree) -> None:
    tree.frame("1/RGB/LS3/1_RGB_LS3_1_102.jpg")
    tree.frame("99/RGB/LS3/99_RGB_LS3_1_1.jpg")
    frame, folder = sorted(BuptCampus().verify(tree.synthetic()).problems, key=len, reverse=True)
    assert "DATA/1/RGB/LS3/1_RGB_LS3_1_102.jpg is a file that no list names" in frame
    assert "DATA/99 is a folder that no list names" in folder


@pytest.mark.parametrize(("content", "message"), [(b"", "is empty (0 bytes)"), (JPEG[:-20], "cannot be decoded")])
def test_verify_finds_an_empty_frame_and_a_truncated_one(tree: Tree, content: bytes, message: str) -> None:
    tree.frame("12/IR/CQ1/12_IR_CQ1_1_1.jpg", content)
    (problem,) = BuptCampus().verify(tree.synthetic(), decode=True).problems
    assert message in problem


def test_two_cameras_of_somebody_in_the_auxiliary_part_are_a_problem(tree: Tree) -> None:
    tree.paths["30"] |= {
        modality: cameras | {"W4": {"1": [f"30/{modality}/W4/30_{modality}_W4_1_1.jpg"]}}
        for modality, cameras in tree.paths["30"].items()
        if modality != "FakeIR"
    }
    for modality in ("RGB", "IR"):
        tree.frame(f"30/{modality}/W4/30_{modality}_W4_1_1.jpg")
    tree.rows["train_auxiliary"].append("30 RGB/IR W4 1")
    (problem,) = BuptCampus().verify(tree.write().synthetic()).problems
    assert problem.endswith("train_auxiliary.txt: person 30 is seen by 2 cameras, expected one; restore the list.")


def test_a_gap_is_reported_where_frames_are_missing(tree: Tree) -> None:
    """Frames may begin with any number; only where a part has too few of them, a gap is worth a sentence."""
    for modality in ("RGB", "IR", "FakeIR"):
        lost = tree.walks(1, modality, "LS3")["1"].pop(2)
        (tree.root / "DATA" / lost).unlink()
    problems = BuptCampus().verify(tree.write().synthetic(train_frames=24)).problems
    gaps = [problem for problem in problems if "may be one" in problem]
    assert ["is frame 101, and frame 100 may be one of the missing frames" in gap for gap in gaps] == [True, True]
    assert any("has 22 train frames, expected 24" in problem for problem in problems)


def test_frames_are_uncertain_and_tracklets_are_not(tree: Tree) -> None:
    found = BuptCampus().verify(tree.root)
    assert any("has 8 train tracklets, expected 7,148" in problem for problem in found.problems)
    assert not any("train frames, expected" in problem for problem in found.problems)
    assert "24 train frames were found; 796,138 are said to be there, which is not certain." in found.notes


def test_the_published_counts_fit_one_another() -> None:
    """Numbers of the readme and of two programs that read the data; no file of the original is at hand."""
    known = DESCRIPTION.counts
    assert sum(known[f"{part} identities"] for part in ("train", "auxiliary", "query")) == known["identities"]
    assert known["query identities"] == known["gallery identities"]
    for role, whole in (("queries", "query tracklets"), ("gallery tracklets", "gallery tracklets")):
        assert known[f"RGB {role}"] + known[f"IR {role}"] == known[whole]
