"""Checking a tree of MEVID: its counts, what is noted of them, and faults of frames."""

import pytest
from mevid_tree import JPEG, Tree

from vreid_bench import Count
from vreid_plugins.datasets.count_check import compare_counts, note_counts, report_differences
from vreid_plugins.datasets.mevid.description import DESCRIPTION
from vreid_plugins.datasets.mevid.reader import Mevid


def test_verify_counts_what_was_put_in(tree: Tree) -> None:
    assert {count.what: count.found for count in Mevid().verify(tree.root).counts} == {
        "cameras": 6,
        "train tracklets": 3,
        "train identities": 2,
        "train frames": 15,
        "shortest train tracklet": 2,
        "longest train tracklet": 10,
        "test tracklets": 8,
        "test identities": 3,
        "test frames": 17,
        "shortest test tracklet": 1,
        "longest test tracklet": 4,
        "train outfits": 3,
        "test outfits": 4,  # the same number is another outfit on another person
        "queries": 2,
        "query identities": 2,
        "gallery": 6,
        "queries without a match": 0,
        "test tracklets of place indoor": 4,
        "test tracklets of place outdoor": 3,
        "test tracklets of scale large": 4,
        "test tracklets of scale medium": 3,
        "frames on disk": 32,
    }


@pytest.mark.parametrize("found", [6338, 6337])
def test_both_known_copies_are_accepted_and_it_is_said_which_one_was_met(tmp_path, found: int) -> None:
    problems: list[str] = []
    counts = compare_counts(tmp_path, {"train tracklets": found}, DESCRIPTION.counts, "unverified", problems.append)
    report_differences(tmp_path, counts, "lists", problems.append, DESCRIPTION.uncertain)
    assert (counts, problems) == ((Count("train tracklets", found, found),), [])
    (note,) = note_counts(counts, DESCRIPTION.counts, DESCRIPTION.uncertain)
    assert note == f"{found:,} train tracklets were found; copies with 6,338 and with 6,337 are known."


def test_an_uncertain_count_is_noted_and_any_other_is_a_fault(tmp_path) -> None:
    problems: list[str] = []
    found = {"queries": 317, "train identities": 103}
    counts = compare_counts(tmp_path, found, DESCRIPTION.counts, "unverified", problems.append)
    report_differences(tmp_path, counts, "lists", problems.append, DESCRIPTION.uncertain)
    assert problems == [f"{tmp_path} has 103 train identities, expected 104; compare its lists with the original."]
    (note,) = note_counts(counts, DESCRIPTION.counts, DESCRIPTION.uncertain)
    assert note == "317 queries were found; 316 are said to be there, which is not certain."


def test_the_published_counts_fit_one_another() -> None:
    """Numbers of the readme, the paper and the lists beside the code; no file of the original is at hand."""
    counts = DESCRIPTION.counts
    for tracklets, gallery in zip(counts["test tracklets"], counts["gallery"], strict=True):
        assert counts["queries"] + gallery == tracklets
    assert counts["train identities"] + counts["test identities"][0] == 158
    assert counts["train outfits"] + counts["test outfits"][0] == 598
    assert counts["train tracklets"][0] + counts["test tracklets"][0] == 8092


def test_a_whole_tree_has_no_problem_but_a_lost_frame_is_one(tree: Tree) -> None:
    root = tree.synthetic(test_outfits=4)
    assert Mevid().verify(root, decode=True).problems == ()
    (root / "bbox_train/0103/0103O020C424T000F00003.jpg").unlink()
    (problem,) = Mevid().verify(root).problems
    assert "bbox_train/0103/0103O020C424T000F00003.jpg is listed but missing" in problem


def test_verify_finds_a_frame_that_no_list_names_and_a_folder_of_somebody_else(tree: Tree) -> None:
    tree.frame("bbox_test/0201/0201O003C330T004F00003.jpg")
    tree.frame("bbox_test/0299/0299O003C330T004F00000.jpg")
    frame, folder = sorted(Mevid().verify(tree.synthetic()).problems, key=len, reverse=True)
    assert "bbox_test/0201/0201O003C330T004F00003.jpg is a file that no list names" in frame
    assert "bbox_test/0299 is a folder that no list names" in folder


@pytest.mark.parametrize(("content", "message"), [(b"", "is empty (0 bytes)"), (JPEG[:-20], "cannot be decoded")])
def test_verify_finds_an_empty_frame_and_a_truncated_one(tree: Tree, content: bytes, message: str) -> None:
    (tree.root / "bbox_test/0202/0202O003C330T000F00000.jpg").write_bytes(content)
    (problem,) = Mevid().verify(tree.synthetic(), decode=True).problems
    assert message in problem
