"""Checking your own tracklets: counts, and faults of list and frames."""

from pathlib import Path

import numpy as np
import pytest
import simplejpeg
from tracklets_tree import ROWS, replaced, write

from vreid_bench.planning.dataset_check import check_dataset
from vreid_bench.registry.registry import Registry
from vreid_plugins.datasets.tracklets.reader import Tracklets


def test_a_query_without_any_match_is_allowed_and_counted(root: Path) -> None:
    write(root, replaced(6, "gallery,dora,south,c2"))
    assert Tracklets().read(root).splits[0].query == (0,)
    counts = {c.what: c.found for c in Tracklets().verify(root).counts}
    assert counts["queries without a match among the gallery rows"] == 1
    notes = check_dataset(Registry.installed(), "tracklets", root, False).notes
    told = "queries without a match under queries-in-gallery and torchreid: "
    assert f"{told}c1/1.jpg of person carl in camera north" in notes


def test_verify_counts_and_finds_nothing_wrong(root: Path) -> None:
    verification = Tracklets().verify(root, decode=True)
    assert verification.problems == ()
    assert verification.notes == ()
    assert verification.source == "unverified"
    assert all(c.published is None for c in verification.counts)
    assert {c.what: c.found for c in verification.counts} == {
        "train tracklets": 3,
        "train identities": 2,
        "train frames": 6,
        "query tracklets": 1,
        "query identities": 1,
        "query frames": 2,
        "gallery tracklets": 4,
        "gallery identities": 2,
        "gallery frames": 5,
        "gallery with the query rows": 5,
        "junk": 1,
        "distractors": 1,
        "cameras": 2,
        "shortest tracklet": 1,
        "longest tracklet": 3,
        "queries without a match among the gallery rows": 0,
        "frames on disk": 13,
    }


@pytest.mark.parametrize("header", ["", "split,id,camid,frames", 'split,"pid'])
def test_a_faulty_header_is_the_only_sentence(root: Path, header: str) -> None:
    (root / "tracklets.csv").write_text(header)
    check = Tracklets().verify(root)
    (problem,) = check.problems
    assert "line 1: " in problem
    assert check.counts == ()


def test_verify_tells_all_faults_at_once(root: Path) -> None:
    write(root, ["oops,anna,north,a1", *ROWS[1:-1], "gallery,-1,south,nowhere"])
    problems = Tracklets().verify(root).problems
    assert any("line 2: unknown split 'oops'" in problem for problem in problems)
    assert any("line 9: no image matches 'nowhere'" in problem for problem in problems)


def test_verify_finds_an_empty_frame_and_when_decoding_a_corrupt_one(root: Path) -> None:
    (root / "a1/2.jpg").write_bytes(b"")
    path = root / "c1/1.jpg"
    path.write_bytes(path.read_bytes()[:-20])
    (problem,) = Tracklets().verify(root).problems
    assert "a1/2.jpg is empty" in problem
    assert any("c1/1.jpg cannot be decoded" in problem for problem in Tracklets().verify(root, decode=True).problems)


def test_frames_of_different_sizes_are_no_fault(root: Path) -> None:
    (root / "c1/1.jpg").write_bytes(simplejpeg.encode_jpeg(np.zeros((8, 8, 3), np.uint8)))
    assert Tracklets().verify(root, decode=True).problems == ()
