"""Reading P-DESTRE: people of a session, text cameras, divisions, and a tiny example scored by hand."""

import shutil

import numpy as np
import pytest
from p_destre_tree import JPEG, Tree

from vreid_bench.contracts.dataset import CheckingReader, DatasetReader, Split, TwinReader
from vreid_bench.scoring import conventions
from vreid_bench.scoring.metrics import judge
from vreid_bench.scoring.ranks.counting import count_from_distances
from vreid_bench.scoring.ranks.labels import Labels
from vreid_plugins.datasets.p_destre import reader
from vreid_plugins.datasets.p_destre.reader import PDestre


def test_it_is_a_reader_that_verifies_and_synthesizes() -> None:
    for contract in (DatasetReader, CheckingReader, TwinReader):
        assert isinstance(PDestre(), contract)
    assert isinstance(reader.vreid_datasets()["p-destre"], PDestre)


def test_a_tracklet_is_one_person_in_one_sequence(tree: Tree) -> None:
    first, second = PDestre().read(tree.root).splits
    assert [(t.person_name, t.camera_name, len(t.frames)) for t in first.train] == [
        ("08-11-2019-1:1", "1", 3),
        ("08-11-2019-1:2", "1", 2),  # and a frame of 0 bytes
        ("08-11-2019-1:1", "2", 3),
        ("08-11-2019-1:3", "2", 1),
    ]
    assert [first.test[row].person_name for row in first.query] == [
        "12-11-2019-3:2",
        "12-11-2019-3:5",
        "14-11-2019-1:9",
    ]
    assert (first.query, first.gallery) == ((0, 1, 2), (3, 4, 5, 6, 7, 8, 9))
    assert [(t.pid, t.camid) for t in first.test[3:]] == [(4, 2), (5, 2), (6, 2), (4, 3), (5, 3), (7, 2), (8, 2)]
    assert dict(first.test[0].attributes) == {"day": "12-11-2019", "session": "12-11-2019-3"}
    assert (len(second.train), second.query, second.gallery) == (7, (0, 1), (2, 3))
    assert all((tree.root / frame).is_file() for t in first.train + first.test for frame in t.frames)


def test_the_same_number_on_another_day_is_another_person(tree: Tree) -> None:
    first, second = PDestre().read(tree.root).splits
    pids = {t.person_name: t.pid for t in (*first.train, *first.test)}
    assert pids["08-11-2019-1:2"] == 2
    assert pids["12-11-2019-3:2"] == 4
    assert {t.person_name: t.pid for t in (*second.train, *second.test)}.items() <= pids.items()  # in every split alike


def test_frames_are_in_order_of_their_number_and_not_of_their_text(tree: Tree) -> None:
    test = PDestre().read(tree.root).splits[0].test
    (seen,) = (t for t in test if t.name.startswith("12-11-2019-3-2/2/"))
    assert [frame.split("_")[1] for frame in seen.frames] == ["8", "9", "10", "11"]


def test_the_folders_of_the_two_archives_are_read_as_well(tree: Tree) -> None:
    expected = PDestre().read(tree.root).splits
    crops, lists = tree.root / "jpg_Extracted_PIDS", tree.root / "pedestrian_reid_splits"
    crops.mkdir()
    for folder in list(tree.root.glob("*-2019-*")):
        folder.rename(crops / folder.name)
    lists.mkdir()
    shutil.move(tree.root / "Splits", lists / "Splits")
    for split, other in zip(expected, PDestre().read(tree.root).splits, strict=True):
        assert (split.query, split.gallery) == (other.query, other.gallery)
        assert [(t.pid, t.camid, t.attributes, t.person, t.camera) for t in split.test] == [
            (t.pid, t.camid, t.attributes, t.person, t.camera) for t in other.test
        ]
        assert [f"jpg_Extracted_PIDS/{t.name}" for t in split.test] == [t.name for t in other.test]


def test_what_is_left_out_is_told(tree: Tree) -> None:
    tree.frame("12-11-2019-3-1/8/8_1_12112019_2.jpg", b"")
    tree.frame("13-11-2019-1-1/1/1_1_13112019_9.jpg")
    tree.frame("12-11-2019-3-1/5/5_30_12112019_6.jpg")
    dataset = PDestre().read(tree.root)
    assert dataset.notes == (
        "Folders of nobody (numbers of 0 or less), which are left out: 2.",
        "Frames of 0 bytes, which are left out: 2.",
        "Frames with the number of another frame of their folder, which stay: 1.",
        "Folders of people without any frame, which are left out: 1.",
        "Sequences that no division names: 1, such as 13-11-2019-1-1.",
        "2 divisions are there; the tables of the paper average 10.",
    )
    assert not any(t.person_name == "12-11-2019-3:8" for t in dataset.splits[0].test)


