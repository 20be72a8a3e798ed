"""Reading AG-VPReID: the tracklets, what their names and tables tell, and its conventions on a tiny example."""

import shutil

import numpy as np
import pytest
from ag_vpreid_tree import Tree, mask, name

from vreid_bench import InputError
from vreid_bench.contracts.dataset import CheckingReader, DatasetReader, TwinReader, VariantReader
from vreid_bench.registry.registry import Registry
from vreid_bench.scoring.metrics import judge
from vreid_bench.scoring.ranks.counting import count_from_distances
from vreid_bench.scoring.ranks.labels import Labels
from vreid_plugins.datasets.ag_vpreid import reader
from vreid_plugins.datasets.ag_vpreid.names import parse_name
from vreid_plugins.datasets.ag_vpreid.reader import AgVpreid


def test_it_is_a_reader_that_verifies_and_synthesizes() -> None:
    for contract in (DatasetReader, VariantReader, CheckingReader, TwinReader):
        assert isinstance(AgVpreid(), contract)
    assert isinstance(reader.vreid_datasets()["ag-vpreid"], AgVpreid)


def test_a_name_tells_camera_platform_altitude_and_day() -> None:
    found = parse_name("P81T2310171A2C2E152K7F7528")
    assert found is not None
    assert (found.order[0], found.camid, found.camera) == (7528, 2, "C2")
    assert dict(found.attributes) == {"platform": "wearable", "altitude": "80", "date": "231017", "session": "1"}
    assert dict(parse_name("P1T2310172A3C5E1K1F0").attributes)["altitude"] == "120"
    assert dict(parse_name("P1T2310172A9C0E1K1F0").attributes)["altitude"] == "code 9"
    assert "platform" not in dict(parse_name("P1T2310172A0C6E1K1F0").attributes)  # nobody says what camera 6 is


@pytest.mark.parametrize(
    "stem",
    ["", "P81", "P81T2310171A2C2E152K7F", "P81T23101A2C2E152K7F1", "P81T2310171A2C7E152K7F1", "81T2310171A2C2E152K7F1"],
)
def test_another_name_is_no_name(stem: str) -> None:
    assert parse_name(stem) is None


def test_frames_are_in_order_of_the_number_behind_f(tree: Tree) -> None:
    (split,) = AgVpreid().read(tree.root, "aerial-to-ground").splits
    first = split.test[0]
    assert [frame.rpartition("/")[2] for frame in first.frames] == [name(4, 9), name(4, 10), name(4, 100)]
    assert sorted(first.frames) != list(first.frames)  # both public loaders sort texts


def test_people_count_from_zero_and_everybody_is_somebody(tree: Tree) -> None:
    (split,) = AgVpreid().read(tree.root).splits
    assert [(t.person_name, t.pid, t.camera_name) for t in split.train] == [
        ("0", 1, "C1"),
        ("0", 1, "C4"),
        ("12", 13, "C5"),
    ]


def test_the_numbers_of_people_do_not_depend_on_who_else_is_there(tree: Tree) -> None:
    """The baseline numbers the people of query and gallery apart: without one of them, the others' numbers move."""
    shutil.rmtree(tree.root / "case1_aerial_to_ground/gallery/1604")
    (split,) = AgVpreid().read(tree.root, "aerial-to-ground").splits
    assert {t.pid for row in split.query if (t := split.test[row])} == set(range(1605, 1615))
    assert {t.pid for row in split.gallery if (t := split.test[row])} == set(range(1606, 1615))


def test_a_case_has_its_queries_and_its_gallery(tree: Tree) -> None:
    sizes = {}
    for variant in AgVpreid.variants:
        (split,) = AgVpreid().read(tree.root, variant).splits
        sizes[variant] = (len(split.train), len(split.query), len(split.gallery))
    assert sizes == {"all-cases": (3, 30, 31), "aerial-to-ground": (3, 10, 20), "ground-to-aerial": (3, 20, 11)}
    (split,) = AgVpreid().read(tree.root).splits
    parts = reader.vreid_protocols()["ag-vpreid"].divide(split)
    assert {case: (len(part.query), len(part.gallery)) for case, part in parts.items()} == {
        "aerial-to-ground": (10, 20),
        "ground-to-aerial": (20, 11),
    }
    assert split.test[0].attribute("case") == "aerial-to-ground"


def test_a_tracklet_has_the_attributes_of_its_name_and_of_its_person(tree: Tree) -> None:
    dataset = AgVpreid().read(tree.root, "aerial-to-ground")
    known = dict(dataset.splits[0].test[0].attributes)
    assert (known["platform"], known["altitude"], known["gender"], known["hair_color"]) == ("uav", "80", "0", "1")
    assert len(known) == 4 + 15
    assert dataset.unscored is None
    assert dataset.notes == ()


def test_without_tables_it_cannot_be_told_whether_identities_are_masked(tree: Tree) -> None:
    shutil.rmtree(tree.root / "attributes")
    dataset = AgVpreid().read(tree.root)
    assert dataset.unscored is None
    (note,) = dataset.notes
    assert "it cannot be told whether the test identities of this copy are masked" in note
    assert note in AgVpreid().verify(tree.root).notes


