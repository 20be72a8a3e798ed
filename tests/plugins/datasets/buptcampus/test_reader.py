"""Reading BUPTCampus: rows, text cameras, aligned tracklets, and the five ways of scoring on a tiny example."""

from dataclasses import replace

import numpy as np
import pytest
from bupt_tree import Tree

from vreid_bench.contracts.dataset import CheckingReader, DatasetReader, TwinReader, VariantReader
from vreid_bench.scoring import conventions
from vreid_bench.scoring.metrics import judge
from vreid_bench.scoring.ranks.counting import count_from_distances
from vreid_bench.scoring.ranks.labels import Labels
from vreid_plugins.datasets.buptcampus import reader
from vreid_plugins.datasets.buptcampus.reader import BuptCampus


def rules():
    """The five conventions of a protocol by name."""
    known = {**conventions.vreid_conventions(), **reader.vreid_conventions()}
    return {name: known[name] for name in reader.LISTED}


def test_it_is_a_reader_that_verifies_and_synthesizes() -> None:
    for contract in (DatasetReader, CheckingReader, TwinReader, VariantReader):
        assert isinstance(BuptCampus(), contract)
    assert isinstance(reader.vreid_datasets()["buptcampus"], BuptCampus)


def test_a_training_row_is_two_tracklets_and_a_test_row_is_one(tree: Tree) -> None:
    dataset = BuptCampus().read(tree.root)
    (split,) = dataset.splits
    assert [(t.pid, t.attribute("modality"), t.camera_name, len(t.frames)) for t in split.train] == [
        (1, "RGB", "LS3", 4),
        (1, "IR", "LS3", 4),
        (1, "RGB", "G25", 3),
        (1, "IR", "G25", 3),
        (2, "RGB", "LS3", 2),
        (2, "IR", "LS3", 2),
        (2, "RGB", "LS3", 3),
        (2, "IR", "LS3", 3),
    ]
    assert [(t.pid, t.attribute("modality"), t.camid, t.camera) for t in split.test[:4]] == [
        (11, "RGB", 1, "G25"),
        (12, "IR", 2, "CQ1"),
        (13, "RGB", 3, "W4"),
        (12, "RGB", 5, "TSG2"),
    ]
    assert (split.query, split.gallery) == ((0, 1, 2), tuple(range(3, 10)))
    assert all((tree.root / frame).is_file() for t in split.train + split.test for frame in t.frames)
    assert dataset.notes == ()


def test_frames_are_below_data_in_order_of_their_number(tree: Tree) -> None:
    """In the order of text, 100 and 101 come before 98."""
    first = BuptCampus().read(tree.root).splits[0].train[0]
    assert first.frames == tuple(f"DATA/1/RGB/LS3/1_RGB_LS3_1_{number}.jpg" for number in (98, 99, 100, 101))
    for tracklets in tree.walks(1, "RGB", "LS3"), tree.walks(1, "IR", "LS3"):
        tracklets["1"].sort()
    dataset = BuptCampus().read(tree.write().root)
    assert dataset.splits[0].train[0] == first
    assert dataset.notes == (
        "2 tracklets of data_paths.json are not listed in order of frame number; they were sorted by it.",
    )


def test_the_auxiliary_part_is_trained_on_where_it_is_asked_for(tree: Tree) -> None:
    usual, more = (BuptCampus().read(tree.root, variant).splits[0] for variant in BuptCampus.variants)
    assert more.train == (*usual.train, *more.train[len(usual.train) :])
    assert [(t.pid, t.attribute("modality")) for t in more.train[len(usual.train) :]] == [(30, "RGB"), (30, "IR")]
    assert usual.test == more.test


def test_aligned_frames_with_other_numbers_are_noted(tree: Tree) -> None:
    tree.paths["1"]["IR"]["LS3"]["1"] = [f"1/IR/LS3/1_IR_LS3_1_{number}.jpg" for number in (198, 199, 200, 201)]
    assert BuptCampus().read(tree.write().root).notes == (
        "1 training rows have frames of other numbers in RGB than in IR.",
    )


def test_a_query_in_the_gallery_has_one_row_and_both_roles(tree: Tree) -> None:
    tree.rows["gallery"].insert(1, "12 IR CQ1 1")
    dataset = BuptCampus().read(tree.write().root)
    (split,) = dataset.splits
    assert (split.query, split.gallery) == ((0, 1, 2), (3, 1, 4, 5, 6, 7, 8, 9))
    assert dataset.notes == ("1 queries are in the gallery, too; they take no rank for themselves.",)


