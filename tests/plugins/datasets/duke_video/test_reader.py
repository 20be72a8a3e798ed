"""Reading DukeMTMC-VideoReID: its gallery, the order of frames, and the protocol."""

import os
import shutil
from pathlib import Path

import numpy as np
import pytest
from duke_tree import JPEG, frame_names, synthetic

from vreid_bench import Split, Tracklet, person_ids
from vreid_bench.contracts.dataset import CheckingReader, DatasetReader, TwinReader, WithdrawnReader
from vreid_bench.registry.registry import Registry
from vreid_bench.scoring.conventions import choose_conventions
from vreid_bench.scoring.metrics import Scores, judge
from vreid_bench.scoring.ranks.counting import count_from_distances
from vreid_bench.scoring.ranks.labels import Labels
from vreid_plugins.datasets.duke_video import reader
from vreid_plugins.datasets.duke_video.reader import DukeVideo


def test_it_is_a_reader_that_verifies_synthesizes_and_was_withdrawn() -> None:
    for contract in (DatasetReader, CheckingReader, TwinReader, WithdrawnReader):
        assert isinstance(DukeVideo(), contract)
    assert isinstance(reader.vreid_datasets()["duke-video"], DukeVideo)


def test_reading_gives_the_queries_then_the_gallery_as_its_folder_holds_it(root: Path) -> None:
    (split,) = DukeVideo().read(root).splits
    assert [(t.pid, t.camid, len(t.frames)) for t in split.train] == [(1, 1, 3), (1, 2, 2), (3, 8, 2)]
    assert [(t.pid, t.camid) for t in split.test] == [(2, 2), (4, 5), (2, 1), (2, 2), (4, 5), (4, 6), (9, 1)]
    assert split.query == (0, 1)
    assert split.gallery == (2, 3, 4, 5, 6)  # five tracklets as published: no query is added to it
    assert all(split.test[row].frames[0].startswith("gallery/") for row in split.gallery)
    assert all((root / frame).is_file() for t in split.train + split.test for frame in t.frames)


def test_people_and_cameras_are_called_as_in_the_file_names(root: Path) -> None:
    (split,) = DukeVideo().read(root).splits
    assert [(t.person_name, t.camera_name) for t in split.train] == [("0001", "C1"), ("0001", "C2"), ("0003", "C8")]


def test_the_query_takes_no_rank_for_itself_and_its_copy_neither() -> None:
    test = [Tracklet(("q.jpg",), 2, 2), Tracklet(("g.jpg",), 2, 2), Tracklet(("h.jpg",), 2, 1), Tracklet(("i",), 4, 1)]
    labels = Labels.of(Split((), tuple(test), (0,), (1, 2, 3)))
    (rule,) = choose_conventions(reader.vreid_protocols()["duke-video"].conventions, Registry.installed)
    counts = count_from_distances([(slice(0, 1), np.array([[0.0, 0.2, 0.1]]))], labels)
    scored = judge(counts, [rule])[rule.name]
    assert isinstance(scored, Scores)
    assert scored.first_rank.tolist() == [1]  # behind person 4, and not behind the copy of the query


def test_a_tracklet_that_begins_with_frame_2_keeps_its_last_frame(root: Path) -> None:
    frames = DukeVideo().read(root).splits[0].train[1].frames
    assert [frame.rpartition("/")[2] for frame in frames] == frame_names(1, 2, 2, 2)
    assert DukeVideo().verify(synthetic(root)).problems == ()


def test_frames_are_in_order_of_their_number_and_persons_and_tracklets_of_theirs(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = root / "train/0003/0001"
    for number in (10_000, 9_999):
        (folder / f"0003_C8_F{number}_X{number}.jpg").write_bytes(JPEG)
    (root / "train/0001/0003").rename(root / "train/0001/11")
    (root / "train/0001/0004").rename(root / "train/0001/9")
    expected = DukeVideo().read(root)
    first, second, third = expected.splits[0].train
    assert [Path(f).name for f in third.frames[-2:]] == ["0003_C8_F9999_X9999.jpg", "0003_C8_F10000_X10000.jpg"]
    assert (first.camid, second.camid) == (2, 1)  # tracklets 9 and 11
    ordered = os.scandir
    monkeypatch.setattr(os, "scandir", lambda path: reversed(list(ordered(path))))
    assert DukeVideo().read(root).splits == expected.splits


def test_the_classes_of_training_are_the_persons_in_order(root: Path) -> None:
    (root / "train/0001").rename(root / "train/0008")
    for path in (root / "train/0008").rglob("*.jpg"):
        path.rename(path.with_name(path.name.replace("0001_", "0008_")))
    train = DukeVideo().read(root).splits[0].train
    assert list(person_ids(train)) == list(person_ids(train[::-1])) == [3, 8]  # one per person, and no order of a set


def test_names_without_underscores_are_the_same_frames(root: Path) -> None:
    expected = [(t.pid, t.camid, len(t.frames)) for t in DukeVideo().read(root).splits[0].test]
    for path in root.rglob("*.jpg"):
        path.rename(path.with_name(path.name.replace("_", "")))
    assert [(t.pid, t.camid, len(t.frames)) for t in DukeVideo().read(root).splits[0].test] == expected


def test_reading_writes_nothing_and_two_copies_have_one_fingerprint(root: Path, tmp_path: Path) -> None:
    before = sorted(root.rglob("*"))
    dataset = DukeVideo().read(root)
    assert sorted(root.rglob("*")) == before
    assert not any(str(tmp_path) in frame for t in dataset.splits[0].test for frame in t.frames)
    shutil.copytree(root, tmp_path / "copy")
    assert DukeVideo().read(tmp_path / "copy").fingerprint == dataset.fingerprint


def test_leftovers_of_file_managers_are_passed_over_and_told(root: Path) -> None:
    expected = DukeVideo().read(root).fingerprint
    places = ["train/.DS_Store", "gallery/0002/Thumbs.db", "gallery/0002/0001/._0002_C1_F0001_X1012.jpg"]
    for place in places:
        (root / place).write_bytes(b"x")
    (root / "query/__MACOSX").mkdir()
    assert DukeVideo().read(root).fingerprint == expected
    problems = "\n".join(DukeVideo().verify(synthetic(root)).problems)
    assert all(f"{place} was left by a file manager" in problems for place in [*places, "query/__MACOSX"])


def test_the_protocol_is_scored_on_the_gallery_as_published() -> None:
    protocol = reader.vreid_protocols()["duke-video"]
    assert protocol.conventions == ("gallery-as-listed",)
    assert (protocol.headline, protocol.dataset, protocol.holdout) == ("gallery-as-listed", "duke-video", 0.0)
