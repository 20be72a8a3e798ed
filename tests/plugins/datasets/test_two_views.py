"""Reading iLIDS-VID and PRID2011: persons, halves, the order of frames, and the protocols."""

import os
import shutil
from pathlib import Path

import numpy as np
import pytest
from two_cameras import (
    ELIGIBLE,
    PEOPLE,
    SEQUENCES,
    SPLIT_FILE,
    orders,
    put,
    write_orders,
)

from vreid_bench import Dataset, InputError
from vreid_bench.contracts.dataset import CheckingReader, DatasetReader, TwinReader, VariantReader
from vreid_plugins.datasets import half_splits
from vreid_plugins.datasets.ilids_vid import reader as ilids_vid
from vreid_plugins.datasets.ilids_vid.reader import IlidsVid
from vreid_plugins.datasets.prid2011 import reader as prid2011
from vreid_plugins.datasets.prid2011.index import MATRICES
from vreid_plugins.datasets.prid2011.reader import Prid2011

READERS = {"ilids-vid": IlidsVid(), "prid2011": Prid2011()}


def asked(dataset: Dataset) -> list[tuple[int, ...]]:
    """The persons who are asked for, of each split."""
    return [tuple(split.test[row].pid for row in split.query) for split in dataset.splits]


def trained(dataset: Dataset) -> list[tuple[int, ...]]:
    return [tuple(sorted({t.pid for t in split.train})) for split in dataset.splits]


@pytest.mark.parametrize("reader", READERS.values(), ids=READERS)
def test_both_read_verify_synthesize_and_know_two_variants(reader: object) -> None:
    for kind in (DatasetReader, VariantReader, CheckingReader, TwinReader):
        assert isinstance(reader, kind)
    assert reader.variants == ("wang14", "dapeng")


def test_split_files_hold_places_in_the_sorted_folders_not_numbers_of_persons(videos: Path) -> None:
    dataset = IlidsVid().read(videos)
    assert len(dataset.splits) == 10
    assert (asked(dataset)[0], trained(dataset)[0]) == ((1, 5, 12), (2, 9, 10))
    turned = [PEOPLE[place - 1] for place in orders()[3]]
    assert asked(dataset)[3] == tuple(sorted(turned[:3]))
    assert dataset.notes == ()
    assert dataset.source == "unverified"


def test_camera_one_asks_camera_two_answers_and_each_query_has_one_match(videos: Path, shots: Path) -> None:
    for dataset in (IlidsVid().read(videos), Prid2011().read(shots)):
        for split in dataset.splits:
            asks, answers = ([split.test[row] for row in rows] for rows in (split.query, split.gallery))
            assert {t.camid for t in asks} == {1}
            assert {t.camid for t in answers} == {2}
            assert [t.pid for t in asks] == [t.pid for t in answers] == sorted({t.pid for t in asks})
            assert set(split.query) | set(split.gallery) == set(range(len(split.test)))
            assert not {t.pid for t in split.train} & {t.pid for t in split.test}
            assert {t.camid for t in split.train} == {1, 2}


def test_people_and_cameras_are_called_as_their_folders(videos: Path, shots: Path) -> None:
    for dataset, person, cameras in (
        (IlidsVid().read(videos), "person{:03d}", ("cam1", "cam2")),
        (Prid2011().read(shots), "person_{:04d}", ("cam_a", "cam_b")),
    ):
        for t in (*dataset.splits[0].train, *dataset.splits[0].test):
            assert (t.person_name, t.camera_name) == (person.format(t.pid), cameras[t.camid - 1])


def test_every_person_trains_or_is_tested_in_every_split(videos: Path) -> None:
    dataset = IlidsVid().read(videos)
    for train, test in zip(trained(dataset), asked(dataset), strict=True):
        assert tuple(sorted(train + test)) == PEOPLE


def test_the_variants_swap_the_halves_and_nothing_else(videos: Path, shots: Path) -> None:
    for reader, root in ((IlidsVid(), videos), (Prid2011(), shots)):
        wang, dapeng = reader.read(root, "wang14"), reader.read(root, "dapeng")
        assert reader.read(root).fingerprint == wang.fingerprint != dapeng.fingerprint
        assert asked(wang) == trained(dapeng)
        assert trained(wang) == asked(dapeng)
        with pytest.raises(InputError, match="variant 'mine' of the halves is not known; write wang14 or dapeng"):
            reader.read(root, "mine")


def test_frames_are_in_order_of_their_number_and_paths_are_below_the_root(videos: Path) -> None:
    split = IlidsVid().read(videos).splits[0]
    (five,) = (t for t in split.test if (t.pid, t.camid) == (5, 2))
    numbers = [int(frame[-10:-4].strip("_")) for frame in five.frames]
    assert numbers == [99998, 99999, 100000, 100001, 100002, 100003]  # as text, 100000 comes before 99998
    assert all(not Path(frame).is_absolute() and (videos / frame).is_file() for frame in five.frames)


