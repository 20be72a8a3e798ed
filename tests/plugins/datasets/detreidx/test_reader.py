"""Reading DetReIDX: the tracklets, what their names tell, masked copies, and its two rules on a tiny example."""

import numpy as np
import pytest
from detreidx_tree import Tree, aerial, anonymize, ground

from vreid_bench import Split
from vreid_bench.contracts.dataset import CheckingReader, DatasetReader, TwinReader, VariantReader
from vreid_bench.registry.registry import Registry
from vreid_bench.scoring.metrics import judge
from vreid_bench.scoring.ranks.counting import count_from_distances
from vreid_bench.scoring.ranks.labels import Labels
from vreid_plugins.datasets.detreidx import reader
from vreid_plugins.datasets.detreidx.names import POINTS, find_point, parse_name
from vreid_plugins.datasets.detreidx.reader import DetReidx


def test_it_is_a_reader_that_verifies_and_synthesizes() -> None:
    for contract in (DatasetReader, VariantReader, CheckingReader, TwinReader):
        assert isinstance(DetReidx(), contract)
    assert isinstance(reader.vreid_datasets()["detreidx"], DetReidx)


def test_a_name_from_the_air_tells_where_the_drone_was_and_the_session() -> None:
    found = parse_name("0004_23_10_2024_09_18_5.8_10_30_3_0_1_1_0_-1_-1_6_0_0_6_152_178_1_0025")
    assert found is not None
    assert (found.camid, found.camera, found.order[:6]) == (1, "session 1", (2024, 10, 23, 9, 18, 25))
    assert dict(found.attributes) == {
        "platform": "uav",
        "height": "5.8",
        "distance": "10",
        "angle": "30",
        "flight-point": "1",
        "session": "1",
    }
    assert parse_name("0004_23_10_2024_09_18_40_80_30_3_S2_F7").camid == 2  # as the notes of the set write it


def test_a_name_from_the_ground_tells_the_view() -> None:
    for stem, view, last in (("0001_0_1_1_1_0_F", "F", 0), ("0001_0_1_1_1_25_L", "L", 0), ("7_R12", "R", 12)):
        found = parse_name(stem)
        assert found is not None
        assert (found.camid, found.camera, found.order[-1]) == (0, "ground", last)
        known = dict(found.attributes)
        assert (known["view"], known["flight-point"], known["height"], known["angle"]) == (view, "ground", "0", "0")


@pytest.mark.parametrize(
    "stem",
    [
        "",
        "frame7",
        "0001_0_1_1_1_0_B",  # no view of the three
        "0004_23_10_2024_09_18_5.8_10_30",  # no session
        "0004_23_10_2024_09_18_high_10_30_3_1_25",  # the public loader reads camera 0 and 30 m, and goes on
        "0004_23_10_2024_09_18_5.8_10_30_3_7_25",  # no session of the two
        "0004_23_10_2024_09_18_5.8_10_30_3_1_",
        "0004_23_10_2024_09_18_-5.8_10_30_3_1_25",
    ],
)
def test_a_name_that_tells_nothing_is_no_name(stem: str) -> None:
    assert parse_name(stem) is None


def test_the_eighteen_points_are_found_again_and_nothing_between_them() -> None:
    assert [find_point(*point) for point in POINTS] == [str(number) for number in range(1, 19)]
    assert find_point(5.85, 10, 30) == "1"
    assert find_point(6.0, 10, 30) == "other"


def test_frames_are_in_order_of_their_number(tree: Tree) -> None:
    (split,) = DetReidx().read(tree.root, "aerial-to-ground").splits
    names = [frame.rpartition("/")[2] for frame in split.test[0].frames]
    assert names == [aerial(24, 1, 9), aerial(24, 1, 10), aerial(24, 1, 100)]
    assert sorted(names) != names
    seen = split.test[split.gallery[0]]
    assert [frame.rpartition("/")[2] for frame in seen.frames] == [ground(24, 9), ground(24, 10)]


def test_each_case_has_its_queries_and_its_gallery(tree: Tree) -> None:
    sizes = {}
    for variant in DetReidx.variants:
        (split,) = DetReidx().read(tree.root, variant).splits
        sizes[variant] = (len(split.train), len(split.query), len(split.gallery))
    assert sizes == {
        "all-cases": (3, 12, 12),
        "aerial-to-ground": (3, 6, 3),
        "ground-to-aerial": (3, 3, 6),
        "aerial-to-aerial": (3, 3, 3),
    }
    (split,) = DetReidx().read(tree.root).splits
    parts = reader.vreid_protocols()["detreidx"].divide(split)
    assert [len(part.query) for part in parts.values()] == [6, 3, 3]
    assert split.train[0].person_name == "0000"
    assert split.train[0].pid == 1  # 0 would be nobody


def test_nobody_is_masked_in_a_copy_with_the_true_identities(tree: Tree) -> None:
    dataset = DetReidx().read(tree.root)
    assert (dataset.unscored, dataset.notes) == (None, ())
    (doubt,) = [note for note in DetReidx().verify(tree.root).notes if "anonymized" in note]
    assert "whether the test identities of this copy are the true ones cannot be told" in doubt


