"""Reading MARS: the order of rows and frames, and the protocols."""

import shutil
from pathlib import Path

import numpy as np
import pytest
from mars_tree import TEST, TRAIN, Tree

from vreid_bench import DISTRACTOR, JUNK
from vreid_bench.contracts.dataset import CheckingReader, DatasetReader, TwinReader
from vreid_bench.scoring.conventions import MARS
from vreid_plugins.datasets.mars import reader
from vreid_plugins.datasets.mars.reader import Mars


def test_mars_is_a_reader_that_verifies_and_synthesizes() -> None:
    assert isinstance(Mars(), DatasetReader)
    assert isinstance(Mars(), CheckingReader)
    assert isinstance(Mars(), TwinReader)
    assert isinstance(reader.vreid_datasets()["mars"], Mars)


def test_reading_gives_every_test_row_in_file_order(tree: Tree) -> None:
    dataset = Mars().read(tree.root)
    (split,) = dataset.splits
    assert dataset.name == "mars"
    assert dataset.source == "unverified"
    assert dataset.notes == ()
    assert [(t.pid, t.camid, len(t.frames)) for t in split.train] == TRAIN
    assert [(t.pid, t.camid, len(t.frames)) for t in split.test] == TEST
    assert split.query == (4, 6, 7, 8, 9, 10)
    assert split.gallery == tuple(range(11))
    assert split.train[1].frames == ("bbox_train/0001/0001C2T0001F001.jpg", "bbox_train/0001/0001C2T0001F002.jpg")
    assert split.test[0].frames[0] == "bbox_test/00-1/00-1C1T0001F001.jpg"
    assert split.test[0].pid == JUNK
    assert split.test[2].frames[0] == "bbox_test/0000/0000C1T0001F001.jpg"
    assert split.test[2].pid == DISTRACTOR
    assert all((tree.root / frame).is_file() for t in split.train + split.test for frame in t.frames)


def test_people_and_cameras_are_called_as_in_the_file_names(tree: Tree) -> None:
    split = Mars().read(tree.root).splits[0]
    assert (split.train[1].person_name, split.train[1].camera_name) == ("0001", "C2")
    assert [split.test[row].person_name for row in (0, 2)] == ["junk", "distractor"]


def test_pids_and_cameras_are_plain_integers_so_that_the_fingerprint_is_stable(tree: Tree) -> None:
    split = Mars().read(tree.root).splits[0]
    assert {type(x) for t in split.test for x in (t.pid, t.camid)} == {int}
    assert {type(x) for x in split.query} == {int}


def test_reading_touches_no_frame(tree: Tree) -> None:
    before = Mars().read(tree.root).fingerprint
    for folder in ("bbox_train", "bbox_test"):
        shutil.rmtree(tree.root / folder)
        (tree.root / folder).mkdir()
    assert Mars().read(tree.root).fingerprint == before


def test_two_copies_have_one_fingerprint(tree: Tree, tmp_path: Path) -> None:
    shutil.copytree(tree.root, tmp_path / "copy")
    assert Mars().read(tree.root).fingerprint == Mars().read(tmp_path / "copy").fingerprint


@pytest.mark.parametrize("ending", ["\r\n", "\n"])
def test_line_endings_and_blank_lines_at_the_end_do_not_matter(tree: Tree, ending: str) -> None:
    expected = Mars().read(tree.root).fingerprint
    tree.write(ending)
    path = tree.root / "info/test_name.txt"
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes() + ending.encode() * 3)
    assert Mars().read(tree.root).fingerprint == expected


def test_whole_numbers_saved_as_double_are_read(tree: Tree) -> None:
    expected = Mars().read(tree.root).fingerprint
    tree.rows["test"] = tree.rows["test"].astype(np.float64)
    tree.query = tree.query.astype(np.float64)
    assert Mars().read(tree.write().root).fingerprint == expected


def test_frames_are_sorted_by_frame_number_and_the_reader_says_so(tree: Tree) -> None:
    names = tree.names["train"]
    names[5:9] = ["0003C1T0001F1000.jpg", "0003C1T0001F101.jpg", "0003C1T0001F002.jpg", "0003C1T0001F999.jpg"]
    dataset = Mars().read(tree.write().root)
    frames = [Path(frame).name for frame in dataset.splits[0].train[2].frames]
    assert frames == [f"0003C1T0001F{n}.jpg" for n in ("002", "101", "999", "1000")]
    assert dataset.notes == (
        "1 tracklets of info/train_name.txt are not listed in order of frame number; they were sorted by it.",
    )
    assert any("lines 6 to 9: frames are not in order" in p for p in Mars().verify(tree.root).problems)


def test_protocols_share_conventions_and_differ_in_the_holdout() -> None:
    protocols = reader.vreid_protocols()
    assert {name: (p.holdout, p.variant) for name, p in protocols.items()} == {
        "mars": (0.0, ""),
        "mars-dev": (0.2, ""),
        "mars-half": (0.0, "halves"),
    }
    assert {protocol.dataset for protocol in protocols.values()} == {"mars"}
    for name in ("mars", "mars-dev"):
        assert protocols[name].headline == "queries-in-gallery"
        assert set(protocols[name].conventions) == set(MARS)
    assert len({protocol.fingerprint for protocol in protocols.values()}) == 3
