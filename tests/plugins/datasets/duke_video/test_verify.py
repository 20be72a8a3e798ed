"""Checking a tree of DukeMTMC-VideoReID: its counts, and faults of frames and names."""

import shutil
from pathlib import Path

import numpy as np
import pytest
import simplejpeg
from duke_tree import JPEG, synthetic

from vreid_plugins.datasets.duke_video import verify
from vreid_plugins.datasets.duke_video.reader import DukeVideo


def test_verify_counts_what_was_put_in(root: Path) -> None:
    assert {count.what: count.found for count in DukeVideo().verify(root).counts} == {
        "cameras": 5,
        "train tracklets": 3,
        "train identities": 2,
        "train frames": 7,
        "shortest train tracklet": 2,
        "longest train tracklet": 3,
        "query tracklets": 2,
        "query identities": 2,
        "query frames": 4,
        "shortest query tracklet": 1,
        "longest query tracklet": 3,
        "gallery tracklets": 5,
        "gallery identities": 3,
        "gallery frames": 11,
        "shortest gallery tracklet": 1,
        "longest gallery tracklet": 3,
        "identities of the gallery alone": 1,
        "queries without a match": 0,
        "tracklets that do not begin with frame 1": 3,
        "frames on disk": 22,
    }


def test_the_published_counts_fit_one_another() -> None:
    """Numbers of the paper and the readme; no file of the original is at hand to count them on."""
    expected = verify.PUBLISHED
    assert expected["train identities"] == expected["query identities"] == expected["query tracklets"] == 702
    assert expected["gallery identities"] == 702 + expected["identities of the gallery alone"] == 1110
    assert (expected["train tracklets"], expected["gallery tracklets"], expected["cameras"]) == (2196, 2636, 8)


def test_verify_compares_with_the_published_numbers_or_the_description(root: Path) -> None:
    problems = DukeVideo().verify(root).problems
    assert any("has 5 gallery tracklets, expected 2,636" in problem for problem in problems)
    *suspects, problem = DukeVideo().verify(synthetic(root, gallery_frames=12)).problems
    assert "has 11 gallery frames, expected 12" in problem
    assert len(suspects) == 3  # the tracklets that begin with frame 2
    assert all("is frame 2, and frame 1 may be one of the missing frames" in each for each in suspects)


@pytest.mark.parametrize(
    ("place", "message"),
    [
        ("gallery/0002/0001/notes.txt", r"notes\.txt is a file that no list names"),
        ("gallery/0002/notes.txt", r"notes\.txt is a file that no list names"),
        ("gallery/notes.txt", r"notes\.txt is a file that no list names"),
    ],
)
def test_verify_finds_what_does_not_belong_at_every_depth(root: Path, place: str, message: str) -> None:
    (root / place).write_text("x")
    (problem,) = DukeVideo().verify(synthetic(root)).problems
    assert f"{place} is a file that no list names" in problem


def test_verify_finds_a_gap_which_no_list_would_tell(root: Path) -> None:
    (root / "train/0001/0003/0001_C1_F0002_X1024.jpg").unlink()
    (problem,) = DukeVideo().verify(synthetic(root)).problems
    assert "train/0001/0003 has 2 frames from F0001 to F0003, expected 3: F0002 is the first missing one" in problem


def test_verify_finds_frames_that_changed_places_and_a_tracklet_that_is_there_twice(root: Path) -> None:
    folder = root / "train/0001/0003"
    for n in (1, 3):
        (folder / f"0001_C1_F000{n}_X{1000 + 12 * n}.jpg").rename(folder / f"0001_C1_F000{4 - n}_X{1000 + 12 * n}.jpg")
    (problem,) = DukeVideo().verify(synthetic(root)).problems
    assert "0001_C1_F0002_X1024.jpg was taken at X1024, expected a number above X1036 of the frame before it" in problem
    shutil.copytree(root / "train/0003/0001", root / "train/0003/0007")
    _, problem = DukeVideo().verify(root).problems
    assert "train/0003/0007 holds 0003_C8_F0001_X8012.jpg (one of 2 such frames), which " in problem


def test_verify_finds_an_empty_frame_and_decoding_a_truncated_one(root: Path) -> None:
    (root / "train/0001/0003/0001_C1_F0002_X1024.jpg").write_bytes(b"")
    path = root / "query/0004/0003/0004_C5_F0001_X5012.jpg"
    path.write_bytes(JPEG[:-20])
    (problem,) = DukeVideo().verify(synthetic(root)).problems
    assert "F0002_X1024.jpg is empty (0 bytes)" in problem
    assert any("F0001_X5012.jpg cannot be decoded" in p for p in DukeVideo().verify(root, decode=True).problems)


def test_frames_of_any_size_belong_to_this_data(root: Path) -> None:
    (root / "train/0001/0003/0001_C1_F0002_X1024.jpg").write_bytes(
        simplejpeg.encode_jpeg(np.zeros((24, 12, 3), np.uint8))
    )
    assert DukeVideo().verify(synthetic(root), decode=True).problems == ()
