"""The readers of iLIDS-VID and PRID2011 on small trees made by hand, each damaged in one way."""

import json
import os
import shutil
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest
from two_cameras import (
    ELIGIBLE,
    LENGTHS,
    MULTI_SHOT,
    PEOPLE,
    SEQUENCES,
    SPLIT_FILE,
    ilids,
    image,
    orders,
    prid,
    put,
    sequence,
    write_lists,
    write_orders,
)

from vreid_bench.contracts.dataset import Dataset, DatasetReader, Divisible, Synthesizable, Verifiable
from vreid_bench.system.errors import InputError
from vreid_plugins.datasets import halves, ilids_vid, prid2011
from vreid_plugins.datasets.ilids_vid import IlidsVid
from vreid_plugins.datasets.prid2011 import Prid2011

PRID_SPLITS = os.environ.get("VREID_PRID_SPLITS")
official = pytest.mark.skipif(
    not PRID_SPLITS, reason="VREID_PRID_SPLITS does not name the published splits_prid2011.json"
)
READERS = {"ilids-vid": IlidsVid(), "prid2011": Prid2011()}


@pytest.fixture
def videos(tmp_path: Path) -> Path:
    """iLIDS-VID without any fault."""
    return ilids(tmp_path / "ilids-vid")


@pytest.fixture
def shots(tmp_path: Path) -> Path:
    """PRID2011 without any fault and with its lists."""
    root = prid(tmp_path / "prid2011")
    write_lists(root)
    return root


def asked(dataset: Dataset) -> list[tuple[int, ...]]:
    """The persons who are asked for, of each split."""
    return [tuple(split.test[row].pid for row in split.query) for split in dataset.splits]


def trained(dataset: Dataset) -> list[tuple[int, ...]]:
    return [tuple(sorted({t.pid for t in split.train})) for split in dataset.splits]


@pytest.mark.parametrize("reader", READERS.values(), ids=READERS)
def test_both_read_verify_synthesize_and_know_two_variants(reader: object) -> None:
    for kind in (DatasetReader, Divisible, Verifiable, Synthesizable):
        assert isinstance(reader, kind)
    assert reader.variants == ("wang14", "dapeng")


# what is read


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
    wanted = [reader.read(root).fingerprint for reader, root in roots]
    told = [reader.verify(root) for reader, root in roots]
    original = os.scandir
    monkeypatch.setattr(os, "scandir", lambda path: sorted(original(path), key=lambda e: e.name[::-1], reverse=True))
    assert [reader.read(root).fingerprint for reader, root in roots] == wanted
    assert [reader.verify(root) for reader, root in roots] == told  # the faults in the same order, too


def test_two_copies_have_one_fingerprint_and_reading_writes_nothing(videos: Path, tmp_path: Path) -> None:
    wanted = IlidsVid().read(videos).fingerprint
    shutil.copytree(videos, tmp_path / "copy")
    before = sorted(tmp_path.rglob("*"))
    assert IlidsVid().read(tmp_path / "copy").fingerprint == wanted
    assert sorted(tmp_path.rglob("*")) == before


def test_leftovers_of_a_file_manager_are_no_persons_and_no_frames(videos: Path) -> None:
    wanted = IlidsVid().read(videos).fingerprint
    for place in (".DS_Store", "person001/Thumbs.db", "person001/._cam1_person001_00001.png"):
        put(videos / SEQUENCES / "cam1" / place)
        assert IlidsVid().read(videos).fingerprint == wanted


def test_whole_numbers_saved_as_double_are_read(videos: Path) -> None:
    wanted = IlidsVid().read(videos).fingerprint
    write_orders(videos, orders().astype(np.float64))
    assert IlidsVid().read(videos).fingerprint == wanted


def test_persons_of_prid_need_27_frames_in_both_cameras(shots: Path) -> None:
    dataset = Prid2011().read(shots)
    assert set(asked(dataset)[0] + trained(dataset)[0]) == set(ELIGIBLE)
    assert {t.pid: len(t.frames) for t in dataset.splits[0].train if t.camid == 2} == {4: 27, 6: 27}


