"""Checking a tree of MARS: its counts, and faults of rows and frames."""

import shutil
from pathlib import Path

import numpy as np
import pytest
import simplejpeg
from mars_tree import Tree, index_of, synthetic

from vreid_bench.reporting.dataset_check import as_text
from vreid_plugins.datasets.mars.reader import Mars


def counts_of(tree: Tree) -> dict[str, int]:
    """What verification counts in a tree."""
    return {count.what: count.found for count in Mars().verify(tree.root).counts}


def test_verify_counts_what_was_put_in(tree: Tree) -> None:
    assert counts_of(tree) == {
        "cameras": 3,
        "train tracklets": 3,
        "train identities": 2,
        "train frames": 9,
        "train frames on disk": 9,
        "shortest train tracklet": 2,
        "longest train tracklet": 4,
        "test tracklets": 11,
        "test identities": 3,
        "test frames": 26,
        "test frames on disk": 26,
        "shortest test tracklet": 1,
        "longest test tracklet": 5,
        "junk": 2,
        "distractors": 2,
        "queries": 6,
        "query identities": 3,
        "queries of camera 1": 3,
        "queries of camera 2": 2,
        "queries of camera 3": 1,
        "queries of camera 4": 0,
        "queries of camera 5": 0,
        "queries of camera 6": 0,
        "gallery with queries, without junk": 9,
        "gallery without queries, without junk": 3,
        "queries without a match, queries in the gallery": 0,
        # out of the gallery, one tracklet of a person is left: person 2 in camera 1, a match for camera 2 only
        "queries without a match, queries out of the gallery": 5,
    }


def test_verify_compares_a_tree_that_is_not_synthetic_with_the_published_numbers(tree: Tree) -> None:
    verification = Mars().verify(tree.root)
    assert {c.what: c.published for c in verification.counts}["train tracklets"] == 8298
    assert any("has 3 train tracklets, expected 8,298" in problem for problem in verification.problems)


def test_a_whole_synthetic_tree_has_no_problem(tree: Tree) -> None:
    verification = Mars().verify(synthetic(tree).root, decode=True)
    assert verification.source == "synthetic"
    assert verification.problems == ()
    assert {c.what: c.published for c in verification.counts}["queries"] == 6
    assert {c.what: c.published for c in verification.counts}["cameras"] is None
    assert Mars().read(tree.root).source == "synthetic"


def test_verify_compares_a_synthetic_tree_with_its_own_description(tree: Tree) -> None:
    (problem,) = Mars().verify(synthetic(tree, junk=3).root).problems
    assert "has 2 junk, expected 3" in problem


def test_verify_tells_a_broken_description(tree: Tree) -> None:
    (tree.root / "synthetic.json").write_text("{")
    (problem,) = Mars().verify(tree.root).problems
    assert "synthetic.json cannot be read" in problem


@pytest.mark.parametrize("step", [-1, 1])
def test_verify_finds_a_row_that_begins_within_a_track_of_the_same_person_and_camera(tree: Tree, step: int) -> None:
    tree.rows["test"][4, 1] += step  # rows 5 and 6 are two tracks of person 2 in camera 1
    tree.rows["test"][5, 0] += step
    (problem,) = Mars().verify(synthetic(tree.write()).root).problems
    assert f"row 6: starts at line {14 + step}, within a track of info/test_name.txt" in problem


def test_a_track_may_be_cut_into_rows(tree: Tree) -> None:
    rows = tree.rows["train"]
    tree.rows["train"] = np.insert(rows, 2, [6, 7, 3, 1], axis=0)
    tree.rows["train"][3, 0] = 8
    assert Mars().verify(synthetic(tree.write(), train_tracklets=4).root).problems == ()


def frame_fault(tree: Tree, decode: bool = False) -> str:
    """The one problem of a synthetic tree; its frame counts are not compared."""
    (problem,) = Mars().verify(synthetic(tree).root, decode).problems
    return problem


def test_verify_finds_a_missing_frame(tree: Tree) -> None:
    (tree.root / "bbox_test/0004/0004C3T0001F002.jpg").unlink()
    assert "bbox_test/0004/0004C3T0001F002.jpg is listed but missing" in frame_fault(tree)
    assert counts_of(tree)["test frames on disk"] == 25