def test_an_aligned_copy_of_a_query_in_the_gallery_is_noted(tree: Tree) -> None:
    tree.rows["gallery"].append("11 IR G25 1")
    (note,) = BuptCampus().read(tree.write().root).notes
    assert note.startswith("1 queries have their aligned tracklet of the other modality in the gallery")


# The rows of test and what they are:
#   queries  0: person 11 RGB camera G25    1: person 12 IR camera CQ1    2: person 13 RGB camera W4
#   gallery  3: 12 RGB TSG2   4: 11 IR LS3   5: 11 RGB LS3   6: 11 IR G25   7: 11 RGB G25   8: 12 IR TSG2   9: 13 IR CQ1
# From each query the gallery is met in this order, and every item takes a rank, those of the query's camera, too.
ORDER = {0: (8, 6, 3, 5, 4, 7, 9), 1: (9, 3, 4, 8, 5, 6, 7), 2: (5, 4, 9, 3, 6, 7, 8)}
# Query 0: ranks of person 11 (rows 4 to 7) are 2, 4, 5, 6; query 1: person 12 (rows 3, 8) has ranks 2, 4; query 2:
# person 13 (row 9) has rank 3.
AVERAGE = {
    "cameras-ignored": [(1 / 2 + 2 / 4 + 3 / 5 + 4 / 6) / 4, (1 / 2 + 2 / 4) / 2, 1 / 3],
    # RGB items alone: query 0 meets 3, 5, 7: ranks 2, 3; query 2 meets 5, 3, 7 and no match: it does not count
    "rgb-to-rgb-cameras-ignored": [(1 / 2 + 2 / 3) / 2],
    # IR items alone: query 0 meets 8, 6, 4, 9: ranks 2, 3; query 2 meets 4, 9, 6, 8: rank 2
    "rgb-to-ir-cameras-ignored": [(1 / 2 + 2 / 3) / 2, 1 / 2],
    # query 1 meets 3, 5, 7: rank 1
    "ir-to-rgb-cameras-ignored": [1.0],
    # query 1 meets 9, 4, 8, 6: rank 3
    "ir-to-ir-cameras-ignored": [1 / 3],
}


@pytest.mark.parametrize("name", AVERAGE)
def test_a_table_scored_by_hand(tree: Tree, name: str) -> None:
    (split,) = BuptCampus().read(tree.root).splits
    distances = np.array([[ORDER[row].index(item) for item in split.gallery] for row in split.query], np.float32)
    who = Labels.of(split).for_conventions(list(rules().values()))
    counts = count_from_distances([(slice(None), distances)], who)
    found = judge(counts, list(rules().values()))[name].metrics()
    assert found["mAP"] == pytest.approx(np.mean(AVERAGE[name]))
    assert found["queries"] == len(AVERAGE[name])
    alone = Labels.of(split).for_conventions([rules()[name]])
    counts = count_from_distances([(slice(None), distances)], alone)
    assert judge(counts, [rules()[name]])[name].metrics() == found


def test_the_camera_of_the_query_is_not_left_out(tree: Tree) -> None:
    """Rows 6 and 7 are in the camera of query 0; gallery-as-listed, which gives them no rank, scores otherwise."""
    (split,) = BuptCampus().read(tree.root).splits
    split = replace(split, query=(0,))
    listed = conventions.vreid_conventions()["gallery-as-listed"]
    distances = np.array([[ORDER[0].index(item) for item in split.gallery]], np.float32)
    counts = count_from_distances([(slice(None), distances)], Labels.of(split).for_conventions([listed]))
    # 6 and 7 are gone: 8, 3, 5, 4, 9
    assert judge(counts, [listed])["gallery-as-listed"].metrics()["mAP"] == pytest.approx((1 / 3 + 2 / 4) / 2)


def test_every_protocol_is_ranked_by_its_own_table() -> None:
    protocols = reader.vreid_protocols()
    assert [(p.name, p.headline) for p in protocols.values()] == [
        ("buptcampus", "cameras-ignored"),
        ("buptcampus-rgb-to-rgb", "rgb-to-rgb-cameras-ignored"),
        ("buptcampus-rgb-to-ir", "rgb-to-ir-cameras-ignored"),
        ("buptcampus-ir-to-rgb", "ir-to-rgb-cameras-ignored"),
        ("buptcampus-ir-to-ir", "ir-to-ir-cameras-ignored"),
        ("buptcampus-auxiliary", "cameras-ignored"),
    ]
    assert all(p.conventions == reader.LISTED for p in protocols.values())
    assert len({p.fingerprint for p in protocols.values()}) == 6
    assert len({rule.fingerprint for rule in rules().values()}) == 5