def test_numbers_over_200_are_another_person_in_each_camera_of_prid(shots: Path) -> None:
    """Persons 201 and 202 have frames enough in both, and would pass for two more identities."""
    pids = {t.pid for split in Prid2011().read(shots).splits for t in (*split.train, *split.test)}
    assert max(pids) < 200


@pytest.mark.parametrize("file", prid2011.MATRICES)
def test_the_published_matrix_of_prid_is_read_before_the_lists(shots: Path, file: str) -> None:
    """Its places count the persons long enough: place 3 is person 4."""
    write_orders(shots, orders((3, 1, 2, 4)), file)
    dataset = Prid2011().read(shots)
    assert (asked(dataset)[0], trained(dataset)[0]) == ((1, 4), (2, 6))
    (note,) = dataset.notes
    assert f"The halves of {file} are not those of the widely used splits_prid2011.json" in note


def test_without_a_split_file_halves_are_drawn_and_the_record_says_so(videos: Path) -> None:
    wanted = IlidsVid().read(videos)
    (videos / SPLIT_FILE).unlink()
    dataset = IlidsVid().read(videos)
    assert dataset.fingerprint != wanted.fingerprint
    assert [len(people) for people in asked(dataset)] == [3] * 10
    assert len(set(asked(dataset))) > 1
    (note,) = dataset.notes
    drawn = halves.drawn(PEOPLE)
    assert f"10 halves were drawn by seed 2014, fingerprint {drawn.fingerprint[:12]}" in note
    assert SPLIT_FILE in note


def test_drawn_halves_are_the_same_on_every_machine() -> None:
    assert halves.drawn(range(1, 301)).fingerprint == "7de4597b4b0c5216e90123e8777dc614e6789542bbb98357d307ea93d50660cc"
    assert halves.drawn(range(1, 301)).halves[0] != halves.drawn(range(1, 301)).halves[1]
    first, second = halves.drawn(range(1, 6)).halves[0]
    assert (len(first), len(second)) == (2, 3)


# what is refused

Damage = Callable[[Path], object]
FAULTS: dict[str, tuple[str, Damage, str]] = {}


def fault(dataset: str, message: str) -> Callable[[Damage], Damage]:
    """Register a damage to a dataset with the pattern of the sentence it must lead to."""

    def register(damage: Damage) -> Damage:
        FAULTS[damage.__name__] = (dataset, damage, message)
        return damage

    return register


CAM1, CAM2 = f"{SEQUENCES}/cam1", f"{SEQUENCES}/cam2"


@fault("ilids-vid", r"ilids-vid does not exist; name the folder that holds i-LIDS-VID/sequences/cam1 and")
def no_root(root: Path) -> None:
    shutil.rmtree(root)


@fault("ilids-vid", r"ilids-vid is a file, wanted the folder that holds i-LIDS-VID/sequences/cam1 and")
def root_is_a_file(root: Path) -> None:
    shutil.rmtree(root)
    root.touch()


@fault("ilids-vid", r"sequences/cam1 is missing \(1 more folders alike\), .* did you mean .*ilids-vid/inner\?")
def root_one_level_too_high(root: Path) -> None:
    root.rename(root.with_name("moved"))
    root.mkdir()
    root.with_name("moved").rename(root / "inner")


@fault("ilids-vid", r"ilids-vid seems to be i-LIDS-VID itself: name the folder above it\.")
def root_one_level_too_deep(root: Path) -> None:
    (root / "i-LIDS-VID").rename(root.with_name("moved"))
    shutil.rmtree(root)
    root.with_name("moved").rename(root)


@fault("ilids-vid", r"sequences/cam2 is missing, wanted a folder for each person; copy it from the original data\.")
def no_second_camera(root: Path) -> None:
    shutil.rmtree(root / CAM2)


@fault("ilids-vid", r"sequences/cam2 holds no person, wanted frames such as person001/cam2_person001_00317\.png")
def empty_camera(root: Path) -> None:
    shutil.rmtree(root / CAM2)
    (root / CAM2).mkdir()


@fault("ilids-vid", r"cam1 has person 9, whom .*cam2 lacks; wanted the same persons in both")
def person_in_one_camera(root: Path) -> None:
    shutil.rmtree(root / CAM2 / "person009")


