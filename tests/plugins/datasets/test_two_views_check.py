"""Checking trees of iLIDS-VID and PRID2011: their counts, and faults of frames."""

import json
from pathlib import Path

import pytest
from two_cameras import (
    LENGTHS,
    MULTI_SHOT,
    SEQUENCES,
    SPLIT_FILE,
    TOO_SHORT,
    image,
    put,
)

from vreid_bench.reporting.dataset_check import as_text
from vreid_plugins.datasets import half_splits
from vreid_plugins.datasets.ilids_vid.reader import IlidsVid
from vreid_plugins.datasets.ilids_vid.verify import PUBLISHED as PUBLISHED_ILIDS_VID
from vreid_plugins.datasets.prid2011.index import SHARED
from vreid_plugins.datasets.prid2011.reader import Prid2011
from vreid_plugins.datasets.prid2011.verify import PUBLISHED as PUBLISHED_PRID2011

CAM1, CAM2 = f"{SEQUENCES}/cam1", f"{SEQUENCES}/cam2"


def described(root: Path, **expected: int) -> Path:
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
        verification = reader.verify(described(root, tracklets=12 if root == videos else 17), decode=True)
        assert (verification.source, verification.problems) == ("synthetic", ())
        assert reader.read(root).source == "synthetic"
        (problem,) = reader.verify(described(root, tracklets=99)).problems
        assert "tracklets, expected 99" in problem


def test_verify_compares_a_copy_with_the_published_numbers(videos: Path, shots: Path) -> None:
    problems = IlidsVid().verify(videos).problems
    assert any("has 6 persons of camera 1, expected 300" in problem for problem in problems)
    published = {count.what: count.published for count in Prid2011().verify(shots).counts}
    assert published["persons of 27 frames or more in both"] == 178
    assert published["persons of 21 frames or more in both"] == 183
    (videos / SPLIT_FILE).unlink()
    assert any("has 0 split files, expected 1" in problem for problem in IlidsVid().verify(videos).problems)


def problem_of(reader: object, root: Path, decode: bool = False) -> str:
    (problem,) = reader.verify(described(root), decode).problems
    return problem


def test_the_published_counts_fit_one_another() -> None:
    """Numbers of the papers and pages; no file of the originals is at hand to count them on."""
    videos, shots = PUBLISHED_ILIDS_VID, PUBLISHED_PRID2011
    assert videos["tracklets"] == 2 * videos["persons in both cameras"] == 600
    assert videos["persons of camera 1"] == videos["persons of camera 2"] == 300
    assert (videos["shortest tracklet"], videos["longest tracklet"]) == (23, 192)
    assert videos["train identities of a split"] == videos["test identities of a split"] == 300 // 2
    assert (shots["persons of camera 1"], shots["persons of camera 2"]) == (385, 749)
    assert shots["persons in both cameras"] == SHARED == 178 + len(TOO_SHORT)
    assert shots["persons of 21 frames or more in both"] == 183
    assert shots["persons of 27 frames or more in both"] == 178 == 2 * shots["queries of a split"]
    assert shots["train identities of a split"] == shots["test identities of a split"] == 89
    assert videos["splits"] == shots["splits"] == half_splits.SPLITS == 10


def test_verify_finds_a_frame_that_is_missing_in_the_middle(videos: Path) -> None:
    (videos / CAM1 / "person012/cam1_person012_00053.png").unlink()
    assert "cam1_person012_00054.png is frame 54, expected frame 53 before it" in problem_of(IlidsVid(), videos)


def test_verify_finds_a_first_frame_that_is_missing_of_prid(shots: Path) -> None:
    (shots / MULTI_SHOT / "cam_b/person_0001/0001.png").unlink()
    assert "person_0001/0002.png is frame 2, expected frame 1 before it" in problem_of(Prid2011(), shots)


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
    assert IlidsVid().verify(described(videos)).problems == ()
    first, second = IlidsVid().verify(videos, decode=True).problems
    assert f"{truncated.name} cannot be decoded" in first
    assert f"{resized.name} is 6 x 6 pixels (height x width), expected 8 x 4 as most are" in second


def test_a_long_list_of_gaps_is_one_line_of_text(videos: Path) -> None:
    for frame in range(2000, 2100, 2):
        put(videos / CAM1 / f"person012/cam1_person012_{frame:05d}.png")
    check = IlidsVid().verify(described(videos))
    assert len(check.problems) == 50
    assert as_text(check).count("(49 more alike; --json lists them)") == 1