def test_masked_identities_are_recognised_by_the_tables(tree: Tree) -> None:
    mask(tree.root)
    for variant in AgVpreid.variants:
        dataset = AgVpreid().read(tree.root, variant)
        assert dataset.unscored is not None
        assert dataset.unscored.reason == (
            "Its test identities are masked, as in the copy of the challenge: by the tables of "
            "case1_aerial_to_ground, people of the queries have in the gallery another gender (10 of 10), another age "
            "(10 of 10), another ethnicity (9 of 10), another hair color (10 of 10)."
        )


def test_a_table_that_was_annotated_anew_in_one_column_is_no_mask(tree: Tree) -> None:
    lines = tree.tables["case1 gallery"]
    tree.tables["case1 gallery"] = [lines[0], *(line.replace(line.split(",")[1], "2", 1) for line in lines[1:])]
    changed = [line.split(",") for line in lines[1:]]
    tree.tables["case1 gallery"] = [lines[0], *(",".join([cells[0], "2", *cells[2:]]) for cells in changed)]
    assert AgVpreid().read(tree.write().root).unscored is None


@pytest.mark.parametrize(("slips", "masked"), [(2, False), (3, True)])
def test_a_few_slips_of_the_annotators_are_no_mask(tree: Tree, slips: int, masked: bool) -> None:
    """Of ten people, two who differ in gender and in age are fewer than a quarter, three are more."""
    lines = tree.tables["case1 gallery"]
    for place in range(1, 1 + slips):
        person, _, _, *others = lines[place].split(",")
        lines[place] = ",".join([person, "2", "9", *others])
    assert (AgVpreid().read(tree.write().root).unscored is not None) == masked


def test_a_case_without_anybody_of_the_queries_in_its_gallery_is_masked(tree: Tree) -> None:
    shutil.rmtree(tree.root / "attributes")
    gallery = tree.root / "case1_aerial_to_ground/gallery"
    for person in list(gallery.iterdir()):
        person.rename(gallery / f"5{person.name}")
    dataset = AgVpreid().read(tree.root)
    assert dataset.unscored is not None
    assert "in case1_aerial_to_ground, nobody of the queries is in the gallery" in dataset.unscored.reason


# One query of person 1604 in the air, and the ranks of its two tracklets on the ground among 20 of ten people.
@pytest.mark.parametrize(
    ("ranks", "full"), [((1, 2), 1.0), ((2, 4), (1 / 2 + 2 / 4) / 2), ((19, 20), (1 / 19 + 2 / 20) / 2)]
)
def test_a_ranking_scored_by_hand(tree: Tree, ranks: tuple[int, int], full: float) -> None:
    (split,) = AgVpreid().read(tree.root, "aerial-to-ground").splits
    own = [place for place, row in enumerate(split.gallery) if split.test[row].person == "1604"]
    others = [rank for rank in range(1, 21) if rank not in ranks]
    distance = np.zeros((1, 20), np.float32)
    distance[0, own] = ranks
    distance[0, [place for place in range(20) if place not in own]] = others
    labels = Labels.of(type(split)(split.train, split.test, split.query[:1], split.gallery))
    counts = count_from_distances([(slice(0, 1), distance)], labels)
    rules = [Registry.installed().get("conventions", each) for each in (reader.FULL, reader.CUT)]
    for found in judge(counts, rules).values():  # all 20 count in both
        assert found.metrics()["mAP"] == pytest.approx(full)


def test_a_match_behind_rank_20_counts_as_never_found() -> None:
    """21 items: one match at rank 2, the other at 21. Full: (1/2 + 2/21) / 2; cut: (1/2) / 2."""
    labels = Labels(np.array([1, *([2] * 19), 1, 1]), np.arange(22), np.array([0]), np.arange(1, 22))
    distance = np.array([[3, 1, *range(4, 21), 2, 21]], np.float32)
    pids = labels.pids[labels.gallery][np.argsort(distance[0])]
    assert np.flatnonzero(pids == 1).tolist() == [1, 20]
    rules = [Registry.installed().get("conventions", each) for each in (reader.FULL, reader.CUT)]
    found = judge(count_from_distances([(slice(0, 1), distance)], labels), rules)
    assert found[reader.FULL].metrics()["mAP"] == pytest.approx((1 / 2 + 2 / 21) / 2)
    assert found[reader.CUT].metrics()["mAP"] == pytest.approx((1 / 2) / 2)


def test_protocols_and_conventions_fit_one_another() -> None:
    protocols = reader.vreid_protocols()
    assert set(protocols) == {"ag-vpreid", "ag-vpreid-aerial-to-ground", "ag-vpreid-ground-to-aerial"}
    assert protocols["ag-vpreid"].conditions == ("aerial-to-ground", "ground-to-aerial")
    assert protocols["ag-vpreid"].leading == 2
    assert len({protocol.fingerprint for protocol in protocols.values()}) == 3
    assert reader.vreid_conventions()["first-20"].rules["cut"] == 20


def test_a_variant_that_is_not_there_is_refused(tree: Tree) -> None:
    with pytest.raises((InputError, KeyError)):
        AgVpreid().read(tree.root, "aerial-to-aerial")
