"""Checking a tree of P-DESTRE: its counts, what is noted of them, and faults of frames."""

import pytest
from p_destre_tree import JPEG, Tree

from vreid_plugins.datasets.p_destre.description import DESCRIPTION
from vreid_plugins.datasets.p_destre.reader import PDestre


def test_verify_counts_what_was_put_in(tree: Tree) -> None:
    assert {count.what: count.found for count in PDestre().verify(tree.root).counts} == {
        "splits": 2,
        "sequences": 7,
        "sessions": 3,
        "days": 3,
        "cameras": 3,
        "identities": 8,
        "numbers of people": 7,
        "numbers of people on several days": 1,
        "numbers of people in several sessions of a day": 0,
        "tracklets": 14,
        "frames": 26,
        "shortest tracklet": 1,
        "longest tracklet": 4,
        "folders of nobody": 2,
        "frames of 0 bytes": 1,
        "train identities of split 0": 3,
        "train tracklets of split 0": 4,
        "queries of split 0": 3,
        "query identities of split 0": 3,
        "gallery of split 0": 7,
        "queries without a match of split 0": 0,
        "train identities of split 1": 3,
        "train tracklets of split 1": 7,
        "queries of split 1": 2,
        "query identities of split 1": 2,
        "gallery of split 1": 2,
        "queries without a match of split 1": 1,
        "frames on disk": 26,
    }


def test_no_published_count_is_certain_so_each_is_noted_and_none_is_a_fault(tree: Tree) -> None:
    assert set(DESCRIPTION.uncertain) == set(DESCRIPTION.counts)
    found = PDestre().verify(tree.root)
    assert found.problems == ()
    assert [note for note in found.notes if "not certain" in note] == [
        "2 splits were found; 5 are said to be there, which is not certain.",
        "7 sequences were found; 75 are said to be there, which is not certain.",
        "7 numbers of people were found; 253 are said to be there, which is not certain.",
        "14 tracklets were found; 1,894 are said to be there, which is not certain.",
    ]


def test_a_number_on_another_day_and_in_another_session_is_noted(tree: Tree) -> None:
    tree.frame("14-11-2019-2-1/9/9_1_14112019_8.jpg")
    tree.divisions[0]["Gallery"].append("14-11-2019-2-1")
    notes = PDestre().verify(tree.write().root).notes
    assert (
        "Numbers of people on several days: 1. As published, they are other people in each session, also where a "
        "number is the same human being in other clothes."
    ) in notes
    assert (
        "Numbers of people in several sessions of a day: 1. As published, they are other people in each session, also "
        "where a number is the same human being in the same clothes."
    ) in notes


def test_people_whom_the_published_loader_takes_for_one_are_noted(tree: Tree) -> None:
    """Session 1 and number 12 have the joined name of session 11 and number 2."""
    tree.frame("14-11-2019-1-1/12/12_1_14112019_5.jpg")
    tree.frame("14-11-2019-11-1/2/2_1_14112019_8.jpg")
    tree.divisions[0]["Gallery"].append("14-11-2019-11-1")
    dataset = PDestre().read(tree.write().root)
    assert {"14-11-2019-1:12", "14-11-2019-11:2"} <= {t.person_name for t in dataset.splits[0].test}
    assert any("another one in the published loader: 1." in note for note in PDestre().verify(tree.root).notes)


def test_a_whole_tree_has_no_problem_and_missing_lists_leave_no_counts(tree: Tree) -> None:
    root = tree.synthetic(identities=8)
    assert PDestre().verify(root, decode=True).problems == ()
    for part in ("Train", "Query", "Gallery"):
        for number in (0, 1):
            tree.list_path(f"{part}_{number}").unlink()
    found = PDestre().verify(root)
    assert (found.counts, len(found.problems)) == ((), 1)


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("12-11-2019-3-1/5/6_40_12112019_2.jpg", r"6_40_12112019_2.jpg has the name of another person or day"),
        ("12-11-2019-3-1/5/5_40_13112019_2.jpg", r"5_40_13112019_2.jpg has the name of another person or day"),
        ("12-11-2019-3-1/5/5_40_12112019_2.JPG", r"5_40_12112019_2.JPG is not read, expected frames *.jpg alone"),
        ("12-11-2019-3-1/5/5_40_12112019_2.png", r"5_40_12112019_2.png is not read, expected frames *.jpg alone"),
        ("12-11-2019-3-1/5/more/5_40_12112019_2.jpg", r"12-11-2019-3-1/5/more is not read, expected frames *.jpg"),
        ("12-11-2019-3-1/5/._5_30_12112019_2.jpg", r"5/._5_30_12112019_2.jpg was left by a file manager; delete it"),
        ("12-11-2019-3-1/.DS_Store", r"12-11-2019-3-1/.DS_Store was left by a file manager; delete it"),
    ],
)
def test_what_else_lies_in_a_sequence_is_a_problem_and_reading_is_not_disturbed(
    tree: Tree, path: str, message: str
) -> None:
    root = tree.synthetic()
    tree.frame(path)
    PDestre().read(root)
    (problem,) = PDestre().verify(root).problems
    assert message in problem


def test_a_truncated_frame_is_found(tree: Tree) -> None:
    (tree.root / "12-11-2019-3-1/5/5_30_12112019_2.jpg").write_bytes(JPEG[:-20])
    (problem,) = PDestre().verify(tree.synthetic(), decode=True).problems
    assert "5_30_12112019_2.jpg cannot be decoded" in problem
    assert PDestre().verify(tree.root).problems == ()


def test_a_link_that_leads_nowhere_is_a_missing_frame(tree: Tree) -> None:
    (tree.root / "12-11-2019-3-1/5/5_31_12112019_2.jpg").symlink_to(tree.root / "gone.jpg")
    (problem,) = PDestre().verify(tree.synthetic()).problems
    assert "5_31_12112019_2.jpg is listed but missing" in problem