@fault("ilids-vid", r"cam2 has person 1 \(1 more persons alike\), whom .*cam1 lacks")
def persons_in_the_other_camera(root: Path) -> None:
    for person in ("person001", "person012"):
        shutil.rmtree(root / CAM1 / person)


@fault("ilids-vid", r"cam1/person9 is not a person's folder, wanted names such as person001/cam1_person001_00317\.png")
def renamed_person(root: Path) -> None:
    (root / CAM1 / "person009").rename(root / CAM1 / "person9")


@fault("ilids-vid", r"cam1/list\.txt is not a person's folder")
def file_among_persons(root: Path) -> None:
    put(root / CAM1 / "list.txt")


@fault("ilids-vid", r"cam2/person005 holds no frame; copy it from the original data\.")
def person_without_frames(root: Path) -> None:
    shutil.rmtree(root / CAM2 / "person005")
    (root / CAM2 / "person005").mkdir()


@fault("ilids-vid", r"cam1/person002/cam1_person001_00011\.png is not a frame of person002")
def frame_of_another_person(root: Path) -> None:
    put(root / CAM1 / "person002/cam1_person001_00011.png")


@fault("ilids-vid", r"cam1/person002/cam2_person002_00011\.png is not a frame of person002")
def frame_of_another_camera(root: Path) -> None:
    put(root / CAM1 / "person002/cam2_person002_00011.png")


@fault("ilids-vid", r"cam1_person001_1\.png has the frame number of cam1_person001_00001\.png; keep one of the two")
def frame_number_twice(root: Path) -> None:
    put(root / CAM1 / "person001/cam1_person001_1.png")


@fault("ilids-vid", r"splits_ilidsvid\.mat cannot be read as a MATLAB 5 file")
def no_matlab_file(root: Path) -> None:
    put(root / SPLIT_FILE, b"<html>404</html>")


@fault("ilids-vid", r"splits_ilidsvid\.mat holds rows, wanted the matrix ls_set")
def wrong_key(root: Path) -> None:
    write_orders(root, orders(), key="rows")


@fault("ilids-vid", r"ls_set is 10 x 4, wanted 10 x 6, a place for each of the 6 persons")
def splits_of_another_dataset(root: Path) -> None:
    write_orders(root, orders((1, 2, 3, 4)))


@fault("ilids-vid", r"ls_set is 9 x 6, wanted 10 x 6")
def nine_splits(root: Path) -> None:
    write_orders(root, orders()[:9])


@fault("ilids-vid", r"row 1 of ls_set holds 0, the file seems to count from 0, wanted 1")
def places_from_zero(root: Path) -> None:
    write_orders(root, orders() - 1)


@fault("ilids-vid", r"row 1 of ls_set holds 12 \(2 more values alike\), wanted 1 to 6: places in the sorted list")
def numbers_of_persons_for_places(root: Path) -> None:
    write_orders(root, np.asarray(PEOPLE)[orders() - 1][:, ::-1][:, [3, 0, 1, 2, 4, 5]])


@fault("ilids-vid", r"row 4 of ls_set holds 3 twice, wanted once")
def person_in_both_halves(root: Path) -> None:
    rows = orders()
    rows[3, np.flatnonzero(rows[3] == 1)] = 3
    write_orders(root, rows)


@fault("ilids-vid", r"ls_set holds float64 values, wanted whole numbers")
def fractions(root: Path) -> None:
    write_orders(root, orders() + 0.5)


@fault("prid2011", r"cam_a has person 7, whom .*cam_b lacks; wanted the same persons in both")
def shared_person_in_one_camera(root: Path) -> None:
    sequence(root, "a", 7, 30)


@fault("prid2011", r"ls_set is 10 x 5, wanted 10 x 4, .* This copy has 4 persons of at least 27 frames .* and 5 of at")
def matrix_of_the_rule_that_papers_print(root: Path) -> None:
    write_orders(root, orders((1, 2, 3, 4, 5)), prid2011.MATRICES[0])


def edited(change: Callable[[list[dict[str, list[str]]]], object]) -> Damage:
    return lambda root: write_lists(root, change)