def test_ten_divisions_are_read_where_ten_are_there(tree: Tree) -> None:
    tree.divisions *= 5
    dataset = PDestre().read(tree.write().root)
    assert len(dataset.splits) == 10
    assert not any("divisions" in note for note in dataset.notes)
    assert dataset.splits[0] == dataset.splits[2] != dataset.splits[1]


def test_lists_with_windows_line_endings_a_mark_and_slashes_are_read(tree: Tree) -> None:
    expected = PDestre().read(tree.root).splits
    path = tree.list_path("Query_0")
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes().replace(b"\n", b"/\r\n") + b"\r\n")
    assert PDestre().read(tree.root).splits == expected


def test_a_clip_of_two_digits_is_cut_as_published_and_noted(tree: Tree) -> None:
    tree.frame("14-11-2019-1-12/9/9_1_14112019_9.jpg", JPEG)
    tree.divisions[0]["Gallery"].append("14-11-2019-1-12")
    dataset = PDestre().read(tree.write().root)
    (seen,) = (t for t in dataset.splits[0].test if "1-12/" in t.name)
    assert (seen.person_name, seen.camera_name) == ("14-11-2019-1:9", "2")
    assert any("14-11-2019-1-12 has camera 2 of session 14-11-2019-1" in note for note in dataset.notes)


def test_the_protocol_averages_the_divisions_on_the_gallery_as_listed() -> None:
    (protocol,) = reader.vreid_protocols().values()
    assert (protocol.dataset, protocol.headline, protocol.conventions) == (
        "p-destre",
        "gallery-as-listed",
        ("gallery-as-listed",),
    )


def average_precisions(split: Split, distances: list[list[float]]) -> list[float]:
    (rule,) = reader.vreid_protocols()["p-destre"].conventions
    rules = [conventions.vreid_conventions()[rule]]
    tiles = [(slice(0, len(distances)), np.array(distances, np.float32))]
    got: list[float] = judge(count_from_distances(tiles, Labels.of(split)), rules)[rule].average_precision.tolist()
    return got


# The gallery of the first division: people 2, 5, 7 of clip 2, people 2, 5 of clip 3, and 4, 9 of another day.
FIRST = [
    [0.3, 0.1, 0.9, 0.5, 0.2, 0.4, 0.6],  # person 2: ranks 5, 5, 2, 4, 2, ..: matches at 3 and 5
    [0.4, 0.1, 0.2, 0.3, 0.5, 0.6, 0.7],  # person 5: matches at 1 and 5
    [0.1, 0.3, 0.4, 0.5, 0.6, 0.7, 0.2],  # person 9: one match, at 2
]
BY_HAND = [(1 / 3 + 2 / 5) / 2, (1 + 2 / 5) / 2, 1 / 2]


def test_a_division_scored_by_hand(tree: Tree) -> None:
    (split, _) = PDestre().read(tree.root).splits
    assert average_precisions(split, FIRST) == pytest.approx(BY_HAND)


def test_a_query_without_a_match_has_no_score(tree: Tree) -> None:
    """In the second division, person 2 is in no clip of the gallery; person 1 is behind person 3."""
    (_, split) = PDestre().read(tree.root).splits
    one, two = average_precisions(split, [[0.5, 0.2], [0.1, 0.2]])
    assert one == pytest.approx(1 / 2)
    assert np.isnan(two)


def test_a_sequence_that_asks_and_is_ranked_is_nobody_s_match_but_in_the_way(tree: Tree) -> None:
    """Its own tracklet takes no rank; for the other queries it is a negative at rank 1, and all matches move by one."""
    tree.divisions[0]["Gallery"].append("14-11-2019-1-1")
    dataset = PDestre().read(tree.write().root)
    split = dataset.splits[0]
    assert (split.query, split.gallery) == ((0, 1, 2), (3, 4, 5, 6, 7, 8, 9, 2))
    assert any("Division 0 lists sequences as query and as gallery" in note for note in dataset.notes)
    moved = [(1 / 4 + 2 / 6) / 2, (1 / 2 + 2 / 6) / 2, 1 / 2]
    assert average_precisions(split, [[*row, 0.0] for row in FIRST]) == pytest.approx(moved)