def test_a_gallery_without_anybody_of_the_queries_is_masked(tree: Tree) -> None:
    anonymize(tree.root)
    dataset = DetReidx().read(tree.root)
    assert dataset.unscored is not None
    assert dataset.unscored.reason == (
        "Its test identities are masked: in case1_aerial_to_ground, nobody of the queries is in the gallery."
    )
    assert (dataset.unscored.form, dataset.unscored.depth) == ("vreid-xfd", 0)
    assert dict(dataset.unscored.cases)["aerial-to-aerial"] == "Case 3: Aerial to Aerial"
    alone = DetReidx().read(tree.root, "aerial-to-aerial")
    assert alone.unscored.cases == (("", "Case 3: Aerial to Aerial"),)
    assert not any("cannot be told" in note for note in DetReidx().verify(tree.root).notes)


def test_a_test_of_one_id_is_masked(tree: Tree) -> None:
    for side in ("query", "gallery"):
        folder = tree.root / "case3_aerial_to_aerial" / side
        first, *others = sorted(folder.iterdir())
        for other in others:
            for tracklet in other.iterdir():
                tracklet.rename(first / tracklet.name)
            other.rmdir()
    reason = DetReidx().read(tree.root).unscored.reason
    assert reason == "Its test identities are masked: in case3_aerial_to_aerial, everybody has one id."


def test_names_that_tell_other_people_than_the_folders_are_masked(tree: Tree) -> None:
    for side in ("query", "gallery"):
        for case in ("case1_aerial_to_ground", "case2_ground_to_aerial", "case3_aerial_to_aerial"):
            for person in sorted((tree.root / case / side).iterdir()):
                person.rename(person.with_name(f"9{person.name}"))
    reason = DetReidx().read(tree.root).unscored.reason
    assert reason == (
        "Its test identities are masked: the names of 24 of 24 test tracklets tell another person than their folder."
    )


def test_renamed_training_people_are_noted_and_the_folders_are_read(tree: Tree) -> None:
    for person in sorted((tree.root / "train").iterdir()):
        person.rename(person.with_name(f"8{person.name}"))
    dataset = DetReidx().read(tree.root)
    assert dataset.notes == ("The names of 3 training tracklets tell another person than their folder, which is read.",)
    assert {t.person_name for t in dataset.splits[0].train} == {"80000", "80003"}


# The query is in the air in session 1. From near to far: its person in its session, a stranger, its person on the
# ground, its person in session 2, a stranger.
#   challenge: matches at ranks 1, 3, 4. AP by trapezoids: ((1 + 1/1) / 2 + (1/2 + 2/3) / 2 + (2/3 + 3/4) / 2) / 3
#   training: what the query's camera (the session) shows takes no rank, so matches are at 2, 3: (1/2 + 2/3) / 2
def test_the_two_rules_scored_by_hand() -> None:
    labels = Labels(
        np.array([1, 1, 2, 1, 1, 2]), np.array([1, 1, 0, 0, 2, 2]), np.array([0]), np.array([1, 2, 3, 4, 5])
    )
    rules = [Registry.installed().get("conventions", each) for each in (reader.CHALLENGE, reader.TRAINING)]
    distance = np.arange(1, 6, dtype=np.float32)[None]
    found = judge(count_from_distances([(slice(0, 1), distance)], labels.for_conventions(rules)), rules)
    assert found[reader.CHALLENGE].metrics()["mAP"] == pytest.approx(
        ((1 + 1 / 1) / 2 + (1 / 2 + 2 / 3) / 2 + (2 / 3 + 3 / 4) / 2) / 3
    )
    assert found[reader.TRAINING].metrics()["mAP"] == pytest.approx((1 / 2 + 2 / 3) / 2)


def test_the_challenge_agrees_with_its_script_in_words_on_a_thousand_worlds() -> None:
    """The challenge's AP, restated: the mean over matches of the precisions before and at each."""
    random = np.random.default_rng(9)
    rule = Registry.installed().get("conventions", reader.CHALLENGE)
    for _ in range(1000):
        size = int(random.integers(2, 30))
        pids = np.concatenate([[1, 1], random.integers(1, 4, size)])
        cameras = random.integers(0, 3, len(pids))
        labels = Labels(pids, cameras, np.array([0]), np.arange(1, len(pids))).for_conventions([rule])
        distance = random.permutation(len(pids) - 1).astype(np.float32)[None]
        good = pids[1:][np.argsort(distance[0])] == 1
        expected, hits = 0.0, 0
        for place, match in enumerate(good):
            if match:
                before = hits / place if place else 1.0
                hits += 1
                expected += (before + hits / (place + 1)) / 2 / good.sum()
        found = judge(count_from_distances([(slice(0, 1), distance)], labels), [rule])[rule.name]
        assert found.metrics()["mAP"] == pytest.approx(expected, rel=1e-12)


def test_protocols_and_conventions_fit_one_another() -> None:
    protocols = reader.vreid_protocols()
    assert set(protocols) == {"detreidx", *(f"detreidx-{case}" for case in reader.CALLED)}
    assert protocols["detreidx"].conditions == tuple(reader.CALLED)
    assert protocols["detreidx"].leading == 3
    assert len({protocol.fingerprint for protocol in protocols.values()}) == 4
    rules = reader.vreid_conventions()[reader.CHALLENGE].rules
    assert (rules["average_precision"], rules["same_camera"]) == ("trapezoid", "match")


def test_the_cases_of_a_split_keep_the_training_part(tree: Tree) -> None:
    (split,) = DetReidx().read(tree.root).splits
    parts = reader.vreid_protocols()["detreidx"].divide(split)
    assert all(isinstance(part, Split) and part.train == split.train for part in parts.values())
