"""Reading VCCR: the tracklets, their cameras and clothes, and the modes on a tiny example."""

import os
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from vccr_tree import Tree

from vreid_bench.contracts.dataset import CheckingReader, DatasetReader, TwinReader
from vreid_bench.scoring.metrics import judge
from vreid_bench.scoring.ranks.counting import count_from_distances
from vreid_bench.scoring.ranks.labels import Labels
from vreid_plugins.datasets.ccvid import reader as ccvid
from vreid_plugins.datasets.vccr import reader
from vreid_plugins.datasets.vccr.reader import Vccr


def test_it_is_a_reader_that_verifies_and_synthesizes() -> None:
    for contract in (DatasetReader, CheckingReader, TwinReader):
        assert isinstance(Vccr(), contract)
    assert isinstance(reader.vreid_datasets()["vccr"], Vccr)


def test_queries_come_first_in_order_of_person_camera_and_tracklet(tree: Tree) -> None:
    dataset = Vccr().read(tree.root)
    (split,) = dataset.splits
    assert [(t.pid, t.camid, t.attribute("outfit"), len(t.frames)) for t in split.train] == [
        (7, 1, "1", 3),
        (7, 10, "2", 3),
        (30, 2, "1", 1),
    ]
    assert [(t.pid, t.camid, t.attribute("outfit"), len(t.frames)) for t in split.test] == [
        (12, 1, "3", 12),
        (12, 10, "4", 7),
        (100, 2, "1", 8),
        (12, 1, "4", 8),
        (12, 2, "3", 9),
        (12, 2, "4", 8),
        (12, 10, "3", 7),
        (100, 1, "1", 8),
        (100, 1, "3", 8),
    ]
    assert (split.query, split.gallery) == ((0, 1, 2), (3, 4, 5, 6, 7, 8))
    assert all((tree.root / frame).is_file() for t in split.train + split.test for frame in t.frames)
    assert (split.test[0].person_name, split.test[0].camera_name) == ("12", "c1")
    assert dataset.source == "unverified"


