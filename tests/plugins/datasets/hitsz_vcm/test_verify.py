"""Checking a tree of HITSZ-VCM: its counts, what is noted of them, and faults of frames and roles."""

from pathlib import Path

import pytest
from hitsz_tree import JPEG, Tree

from vreid_plugins.datasets.hitsz_vcm.description import DESCRIPTION
from vreid_plugins.datasets.hitsz_vcm.reader import HitszVcm, vreid_protocols


def test_verify_counts_what_was_put_in(tree: Tree) -> None:
    assert {count.what: count.found for count in HitszVcm().verify(tree.root).counts} == {
        "cameras": 6,
        "train tracklets": 3,
        "train identities": 2,
        "train frames": 28,
        "shortest train tracklet": 3,
        "longest train tracklet": 13,
        "test tracklets": 9,
        "test identities": 3,
        "test frames": 110,
        "shortest test tracklet": 5,
        "longest test tracklet": 20,
        "queries": 4,
        "query identities": 3,
        "gallery": 5,
        "train tracklets of modality infrared": 2,
        "train tracklets of modality visible": 1,
        "test tracklets of modality infrared": 4,
        "test tracklets of modality visible": 5,
        "train tracklets of 12 frames or more": 2,
        "queries of 12 frames or more": 3,
        "gallery of 12 frames or more": 4,
        "queries without a match": 1,
        "queries without a match, of 12 frames or more": 1,
        "frames on disk": 138,
    }


def test_a_copy_with_other_counts_is_told_so_and_uncertain_ones_are_noted(tree: Tree) -> None:
    found = HitszVcm().verify(tree.root)
    assert any("has 3 train tracklets, expected 11,061; compare its lists and frames" in p for p in found.problems)
    assert any("has 3 queries of 12 frames or more, expected 4,584" in p for p in found.problems)
    assert "2 train identities were found; 500 are said to be there, which is not certain." in found.notes
    assert not any("cameras" in problem or "identities" in problem for problem in found.problems)
    assert not any("may be one of the missing frames" in problem for problem in found.problems)


def test_the_published_counts_fit_one_another() -> None:
    """The sums are those of the paper; the parts are what a public loader notes of its copy."""
    counts = DESCRIPTION.counts
    assert counts["train identities"] + counts["test identities"] == 927
    assert counts["train tracklets"] + counts["test tracklets"] == 21863
    assert counts["train frames"] + counts["test frames"] == counts["frames on disk"] == 463259
    assert counts["queries"] + counts["gallery"] == counts["test tracklets"]
    forth, back = vreid_protocols().values()
    assert forth.counts["queries"] == back.counts["gallery"] == counts["queries of 12 frames or more"]
    assert forth.counts["gallery"] == back.counts["queries"] == counts["gallery of 12 frames or more"]
    assert forth.counts["train tracklets"] == counts["train tracklets of 12 frames or more"]


@pytest.mark.parametrize("lists", ["", "info"])
@pytest.mark.parametrize("parts", [False, True])
def test_a_whole_tree_has_no_problem_but_a_lost_frame_is_one(tmp_path: Path, lists: str, parts: bool) -> None:
    root = Tree(tmp_path / "data", lists, parts).write().synthetic(queries=4)
    assert HitszVcm().verify(root, decode=True).problems == ()
    lost = ("Train/" if parts else "") + "0001/ir/D3/6.jpg"
    (root / lost).unlink()
    (problem,) = HitszVcm().verify(root).problems
    assert f"{lost} is listed but missing" in problem


@pytest.mark.parametrize("parts", [False, True])
def test_verify_finds_a_frame_that_no_list_names_and_a_folder_of_somebody_else(tmp_path: Path, parts: bool) -> None:
    tree = Tree(tmp_path / "data", parts=parts).write()
    below = tree.below["test"]
    for path in ("0503/rgb/D3/2.jpg", "0503/rgb/D9/1.jpg", "0600/rgb/D3/1.jpg", "0503/rgb/D3/Thumbs.db"):
        tree.frame(f"{below}{path}")
    problems = "\n".join(HitszVcm().verify(tree.synthetic()).problems)
    assert problems.count("\n") == 3
    assert f"{below}0503/rgb/D3/2.jpg is a file that no list names" in problems
    assert f"{below}0503/rgb/D9 is a folder that no list names" in problems
    assert f"{below}0600 is a folder that no list names" in problems
    assert f"{below}0503/rgb/D3/Thumbs.db was left by a file manager" in problems


@pytest.mark.parametrize(("content", "message"), [(b"", "is empty (0 bytes)"), (JPEG[:-20], "cannot be decoded")])
def test_verify_finds_an_empty_frame_and_a_truncated_one(tree: Tree, content: bytes, message: str) -> None:
    (tree.root / "0504/ir/D4/1.jpg").write_bytes(content)
    (problem,) = HitszVcm().verify(tree.synthetic(), decode=True).problems
    assert message in problem


def test_a_query_list_that_does_not_go_by_modality_is_a_problem(tree: Tree) -> None:
    tree.query = "1 4 9\n"
    visible, infrared = HitszVcm().verify(tree.write().synthetic()).problems
    assert "0503/rgb/D3/1.jpg: its tracklet is visible and listed as a query, expected the infrared ones in" in visible
    assert "0503/ir/D5/1.jpg: its tracklet is infrared and not listed as a query (one of 2 such track" in infrared