@fault(
    "prid2011", r"splits_prid2011\.json, split 0: 'person_0003' is not among the persons, wanted the 4 .* has 4 pers"
)
def lists_name_a_short_person(root: Path) -> None:
    edited(lambda lists: lists[0]["train"].append("person_0003"))(root)


@fault("prid2011", r"split 2: 'person_0001' is in neither half, wanted all 4 of this copy")
def lists_lose_a_person(root: Path) -> None:
    edited(lambda lists: [half.remove("person_0001") for half in lists[2].values() if "person_0001" in half])(root)


@fault("prid2011", r"split 1: 'person_0001' is trained on and tested too, wanted nobody in both")
def lists_overlap(root: Path) -> None:
    edited(lambda lists: lists[1]["test"].append("person_0001"))(root)


@fault("prid2011", r"split 0: 'person_0001' is listed twice, wanted once")
def lists_repeat_a_person(root: Path) -> None:
    edited(lambda lists: lists[0]["test"].append("person_0001"))(root)


@fault("prid2011", r"split 0: 3 persons train and 1 test, wanted halves")
def lists_of_unequal_parts(root: Path) -> None:
    edited(lambda lists: lists[0]["train"].append(lists[0]["test"].pop()))(root)


@fault("prid2011", r"splits_prid2011\.json is not a list of splits, wanted a list of 10 objects")
def nine_lists(root: Path) -> None:
    edited(lambda lists: lists.pop())(root)


@fault("prid2011", r"splits_prid2011\.json is not a list of splits")
def lists_of_numbers(root: Path) -> None:
    put(root / "splits_prid2011.json", json.dumps([{"train": [1], "test": [2]}] * 10).encode())


@fault("prid2011", r"splits_prid2011\.json cannot be read as JSON")
def lists_cut_short(root: Path) -> None:
    put(root / "splits_prid2011.json", b'[{"train": [')


@fault("prid2011", r"prid2011: 1 persons have 27 frames in both cameras; wanted two or more\.")
def nobody_long_enough(root: Path) -> None:
    for person in ELIGIBLE[1:]:
        (root / MULTI_SHOT / f"cam_b/person_{person:04d}/0001.png").unlink()
        (root / MULTI_SHOT / f"cam_b/person_{person:04d}/0002.png").unlink()
        for frame in range(1, 30):
            (root / MULTI_SHOT / f"cam_a/person_{person:04d}/{frame:04d}.png").unlink(missing_ok=True)
        put(root / MULTI_SHOT / f"cam_a/person_{person:04d}/0001.png")


@pytest.mark.parametrize("name", FAULTS)
def test_a_damaged_tree_is_told_in_a_sentence(request: pytest.FixtureRequest, name: str) -> None:
    dataset, damage, message = FAULTS[name]
    root = request.getfixturevalue({"ilids-vid": "videos", "prid2011": "shots"}[dataset])
    damage(root)
    with pytest.raises(InputError, match=message) as caught:
        READERS[dataset].read(root)
    assert "\n" not in str(caught.value)
    assert str(caught.value)[-1] in ".?"
    assert str(caught.value) in READERS[dataset].verify(root).problems


# what is verified


def describe(root: Path, **expected: int) -> Path:
    """The tree with a renderer's description, so that published counts are not asked for."""
    put(root / "synthetic.json", json.dumps({"expected": expected}).encode())
    return root


def found(reader: object, root: Path) -> dict[str, int]:
    return {count.what: count.found for count in reader.verify(root).counts}


def test_verify_counts_what_was_put_in(videos: Path, shots: Path) -> None:
    assert found(IlidsVid(), videos) == {
        "cameras": 2,
        "persons of camera 1": 6,
        "persons of camera 2": 6,
        "persons in both cameras": 6,
        "tracklets": 12,
        "shortest tracklet": 3,
        "longest tracklet": 9,
        "split files": 1,
        "splits": 10,
        "train identities of a split": 3,
        "test identities of a split": 3,
        "queries of a split": 3,
        "frames": 72 - 1 + 1,
        "frames on disk": 72,
    }
    counts = found(Prid2011(), shots)
    assert (counts["persons of camera 1"], counts["persons of camera 2"]) == (8, 9)
    assert counts["persons in both cameras"] == 6
    assert counts["persons of 27 frames or more in both"] == 4
    assert counts["persons of 21 frames or more in both"] == 5
    assert counts["frames"] == sum(map(sum, LENGTHS.values())) + 5 * 30
    assert (counts["splits"], counts["test identities of a split"]) == (10, 2)


