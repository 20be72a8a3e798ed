"""Reading CCVID: the tracklets, their cameras and clothes, and the protocols and conventions."""

import os
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from ccvid_tree import NEW, OLD, Tree

from vreid_bench.contracts.dataset import CheckingReader, DatasetReader, TwinReader
from vreid_bench.scoring.metrics import judge
from vreid_bench.scoring.ranks.counting import count_from_distances
from vreid_bench.scoring.ranks.labels import Labels
from vreid_plugins.datasets.ccvid import reader
from vreid_plugins.datasets.ccvid.reader import Ccvid


def test_it_is_a_reader_that_verifies_and_synthesizes() -> None:
    for contract in (DatasetReader, CheckingReader, TwinReader):
        assert isinstance(Ccvid(), contract)
    assert isinstance(reader.vreid_datasets()["ccvid"], Ccvid)


def test_reading_gives_the_queries_then_the_gallery_in_file_order(tree: Tree) -> None:
    dataset = Ccvid().read(tree.root)
    (split,) = dataset.splits
    assert [(t.pid, t.camid, t.attribute("outfit"), len(t.frames)) for t in split.train] == [
        (1, 1, OLD, 2),
        (1, 12, NEW, 1),
        (150, 3, OLD, 3),
    ]
    assert [(t.pid, t.camid) for t in split.test] == [(2, 1), (148, 2), (2, 2), (2, 13), (148, 5), (148, 4)]
    assert split.query == (0, 1)
    assert split.gallery == (2, 3, 4, 5)
    assert (dataset.source, dataset.notes) == ("unverified", ())
    assert all((tree.root / frame).is_file() for t in split.train + split.test for frame in t.frames)


def test_people_are_called_as_in_the_lists(tree: Tree) -> None:
    test = Ccvid().read(tree.root).splits[0].test
    assert [(t.person_name, t.camera_name) for t in test[:2]] == [("002", "1"), ("148", "2")]


def test_the_third_session_has_cameras_of_its_own(tree: Tree) -> None:
    test = Ccvid().read(tree.root).splits[0].test
    assert test[0].frames[0].startswith("session1/002_01/")
    assert test[3].frames[0].startswith("session3/002_01/")
    assert (test[0].camid, test[3].camid) == (1, 13)  # of one camera they would be junk for each other


def read_from_the_whole_path(root: Path, folder: str) -> int:
    """The camera that a public script finds, which joins root and folder before it takes session and camera apart."""
    path = str(root / folder)
    camera = int(path.split("_")[1])
    return camera + 12 if path.split("/")[0] == "session3" else camera


def test_session_and_camera_do_not_depend_on_where_the_data_lies(tree: Tree, tmp_path: Path) -> None:
    """Of a folder with `_`, or called session3, the whole path gives other cameras, or none."""
    expected = Ccvid().read(tree.root)
    for place in ("session3", "my_sets", "run_7_b", "session3/002_24"):
        copy = shutil.copytree(tree.root, tmp_path / "copies" / place / "CCVID")
        found = Ccvid().read(copy)
        assert found.splits == expected.splits, place
        assert (found.fingerprint, found.naming) == (expected.fingerprint, expected.naming)
    folders = [tracklet.name.rpartition("/")[0] for tracklet in expected.splits[0].test]
    assert [read_from_the_whole_path(Path("/data/run_7_b"), folder) for folder in folders] == [7] * len(folders)
    assert read_from_the_whole_path(Path("/data/CCVID"), "session3/002_01") == 1  # and 13 by the list's own path
    with pytest.raises(ValueError, match="invalid literal"):
        read_from_the_whole_path(Path("/data/my_sets"), "session3/002_01")


def test_a_walk_of_the_third_session_matches_one_of_the_first_wherever_the_data_lies(
    tree: Tree, tmp_path: Path
) -> None:
    """Walk 1 of session 3 is a match of walk 1 of session 1, which is junk if session 3 has no cameras of its own."""
    copy = shutil.copytree(tree.root, tmp_path / "run_7_b" / "CCVID")
    (split,) = Ccvid().read(copy).splits
    query, later = split.test[0], split.test[3]
    assert (query.pid, query.camid, later.pid, later.camid) == (2, 1, 2, 13)
    split = replace(split, query=(0,), gallery=(3, 4))
    counts = count_from_distances([(slice(0, 1), np.array([[0, 1]], np.float32))], Labels.of(split))
    found = judge(counts, [reader.vreid_conventions()["clothes-changing"]])["clothes-changing"]
    assert found.average_precision.tolist() == [1.0]


def test_frames_are_in_order_of_their_number_whatever_the_disk_says(
    tree: Tree, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in (100_000, 99_999):
        tree.frame(f"session2/150_03/{number}.jpg")
    expected = Ccvid().read(tree.root)
    names = [frame.rpartition("/")[2] for frame in expected.splits[0].train[2].frames]
    assert names == ["00001.jpg", "00002.jpg", "00003.jpg", "99999.jpg", "100000.jpg"]
    ordered = os.scandir
    monkeypatch.setattr(os, "scandir", lambda path: reversed(list(ordered(path))))
    assert Ccvid().read(tree.root).splits == expected.splits


def test_reading_writes_nothing_and_two_copies_have_one_fingerprint(tree: Tree, tmp_path: Path) -> None:
    before = sorted(tree.root.rglob("*"))
    dataset = Ccvid().read(tree.root)
    assert sorted(tree.root.rglob("*")) == before
    assert not any(str(tmp_path) in frame for t in dataset.splits[0].test for frame in t.frames)
    shutil.copytree(tree.root, tmp_path / "copy")
    assert Ccvid().read(tmp_path / "copy").fingerprint == dataset.fingerprint


def test_leftovers_in_a_folder_are_no_frames(tree: Tree) -> None:
    expected = Ccvid().read(tree.root).fingerprint
    tree.frame("session1/001_01/.DS_Store")
    tree.frame("session1/001_01/._00001.jpg")
    assert Ccvid().read(tree.root).fingerprint == expected
    assert sum("left by a file manager" in p for p in Ccvid().verify(tree.synthetic()).problems) == 2


def test_the_three_modes_differ_in_the_clothes_of_a_match_alone() -> None:
    conventions = reader.vreid_conventions()
    assert {name: c.match for name, c in conventions.items()} == {
        "general": (),
        "same-clothes": (("outfit", "same"),),
        "clothes-changing": (("outfit", "other"),),
    }
    assert len({c.fingerprint for c in conventions.values()}) == 3
    alike = [replace(c, name="c", match=()).fingerprint for c in conventions.values()]
    assert len(set(alike)) == 1


def test_every_protocol_scores_all_modes_and_ranks_by_its_own() -> None:
    protocols = reader.vreid_protocols()
    assert {name: p.headline for name, p in protocols.items()} == {
        "ccvid": "general",
        "ccvid-same-clothes": "same-clothes",
        "ccvid-clothes-changing": "clothes-changing",
    }
    assert all(p.conventions == tuple(reader.vreid_conventions()) for p in protocols.values())
    assert len({p.fingerprint for p in protocols.values()}) == 3
