"""Checking a tree of DetReIDX: its counts, what is noted of them, and faults of frames."""

import pytest
from detreidx_tree import JPEG, Tree, aerial, anonymize

from vreid_plugins.datasets.detreidx.reader import DetReidx


def test_verify_counts_what_was_put_in(tree: Tree) -> None:
    found = {count.what: count.found for count in DetReidx().verify(tree.root).counts}
    expected = {
        "cameras": 3,
        "train tracklets": 3,
        "train identities": 2,
        "train frames": 5,
        "case1 query tracklets": 6,
        "case1 query frames": 15,
        "case1 gallery tracklets": 3,
        "case2 gallery identities": 3,
        "case3 query tracklets": 3,
        "case3 gallery frames": 6,
        "identities": 5,
        "tracklets": 27,
        "queries without a match, aerial-to-ground": 0,
        "queries without a match, aerial-to-aerial": 0,
        "tracklets of flight point 1": 10,
        "tracklets of flight point 18": 9,
        "tracklets of flight point 2": 0,
        "tracklets of flight point other": 0,
        "tracklets of flight point ground": 8,
        "frames on disk": 5 + 15 + 6 + 6 + 15 + 9 + 6,
    }
    assert {what: found[what] for what in expected} == expected


def test_other_counts_are_noted_and_known_copies_too(tree: Tree) -> None:
    check = DetReidx().verify(tree.root, decode=True)
    assert check.problems == ()
    assert "27 tracklets were found; 11,288 are said to be there, which is not certain." in check.notes


def test_a_masked_copy_has_no_fault_and_is_told_first(cli_json, tree: Tree) -> None:
    anonymize(tree.root)
    found = cli_json("data", "verify", "detreidx", "--data", tree.root, "--decode")
    assert found["problems"] == []
    assert found["notes"][0].startswith("Its test identities are masked: in case1_aerial_to_ground, nobody of")


@pytest.mark.parametrize(("content", "message"), [(b"", "is empty (0 bytes)"), (JPEG[:-20], "cannot be decoded")])
def test_verify_finds_an_empty_frame_and_a_truncated_one(tree: Tree, content: bytes, message: str) -> None:
    (tree.tracklet("case1 query", 24) / aerial(24, 1, 9)).write_bytes(content)
    (problem,) = DetReidx().verify(tree.synthetic(), decode=True).problems
    assert message in problem


def test_a_lost_frame_is_found_in_a_rendered_tree(tree: Tree) -> None:
    root = tree.synthetic(train_frames=5)
    assert DetReidx().verify(root, decode=True).problems == ()
    (tree.tracklet("train", 3) / aerial(3, 1, 2)).unlink()
    (problem,) = DetReidx().verify(root).problems
    assert "has 4 train frames, expected 5" in problem