def test_a_whole_tree_has_no_problem_beside_the_description_that_fits(videos: Path, shots: Path) -> None:
    for reader, root in ((IlidsVid(), videos), (Prid2011(), shots)):
        verification = reader.verify(describe(root, tracklets=12 if root == videos else 17), decode=True)
        assert (verification.source, verification.problems) == ("synthetic", ())
        assert reader.read(root).source == "synthetic"
        (problem,) = reader.verify(describe(root, tracklets=99)).problems
        assert "tracklets, wanted 99" in problem


def test_verify_compares_a_copy_with_the_published_numbers(videos: Path, shots: Path) -> None:
    problems = IlidsVid().verify(videos).problems
    assert any("has 6 persons of camera 1, wanted 300" in problem for problem in problems)
    published = {count.what: count.published for count in Prid2011().verify(shots).counts}
    assert published["persons of 27 frames or more in both"] == 178
    assert published["persons of 21 frames or more in both"] == 183
    (videos / SPLIT_FILE).unlink()
    assert any("has 0 split files, wanted 1" in problem for problem in IlidsVid().verify(videos).problems)


def problem_of(reader: object, root: Path, decode: bool = False) -> str:
    (problem,) = reader.verify(describe(root), decode).problems
    return problem


def test_the_published_counts_fit_one_another() -> None:
    """Numbers of the papers and pages; no file of the originals is at hand to count them on."""
    videos, shots = ilids_vid.PUBLISHED, prid2011.PUBLISHED
    assert videos["tracklets"] == 2 * videos["persons in both cameras"] == 600
    assert videos["persons of camera 1"] == videos["persons of camera 2"] == 300
    assert (videos["shortest tracklet"], videos["longest tracklet"]) == (23, 192)
    assert videos["train identities of a split"] == videos["test identities of a split"] == 300 // 2
    assert (shots["persons of camera 1"], shots["persons of camera 2"]) == (385, 749)
    assert shots["persons in both cameras"] == prid2011.SHARED == 178 + len(TOO_SHORT)
    assert shots["persons of 21 frames or more in both"] == 183
    assert shots["persons of 27 frames or more in both"] == 178 == 2 * shots["queries of a split"]
    assert shots["train identities of a split"] == shots["test identities of a split"] == 89
    assert videos["splits"] == shots["splits"] == halves.SPLITS == 10


def test_verify_finds_a_frame_that_is_missing_in_the_middle(videos: Path) -> None:
    (videos / CAM1 / "person012/cam1_person012_00053.png").unlink()
    assert "cam1_person012_00054.png is frame 54, wanted frame 53 before it" in problem_of(IlidsVid(), videos)


def test_verify_finds_a_first_frame_that_is_missing_of_prid(shots: Path) -> None:
    (shots / MULTI_SHOT / "cam_b/person_0001/0001.png").unlink()
    assert "person_0001/0002.png is frame 2, wanted frame 1 before it" in problem_of(Prid2011(), shots)


def test_verify_looks_at_strangers_too(shots: Path) -> None:
    put(shots / MULTI_SHOT / "cam_b/person_0203/0003.png", b"")
    assert "person_0203/0003.png is empty (0 bytes)" in problem_of(Prid2011(), shots)


@pytest.mark.parametrize("place", [f"{CAM1}/.DS_Store", f"{CAM2}/person001/Thumbs.db", f"{CAM1}/person001/._a.png"])
def test_verify_finds_leftovers_of_file_managers(videos: Path, place: str) -> None:
    put(videos / place)
    assert f"{place} was left by a file manager; delete it." in problem_of(IlidsVid(), videos)


def test_only_decoding_finds_a_truncated_frame_and_one_of_another_size(videos: Path) -> None:
    truncated, resized = (videos / CAM1 / f"person012/cam1_person012_0005{n}.png" for n in (2, 3))
    truncated.write_bytes(truncated.read_bytes()[:-20])
    resized.write_bytes(image((6, 6)))
    assert IlidsVid().verify(describe(videos)).problems == ()
    first, second = IlidsVid().verify(videos, decode=True).problems
    assert f"{truncated.name} cannot be decoded" in first
    assert f"{resized.name} is 6 x 6 pixels (height x width), wanted 8 x 4 as most are" in second


