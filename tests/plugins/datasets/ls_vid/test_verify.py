"""Checking a tree of LS-VID: its counts, and faults of frames and names."""

import re

import pytest
from ls_vid_tree import JPEG, Tree

from vreid_plugins.datasets.ls_vid import verify
from vreid_plugins.datasets.ls_vid.reader import LsVid


def test_verify_counts_what_was_put_in(tree: Tree) -> None:
    assert {count.what: count.found for count in LsVid().verify(tree.root).counts} == {
        "cameras": 7,
        "train tracklets": 3,
        "train identities": 2,
        "train frames": 6,
        "shortest train tracklet": 1,
        "longest train tracklet": 3,
        "val tracklets": 1,
        "val identities": 1,
        "val frames": 2,
        "shortest val tracklet": 2,
        "longest val tracklet": 2,
        "test tracklets": 4,
        "test identities": 2,
        "test frames": 8,
        "shortest test tracklet": 1,
        "longest test tracklet": 3,
        "train tracklets under 48 frames": 3,
        "junk": 0,
        "queries": 2,
        "query identities": 2,
        "queries without a match, queries in the gallery": 0,
        "queries without a match, queries out of the gallery": 0,
        "frames on disk": 16,
    }


def test_the_published_counts_fit_one_another() -> None:
    """Numbers of the paper; no file of the original is at hand to count them on."""
    expected = verify.PUBLISHED
    parts = ("train", "val", "test")
    assert sum(expected[f"{part} identities"] for part in parts) == 842 + 200 + 2730 == 3772
    assert sum(expected[f"{part} tracklets"] for part in parts) == 14_943
    assert sum(expected[f"{part} frames"] for part in parts) == expected["frames on disk"]
    assert (expected["train tracklets"], expected["cameras"]) == (2831, 15)
    assert expected["test tracklets"] == expected["queries"] + 7829 == 3504 + 7829


def test_verify_compares_with_the_published_numbers_or_the_description(tree: Tree) -> None:
    problems = LsVid().verify(tree.root).problems
    assert any("has 2 queries, expected 3,504" in problem for problem in problems)
    assert LsVid().verify(tree.synthetic(queries=2), decode=True).problems == ()
    (problem,) = LsVid().verify(tree.synthetic(test_frames=9)).problems
    assert "has 8 test frames, expected 9" in problem


@pytest.mark.parametrize(
    ("place", "message"),
    [
        ("tracklet_test/0002/0002_1_13_0001.jpg", "is a file that no list names"),
        ("tracklet_train/0009/0009_1_1_0001.jpg", "is a folder that no list names"),
        ("tracklet_val/.DS_Store", "was left by a file manager"),
    ],
)
def test_verify_finds_what_no_list_names(tree: Tree, place: str, message: str) -> None:
    tree.frame(place)
    (problem,) = LsVid().verify(tree.synthetic()).problems
    assert message in problem


def test_verify_finds_a_tracklet_listed_as_somebody_else(tree: Tree) -> None:
    tree.lists["train"][0] = tree.lists["train"][0].replace(" 1", " 3")
    (problem,) = LsVid().verify(tree.write().synthetic()).problems
    assert "0001/0001_1_3_0001.jpg is listed as person 3, expected 1 as its name says" in problem


def test_persons_listed_from_0_are_told_as_they_are_listed(tree: Tree) -> None:
    for part, lines in tree.lists.items():
        tree.lists[part] = [re.sub(r" (\d+)$", lambda match: f" {int(match[1]) - 1}", line) for line in lines]
    tree.lists["train"][2] = tree.lists["train"][2].replace(" 2", " 7")
    (problem,) = LsVid().verify(tree.write().synthetic()).problems
    assert "0003/0003_1_2_0001.jpg is listed as person 7, expected 2 as its name says" in problem


def test_lists_may_number_persons_anew(tree: Tree) -> None:
    for part, lines in tree.lists.items():
        tree.lists[part] = [re.sub(r" (\d+)$", lambda match: f" {int(match[1]) + 50}", line) for line in lines]
    assert LsVid().verify(tree.write().synthetic()).problems == ()


@pytest.mark.slow
def test_a_query_file_that_is_damaged_inside_is_told(tree: Tree) -> None:
    path = tree.root / "test/data/info_test.mat"
    whole = path.read_bytes()
    for start in range(0, len(whole), 8):  # what h5py raises differs from place to place
        path.write_bytes(whole[:start] + b"\xa5" * 8 + whole[start + 8 :])
        assert all("info_test.mat" in problem for problem in LsVid().verify(tree.synthetic()).problems)


def test_only_decoding_finds_a_truncated_frame(tree: Tree) -> None:
    (tree.root / "tracklet_val/0005/0005_1_1_0002.jpg").write_bytes(JPEG[:-20])
    assert LsVid().verify(tree.synthetic()).problems == ()
    (problem,) = LsVid().verify(tree.root, decode=True).problems
    assert "0005_1_1_0002.jpg cannot be decoded" in problem
