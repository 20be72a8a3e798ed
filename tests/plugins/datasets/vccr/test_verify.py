"""Checking a tree of VCCR: its counts, what is noted of them, and faults of frames and folders."""

import pytest
from vccr_tree import JPEG, Tree

from vreid_bench import Count
from vreid_plugins.datasets.count_check import compare_counts, note_counts, report_differences
from vreid_plugins.datasets.vccr.description import DESCRIPTION
from vreid_plugins.datasets.vccr.reader import Vccr


def test_verify_counts_what_was_put_in(tree: Tree) -> None:
    assert {count.what: count.found for count in Vccr().verify(tree.root).counts} == {
        "cameras": 3,
        "train tracklets": 3,
        "train identities": 2,
        "train frames": 7,
        "shortest train tracklet": 1,  # short ones are dropped from the test alone
        "longest train tracklet": 3,
        "query tracklets": 3,
        "query identities": 2,
        "query frames": 27,
        "shortest query tracklet": 7,
        "longest query tracklet": 12,
        "gallery tracklets": 6,
        "gallery identities": 2,
        "gallery frames": 48,
        "shortest gallery tracklet": 7,
        "longest gallery tracklet": 9,
        "identities": 4,
        "tracklets": 12,
        "train outfits": 3,
        "test outfits": 4,  # clothes 3 of person 12 are not clothes 3 of person 100
        "fewest outfits of a person": 1,
        "most outfits of a person": 2,
        "query tracklets of 8 frames or more": 2,
        "gallery tracklets of 8 frames or more": 5,
        "queries without a match": 0,
        "queries without a match in the same clothes": 0,
        "queries without a match in other clothes": 0,
        "tracklets with a gap in their numbers": 0,
        "frames on disk": 82,
    }


def test_the_two_published_counts_are_told_apart_by_how_certain_they_are(tmp_path) -> None:
    problems: list[str] = []
    found = {"identities": 391, "tracklets": 4000, "most outfits of a person": 10}
    counts = compare_counts(tmp_path, found, DESCRIPTION.counts, "unverified", problems.append)
    assert counts[1] == Count("tracklets", 4000, 4384)
    report_differences(tmp_path, counts, "folders", problems.append, DESCRIPTION.uncertain)
    assert problems == [f"{tmp_path} has 391 identities, expected 392; compare its folders with the original."]
    (note,) = note_counts(counts, DESCRIPTION.counts, DESCRIPTION.uncertain)
    assert note == "4,000 tracklets were found; 4,384 are said to be there, which is not certain."


def test_a_whole_tree_has_no_problem_and_its_order_is_noted(tree: Tree) -> None:
    found = Vccr().verify(tree.synthetic(tracklets=12), decode=True)
    assert found.problems == ()
    assert found.notes == Vccr().read(tree.root).notes
    # frames 9 to 11 of person 7, 1 to 12 of person 12 and 5 to 12 of person 100: no other tracklet has ten or more
    assert found.notes[0].startswith("The frames of 3 tracklets are in order of their number; the public code sorts")


def test_a_lost_frame_is_a_gap_and_a_wrong_count(tree: Tree) -> None:
    (tree.root / "test_qg/gallery/12/2/p12-c2-l3-t1/p12-c2-l3-t1-f4.jpg").unlink()
    found = Vccr().verify(tree.synthetic(gallery_frames=48, tracklets_with_a_gap_in_their_numbers=0))
    assert any(
        "p12-c2-l3-t1-f5.jpg is frame 5, and frame 4 may be one of the missing frames" in p for p in found.problems
    )
    assert any("has 47 gallery frames, expected 48" in problem for problem in found.problems)
    assert any("has 1 tracklets with a gap in their numbers, expected 0" in problem for problem in found.problems)


def test_a_folder_of_a_camera_with_tracklets_of_two_is_a_fault(tree: Tree) -> None:
    tree.rename("test_qg/gallery/12/1/p12-c1-l4-t1", "moved")
    (tree.root / "test_qg/gallery/12/1/moved").rename(tree.root / "test_qg/gallery/12/2/moved")
    (tree.root / "test_qg/gallery/12/1").rmdir()
    (problem,) = Vccr().verify(tree.synthetic()).problems
    assert "test_qg/gallery/12/2 holds tracklets of camera 1 and 2, expected those of one camera in a folder" in problem
    assert Vccr().read(tree.root)  # which follows the names, as the public code does


def test_a_folder_that_says_another_camera_is_noted_and_the_names_are_followed(tree: Tree) -> None:
    before = [t.camid for t in Vccr().read(tree.root).splits[0].test]
    tree.rename("test_qg/query/12/1", "cam5")
    found = Vccr().verify(tree.synthetic())
    assert found.problems == ()
    assert "test_qg/query/12/cam5: the names in it say camera 1; the names are followed" in found.notes[1]
    assert sorted(t.camid for t in Vccr().read(tree.root).splits[0].test) == sorted(before)


def test_a_name_that_begins_with_another_person_is_noted_and_the_folder_is_followed(tree: Tree) -> None:
    tree.rename("train/30", "31")
    found = Vccr().verify(tree.synthetic())
    assert found.problems == ()
    assert "p30-c2-l1-t1-f1.jpg: the name begins with another number than its person's, 31" in found.notes[1]
    assert [t.pid for t in Vccr().read(tree.root).splits[0].train] == [7, 7, 31]


def test_verify_finds_what_no_tracklet_holds(tree: Tree) -> None:
    tree.frame("train/7/alone.jpg")
    (tree.root / "test_qg/query/12/1/p12-c1-l3-t1/labels.txt").write_text("12")
    (tree.root / "test_qg/gallery/.DS_Store").write_text("")
    problems = Vccr().verify(tree.synthetic()).problems
    assert len(problems) == 3
    assert any("train/7/alone.jpg is a file that no list names" in problem for problem in problems)
    assert any("p12-c1-l3-t1/labels.txt is a file that no list names" in problem for problem in problems)
    assert any("test_qg/gallery/.DS_Store was left by a file manager; delete it" in problem for problem in problems)


@pytest.mark.parametrize(("content", "message"), [(b"", "is empty (0 bytes)"), (JPEG[:-20], "cannot be decoded")])
def test_verify_finds_an_empty_frame_and_a_truncated_one(tree: Tree, content: bytes, message: str) -> None:
    (tree.root / "train/30/p30-c2-l1-t1/p30-c2-l1-t1-f1.jpg").write_bytes(content)
    (problem,) = Vccr().verify(tree.synthetic(), decode=True).problems
    assert message in problem
