"""Checking a tree of AG-VPReID: its counts, what is noted of them, masked identities, and faults of frames."""

import pytest
from ag_vpreid_tree import JPEG, Tree, mask, name

from vreid_plugins.datasets.ag_vpreid.description import DESCRIPTION
from vreid_plugins.datasets.ag_vpreid.reader import AgVpreid


def test_verify_counts_what_was_put_in(tree: Tree) -> None:
    found = {count.what: count.found for count in AgVpreid().verify(tree.root).counts}
    expected = {
        "cameras": 6,
        "train tracklets": 3,
        "train identities": 2,
        "train frames": 6,
        "case1 query tracklets": 10,
        "case1 query identities": 10,
        "case1 query frames": 30,
        "case1 gallery tracklets": 20,
        "case1 gallery frames": 40,
        "case2 query tracklets": 20,
        "case2 gallery tracklets": 11,
        "case2 gallery identities": 11,
        "longest case2 gallery tracklet": 3,
        "shortest case2 gallery tracklet": 1,
        "queries without a match, aerial-to-ground": 0,
        "queries without a match, ground-to-aerial": 0,
        "tracklets of platform cctv": 21,
        "tracklets of platform wearable": 20,
        "tracklets of platform uav": 23,
        "frames on disk": 6 + 30 + 40 + 40 + 31,
    }
    assert {what: found[what] for what in expected} == expected


def test_no_count_of_another_copy_is_a_fault_but_each_is_noted(tree: Tree) -> None:
    check = AgVpreid().verify(tree.root, decode=True)
    assert check.problems == ()
    assert "2 train identities were found; 689 are said to be there, which is not certain." in check.notes
    assert set(DESCRIPTION.uncertain) == set(DESCRIPTION.counts)


def test_a_masked_copy_has_no_fault_and_is_told_first(cli_json, tree: Tree) -> None:
    mask(tree.root)
    found = cli_json("data", "verify", "ag-vpreid", "--data", tree.root, "--decode")
    assert found["problems"] == []
    assert found["notes"][0].startswith("Its test identities are masked, as in the copy of the challenge")


def test_a_lost_frame_is_found_in_a_rendered_tree(tree: Tree) -> None:
    root = tree.synthetic(train_frames=6)
    assert AgVpreid().verify(root, decode=True).problems == ()
    (tree.tracklet("train", 12) / name(5, 2)).unlink()
    (problem,) = AgVpreid().verify(root).problems
    assert "has 5 train frames, expected 6" in problem


def test_verify_finds_what_is_no_frame(tree: Tree) -> None:
    (tree.tracklet("train", 12) / "notes.txt").write_text("")
    (tree.root / "train/readme.md").write_text("")
    problems = sorted(AgVpreid().verify(tree.synthetic()).problems)
    assert any("notes.txt is a file that no list names" in problem for problem in problems)
    assert any("train/readme.md is a file that no list names" in problem for problem in problems)
    assert len(problems) == 2


@pytest.mark.parametrize(("content", "message"), [(b"", "is empty (0 bytes)"), (JPEG[:-20], "cannot be decoded")])
def test_verify_finds_an_empty_frame_and_a_truncated_one(tree: Tree, content: bytes, message: str) -> None:
    (tree.tracklet("train", 12) / name(5, 2)).write_bytes(content)
    (problem,) = AgVpreid().verify(tree.synthetic(), decode=True).problems
    assert message in problem