def test_a_long_list_of_gaps_is_cut_short(videos: Path) -> None:
    for frame in range(2000, 2100, 2):
        put(videos / CAM1 / f"person012/cam1_person012_{frame:05d}.png")
    problems = IlidsVid().verify(describe(videos)).problems
    assert len(problems) == 21
    assert problems[-1] == "30 more: gaps in the numbers of frames."


# what is provided


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


# the published lists

TOO_SHORT = {6, 19, 31, 52, 57, 62, 71, 94, 106, 120, 136, 138, 139, 142, 145, 158, 159, 166, 183, 190, 199, 200}


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The frames that the published lists ask for: the numbers of the removed persons as the field has them."""
    tmp_path = tmp_path_factory.mktemp("published")
    root = tmp_path / "prid2011"
    frame = put(tmp_path / "frame.png")
    for camera, persons in (("a", 385), ("b", 749)):
        for person in range(1, persons + 1):
            frames = 27 if person <= 200 and person not in TOO_SHORT else 26 if person <= 71 else 21
            folder = root / MULTI_SHOT / f"cam_{camera}/person_{person:04d}"
            folder.mkdir(parents=True)
            for number in range(1, frames + 1 if person <= 200 else 2):
                os.link(frame, folder / f"{number:04d}.png")
    shutil.copy(str(PRID_SPLITS), root / "splits_prid2011.json")
    return root


@official
def test_the_published_lists_leave_out_the_22_persons_of_the_field() -> None:
    content = Path(str(PRID_SPLITS)).read_bytes()
    # AsuradaYuci/CNN-RNN2016 at 2b8c4fc
    assert sha256(content).hexdigest() == "4a238a57e7b4499b2b8552f695a1f41199bad3df91fad24476ed85a7c915d2c8"
    lists = json.loads(content)
    assert len(lists) == 10
    for split in lists:
        assert [len(split[half]) for half in ("train", "test")] == [89, 89]
        divided = {int(name.removeprefix("person_")) for half in split.values() for name in half}
        assert divided == set(range(1, 201)) - TOO_SHORT
        assert all(half == sorted(half) for half in split.values())


@official
def test_the_published_lists_divide_178_persons_in_halves_of_89(published: Path) -> None:
    dataset = Prid2011().read(published)
    assert (dataset.source, dataset.notes) == ("official", ())
    assert [len(split.query) for split in dataset.splits] == [89] * 10
    assert [len({t.pid for t in split.train}) for split in dataset.splits] == [89] * 10
    counts = {count.what: (count.found, count.published) for count in Prid2011().verify(published).counts}
    assert counts["persons of 27 frames or more in both"] == (178, 178)
    assert (counts["persons of camera 1"], counts["persons of camera 2"]) == ((385, 385), (749, 749))
    assert counts["queries of a split"] == (89, 89)


@official
def test_published_lists_that_were_edited_are_no_longer_official(published: Path) -> None:
    whole = (published / "splits_prid2011.json").read_text()
    lists = json.loads(whole)
    lists[3]["train"][0], lists[3]["test"][0] = lists[3]["test"][0], lists[3]["train"][0]
    (published / "splits_prid2011.json").write_text(json.dumps(lists))
    try:
        dataset = Prid2011().read(published)
    finally:
        (published / "splits_prid2011.json").write_text(whole)
    assert dataset.source == "unverified"
    assert "are not those of the widely used splits_prid2011.json" in dataset.notes[0]


@official
def test_a_lost_frame_makes_the_published_lists_name_somebody_too_short(published: Path) -> None:
    frame = published / MULTI_SHOT / "cam_b/person_0100/0027.png"
    frame.rename(published / "lost.png")
    try:
        with pytest.raises(InputError, match=r"'person_0100' is not among the persons.*has 177 persons of at least 27"):
            Prid2011().read(published)
    finally:
        (published / "lost.png").rename(frame)