def test_verify_finds_a_missing_folder(tree: Tree) -> None:
    shutil.rmtree(tree.root / "bbox_test/0004")
    assert "bbox_test/0004 cannot be listed" in frame_fault(tree)
    assert counts_of(tree)["test frames on disk"] == 21


def test_verify_finds_an_empty_frame(tree: Tree) -> None:
    (tree.root / "bbox_train/0001/0001C1T0001F002.jpg").write_bytes(b"")
    assert "0001C1T0001F002.jpg is empty (0 bytes)" in frame_fault(tree)


def test_verify_finds_a_link_that_leads_nowhere(tree: Tree) -> None:
    path = tree.root / "bbox_train/0001/0001C1T0001F002.jpg"
    path.unlink()
    path.symlink_to("nowhere.jpg")
    assert "0001C1T0001F002.jpg is listed but missing" in frame_fault(tree)


def test_verify_finds_a_frame_that_is_a_folder(tree: Tree) -> None:
    path = tree.root / "bbox_train/0001/0001C1T0001F002.jpg"
    path.unlink()
    path.mkdir()
    assert "0001C1T0001F002.jpg is not a file" in frame_fault(tree)


def test_verify_finds_a_file_that_no_list_names(tree: Tree) -> None:
    (tree.root / "bbox_train/0001/0001C1T0001F004.jpg").write_bytes(b"x")
    assert "0001C1T0001F004.jpg is a file that no list names" in frame_fault(tree)


def test_verify_finds_a_folder_that_no_list_names(tree: Tree) -> None:
    (tree.root / "bbox_test/0008").mkdir()
    assert "bbox_test/0008 is a folder that no list names" in frame_fault(tree)


@pytest.mark.parametrize("place", ["bbox_train/.DS_Store", "bbox_test/0002/Thumbs.db", "bbox_test/0002/._0002.jpg"])
def test_verify_finds_leftovers_of_file_managers(tree: Tree, place: str) -> None:
    (tree.root / place).write_bytes(b"x")
    assert f"{place} was left by a file manager; delete it." in frame_fault(tree)


def test_only_decoding_finds_a_truncated_frame(tree: Tree) -> None:
    path = tree.root / "bbox_test/0002/0002C1T0001F003.jpg"
    path.write_bytes(path.read_bytes()[:-20])
    assert Mars().verify(synthetic(tree).root).problems == ()
    assert "0002C1T0001F003.jpg cannot be decoded" in frame_fault(tree, decode=True)


def test_only_decoding_finds_a_frame_of_another_size(tree: Tree) -> None:
    path = tree.root / "bbox_test/0002/0002C1T0001F003.jpg"
    path.write_bytes(simplejpeg.encode_jpeg(np.zeros((8, 8, 3), np.uint8)))
    assert Mars().verify(synthetic(tree).root).problems == ()
    assert "is 8 x 8 pixels (height x width), expected 16 x 8 as most are" in frame_fault(tree, decode=True)


def test_a_lost_disk_gives_a_short_text(tmp_path: Path, tree: Tree) -> None:
    tree.rows["train"], tree.names["train"] = index_of([(1, 1, 500)])
    check = Mars().verify(synthetic(tree.write(), train_tracklets=1).root)
    assert sum("is listed but missing" in problem for problem in check.problems) == 497
    lines = [line for line in as_text(check).splitlines() if "is listed but missing" in line]
    assert len(lines) == 1
    assert lines[0].endswith("(496 more alike; --json lists them)")


def test_links_to_themselves_do_not_end_the_check(tree: Tree) -> None:
    """The system refuses to say what such a link is."""
    synthetic(tree)
    for folder in ("", "bbox_train", "bbox_test/0002", "info"):
        (tree.root / folder / "self").symlink_to("self")
    found = Mars().verify(tree.root)
    assert [problem.partition(" is ")[0] for problem in found.problems] == [
        str(tree.root / "bbox_train/self"),
        str(tree.root / "bbox_test/0002/self"),
    ]