def test_frames_are_in_order_of_their_number_whatever_the_disk_says(
    tree: Tree, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = Vccr().read(tree.root).splits
    frames = expected[0].train[1].frames
    assert [frame.rpartition("-")[2] for frame in frames] == ["f9.jpg", "f10.jpg", "f11.jpg"]
    assert sorted(frames) != list(frames)  # which is the order of the public code
    ordered = os.scandir
    monkeypatch.setattr(os, "scandir", lambda path: reversed(list(ordered(path))))
    assert Vccr().read(tree.root).splits == expected


def test_without_a_moved_frame_there_is_no_note(tree: Tree) -> None:
    folder = tree.root / "train/7/p7-c10-l2-t1"
    (folder / "p7-c10-l2-t1-f9.jpg").unlink()
    (note,) = Vccr().read(tree.root).notes
    assert note.startswith("The frames of 2 tracklets are in order of their number")


def test_labels_are_numbers_and_the_letter_before_them_does_not_matter(tree: Tree) -> None:
    expected = Vccr().read(tree.root)
    folder = "test_qg/query/12/1/p12-c1-l3-t1"
    for number in range(1, 13):
        tree.rename(f"{folder}/p12-c1-l3-t1-f{number}.jpg", f"p12-K001-D03-x-F{number:05d}.jpg")
    found = Vccr().read(tree.root)
    before, after = (each.splits[0].test[0] for each in (expected, found))
    assert (after.camid, after.attributes) == (before.camid, before.attributes)
    assert after.camera_name == "K001"


def test_two_copies_have_one_fingerprint_wherever_they_lie(tree: Tree, tmp_path: Path) -> None:
    copy = tmp_path / "a-c9-l9-f1" / "my_3_copies" / "VCCR"
    shutil.copytree(tree.root, copy)
    found = Vccr().read(copy)
    assert found.fingerprint == Vccr().read(tree.root).fingerprint
    assert found.naming == Vccr().read(tree.root).naming


def test_leftovers_in_a_folder_are_no_frames(tree: Tree) -> None:
    expected = Vccr().read(tree.root).fingerprint
    for name in (".DS_Store", "._p7-c1-l1-t1-f1.jpg"):
        tree.frame(f"train/7/p7-c1-l1-t1/{name}")
    assert Vccr().read(tree.root).fingerprint == expected


# The query is person 12 in clothes 3 before camera 1. In the gallery, in order of its rows: 3 is of its camera, 4 and 6
# are in its clothes, 5 in others; 6 has 7 frames; 7 and 8 are another person, 8 in clothes of the same number.
ROWS = (3, 4, 5, 6, 7, 8)


@pytest.mark.parametrize(
    ("name", "by_hand"),
    [
        # from near to far: 3 6 7 4 8 5. Without what takes no rank:
        ("general", (1 / 1 + 2 / 3 + 3 / 5) / 3),  # 6 7 4 8 5
        ("same-clothes", (1 / 1 + 2 / 3) / 2),  # 6 7 4 8
        ("clothes-changing", 1 / 3),  # 7 8 5
        ("general-from-8-frames", (1 / 2 + 2 / 4) / 2),  # 7 4 8 5
        ("same-clothes-from-8-frames", 1 / 2),  # 7 4 8
        ("clothes-changing-from-8-frames", 1 / 3),  # 7 8 5
    ],
)
def test_a_mode_scored_by_hand(tree: Tree, name: str, by_hand: float) -> None:
    (split,) = Vccr().read(tree.root).splits
    split = replace(split, query=split.query[:1])
    distance = {row: float(place) for place, row in enumerate((3, 6, 7, 4, 8, 5))}
    distances = np.array([[distance[row] for row in ROWS]], np.float32)
    rule = (ccvid.vreid_conventions() | reader.vreid_conventions())[name]
    counts = count_from_distances([(slice(0, 1), distances)], Labels.of(split).for_conventions([rule]))
    found = judge(counts, [rule])[name]
    assert found.metrics()["mAP"] == pytest.approx(by_hand)


def test_a_short_query_is_not_asked(tree: Tree) -> None:
    """The second of the three queries has 7 frames."""
    (split,) = Vccr().read(tree.root).splits
    rules = [ccvid.vreid_conventions()["general"], reader.vreid_conventions()["general-from-8-frames"]]
    labels = Labels.of(split).for_conventions(rules)
    counts = count_from_distances([(slice(0, 3), np.zeros((3, 6), np.float32))], labels)
    found = judge(counts, rules)
    assert np.isnan(found["general-from-8-frames"].average_precision).tolist() == [False, True, False]
    assert not np.isnan(found["general"].average_precision).any()


def test_the_modes_are_those_of_ccvid_and_differ_in_the_least_number_of_frames_alone() -> None:
    theirs, ours = ccvid.vreid_conventions(), reader.vreid_conventions()
    assert list(ours) == [f"{name}-from-8-frames" for name in theirs] == [*map(reader.name_mode, reader.MODES)]
    for name, rule in theirs.items():
        assert ours[f"{name}-from-8-frames"].rules | {"name": name} == rule.rules | {"least_frames": 8}
    assert len({rule.fingerprint for rule in (*theirs.values(), *ours.values())}) == 6


def test_every_protocol_scores_all_modes_and_ranks_by_its_own() -> None:
    protocols = reader.vreid_protocols()
    assert {name: p.headline for name, p in protocols.items()} == {
        "vccr": "general-from-8-frames",
        "vccr-same-clothes": "same-clothes-from-8-frames",
        "vccr-clothes-changing": "clothes-changing-from-8-frames",
    }
    expected = {*reader.vreid_conventions(), *ccvid.vreid_conventions()}
    assert all(set(p.conventions) == expected for p in protocols.values())
    assert len({p.fingerprint for p in protocols.values()}) == 3
    assert not any(p.least_training_frames for p in protocols.values())