def test_the_order_in_which_the_disk_lists_does_not_matter(
    videos: Path, shots: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    roots = ((IlidsVid(), videos), (Prid2011(), shots))
    for name in ("b", "a"):
        put(videos / SEQUENCES / "cam1/person002/.DS_Store")
        put(videos / SEQUENCES / f"cam1/person001/._{name}")
    expected = [reader.read(root).fingerprint for reader, root in roots]
    told = [reader.verify(root) for reader, root in roots]
    original = os.scandir
    monkeypatch.setattr(os, "scandir", lambda path: sorted(original(path), key=lambda e: e.name[::-1], reverse=True))
    assert [reader.read(root).fingerprint for reader, root in roots] == expected
    assert [reader.verify(root) for reader, root in roots] == told  # the faults in the same order, too


def test_two_copies_have_one_fingerprint_and_reading_writes_nothing(videos: Path, tmp_path: Path) -> None:
    expected = IlidsVid().read(videos).fingerprint
    shutil.copytree(videos, tmp_path / "copy")
    before = sorted(tmp_path.rglob("*"))
    assert IlidsVid().read(tmp_path / "copy").fingerprint == expected
    assert sorted(tmp_path.rglob("*")) == before


def test_leftovers_of_a_file_manager_are_no_persons_and_no_frames(videos: Path) -> None:
    expected = IlidsVid().read(videos).fingerprint
    for place in (".DS_Store", "person001/Thumbs.db", "person001/._cam1_person001_00001.png"):
        put(videos / SEQUENCES / "cam1" / place)
        assert IlidsVid().read(videos).fingerprint == expected


def test_whole_numbers_saved_as_double_are_read(videos: Path) -> None:
    expected = IlidsVid().read(videos).fingerprint
    write_orders(videos, orders().astype(np.float64))
    assert IlidsVid().read(videos).fingerprint == expected


def test_persons_of_prid_need_27_frames_in_both_cameras(shots: Path) -> None:
    dataset = Prid2011().read(shots)
    assert set(asked(dataset)[0] + trained(dataset)[0]) == set(ELIGIBLE)
    assert {t.pid: len(t.frames) for t in dataset.splits[0].train if t.camid == 2} == {4: 27, 6: 27}


def test_numbers_over_200_are_another_person_in_each_camera_of_prid(shots: Path) -> None:
    """Persons 201 and 202 have frames enough in both, and would pass for two more identities."""
    pids = {t.pid for split in Prid2011().read(shots).splits for t in (*split.train, *split.test)}
    assert max(pids) < 200


@pytest.mark.parametrize("file", MATRICES)
def test_the_published_matrix_of_prid_is_read_before_the_lists(shots: Path, file: str) -> None:
    """Its places count the persons long enough: place 3 is person 4."""
    write_orders(shots, orders((3, 1, 2, 4)), file)
    dataset = Prid2011().read(shots)
    assert (asked(dataset)[0], trained(dataset)[0]) == ((1, 4), (2, 6))
    (note,) = dataset.notes
    assert f"The halves of {file} are not those of the widely used splits_prid2011.json" in note


def test_without_a_split_file_halves_are_drawn_and_the_record_says_so(videos: Path) -> None:
    expected = IlidsVid().read(videos)
    (videos / SPLIT_FILE).unlink()
    dataset = IlidsVid().read(videos)
    assert dataset.fingerprint != expected.fingerprint
    assert [len(people) for people in asked(dataset)] == [3] * 10
    assert len(set(asked(dataset))) > 1
    (note,) = dataset.notes
    drawn = half_splits.draw_halves(PEOPLE)
    assert f"10 halves were drawn by seed 2014, fingerprint {drawn.fingerprint[:12]}" in note
    assert SPLIT_FILE in note


def test_drawn_halves_are_the_same_on_every_machine() -> None:
    assert (
        half_splits.draw_halves(range(1, 301)).fingerprint
        == "7de4597b4b0c5216e90123e8777dc614e6789542bbb98357d307ea93d50660cc"
    )
    assert half_splits.draw_halves(range(1, 301)).halves[0] != half_splits.draw_halves(range(1, 301)).halves[1]
    first, second = half_splits.draw_halves(range(1, 6)).halves[0]
    assert (len(first), len(second)) == (2, 3)


def test_protocols_name_the_half_that_is_asked() -> None:
    protocols = {**ilids_vid.vreid_protocols(), **prid2011.vreid_protocols()}
    assert {name: p.variant for name, p in protocols.items()} == {
        "ilids-vid": "wang14",
        "ilids-vid-dapeng": "dapeng",
        "prid2011": "wang14",
        "prid2011-dapeng": "dapeng",
    }
    assert len({p.fingerprint for p in protocols.values()}) == 4
    for protocol in protocols.values():
        assert protocol.rules["variant"] == protocol.variant
        assert protocol.conventions == (protocol.headline,) == ("one-camera-each",)
