"""Reading LS-VID: which frames a line of a list means, their order, and the protocol."""

import os
import shutil
from pathlib import Path

import numpy as np
import pytest
from ls_vid_tree import Tree

from vreid_bench import JUNK, InputError
from vreid_bench.contracts.dataset import CheckingReader, DatasetReader, TwinReader
from vreid_plugins.datasets.ls_vid import reader
from vreid_plugins.datasets.ls_vid.reader import LsVid


def test_it_is_a_reader_that_verifies_and_synthesizes() -> None:
    for contract in (DatasetReader, CheckingReader, TwinReader):
        assert isinstance(LsVid(), contract)
    assert isinstance(reader.vreid_datasets()["ls-vid"], LsVid)


def test_reading_gives_every_line_in_file_order(tree: Tree) -> None:
    dataset = LsVid().read(tree.root)
    (split,) = dataset.splits
    assert [(t.pid, t.camid, len(t.frames)) for t in split.train] == [(1, 3, 2), (1, 15, 1), (3, 2, 3)]
    assert [(t.pid, t.camid, len(t.frames)) for t in split.test] == [(2, 1, 2), (2, 12, 3), (4, 4, 1), (4, 5, 2)]
    assert split.query == (0, 2)  # counted from 1 in the file
    assert split.gallery == (0, 1, 2, 3)
    assert (dataset.source, dataset.notes) == ("unverified", ())
    assert {type(x) for t in split.test for x in (t.pid, t.camid)} == {int}
    assert all((tree.root / frame).is_file() for t in split.train + split.test for frame in t.frames)


def test_one_beginning_of_names_takes_no_frames_of_another(tree: Tree) -> None:
    shorter, longer = LsVid().read(tree.root).splits[0].test[:2]
    assert shorter.frames == ("tracklet_test/0002/0002_1_1_0001.jpg", "tracklet_test/0002/0002_1_1_0002.jpg")
    assert [Path(f).name for f in longer.frames] == [f"0002_1_12_{n:04d}.jpg" for n in (1, 2, 3)]
    del tree.lists["test"][1]  # not even if the longer one is not listed
    tree.query = np.array([[1, 2]])
    assert LsVid().read(tree.write().root).splits[0].test[0] == shorter


def test_a_frame_goes_to_the_longest_beginning_that_fits(tree: Tree) -> None:
    tree.frame("tracklet_test/0004/0004_4_0001.jpg")
    tree.lists["test"].append("tracklet_test/0004/0004 4")  # fits every name in the folder
    tree.write()
    with pytest.raises(InputError, match=r"line 5: found .*0004_4_0001\.jpg, expected names such as"):
        LsVid().read(tree.root)
    assert [len(t.frames) for t in LsVid().read(Tree(tree.root).write().root).splits[0].test] == [2, 3, 1, 2]


def test_beginnings_may_end_with_the_underscore_or_be_a_folder(tree: Tree) -> None:
    expected = LsVid().read(tree.root).fingerprint
    tree.lists["train"][0] = "tracklet_train/0001/0001_1_3_ 1"
    assert LsVid().read(tree.write().root).fingerprint == expected
    tree.lists["train"][2] = "tracklet_train/0003/ 3"
    assert LsVid().read(tree.write().root).fingerprint == expected


def test_short_training_tracklets_stay(tree: Tree) -> None:
    tree.frame("tracklet_train/0007/0007_1_1_0001.jpg")
    tree.lists["train"].append("tracklet_train/0007/0007_1_1 7")
    split = LsVid().read(tree.write().root).splits[0]
    assert (split.train[-1].pid, len(split.train[-1].frames)) == (7, 1)
    assert all(len(t.frames) < 48 for t in split.train)
    counts = {count.what: count.found for count in LsVid().verify(tree.root).counts}
    assert counts["train tracklets under 48 frames"] == counts["train tracklets"] == 4


def test_a_listed_person_0_is_not_lost(tree: Tree) -> None:
    tree.lists["train"][2] = tree.lists["train"][2].replace(" 3", " 0")
    dataset = LsVid().read(tree.write().root)
    assert [t.pid for t in dataset.splits[0].train] == [2, 2, 1]
    assert [t.pid for t in dataset.splits[0].test] == [3, 3, 5, 5]
    assert [t.person_name for t in dataset.splits[0].train] == ["1", "1", "0"]  # as listed
    assert dataset.notes == ("Persons are listed from 0, which stands for nobody here: every number is raised by one.",)


def test_frames_are_in_order_of_their_number_whatever_the_disk_says(
    tree: Tree, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in ("10000", "9999"):
        tree.frame(f"tracklet_train/0003/0003_1_2_{number}.jpg")
    expected = LsVid().read(tree.root)
    numbers = [frame.rpartition("_")[2] for frame in expected.splits[0].train[2].frames]
    assert numbers == ["0001.jpg", "0002.jpg", "0003.jpg", "9999.jpg", "10000.jpg"]
    ordered = os.scandir
    monkeypatch.setattr(os, "scandir", lambda path: reversed(list(ordered(path))))
    assert LsVid().read(tree.root).splits == expected.splits


def test_reading_writes_nothing_and_two_copies_have_one_fingerprint(tree: Tree, tmp_path: Path) -> None:
    before = sorted(tree.root.rglob("*"))
    dataset = LsVid().read(tree.root)
    assert sorted(tree.root.rglob("*")) == before
    assert not any(str(tmp_path) in frame for t in dataset.splits[0].test for frame in t.frames)
    shutil.copytree(tree.root, tmp_path / "copy")
    assert LsVid().read(tmp_path / "copy").fingerprint == dataset.fingerprint


def test_line_endings_a_mark_and_blank_lines_at_the_end_do_not_matter(tree: Tree) -> None:
    expected = LsVid().read(tree.root).fingerprint
    path = tree.write("\r\n").root / "list_sequence/list_seq_test.txt"
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes() + b"\r\n\r\n")
    assert LsVid().read(tree.root).fingerprint == expected


def test_the_validation_part_is_read_by_verify_alone(tree: Tree) -> None:
    shutil.rmtree(tree.root / "tracklet_val")
    (tree.root / "list_sequence/list_seq_val.txt").unlink()
    assert LsVid().read(tree.root).splits[0].query == (0, 2)
    problems = "\n".join(LsVid().verify(tree.root).problems)
    assert "tracklet_val is missing" in problems
    assert "list_seq_val.txt is missing" in problems


def test_junk_is_junk(tree: Tree) -> None:
    tree.lists["test"][3] = tree.lists["test"][3].replace(" 4", " -1")
    assert LsVid().read(tree.write().root).splits[0].test[3].pid == JUNK
    assert {c.what: c.found for c in LsVid().verify(tree.root).counts}["junk"] == 1


def test_queries_in_the_gallery_or_not_are_two_conventions() -> None:
    protocol = reader.vreid_protocols()["ls-vid"]
    assert protocol.headline == "queries-in-gallery"
    assert protocol.conventions == ("queries-in-gallery", "torchreid")
