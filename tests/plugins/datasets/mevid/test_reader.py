"""Reading MEVID: the tracklets, their outfit, place and scale, and the modes on a tiny example."""

from dataclasses import replace

import numpy as np
import pytest
from mevid_tree import Tree

from vreid_bench.contracts.dataset import CheckingReader, DatasetReader, TwinReader
from vreid_bench.scoring.metrics import judge
from vreid_bench.scoring.ranks.counting import count_from_distances
from vreid_bench.scoring.ranks.labels import Labels
from vreid_plugins.datasets.mevid import reader
from vreid_plugins.datasets.mevid.reader import Mevid


def test_it_is_a_reader_that_verifies_and_synthesizes() -> None:
    for contract in (DatasetReader, CheckingReader, TwinReader):
        assert isinstance(Mevid(), contract)
    assert isinstance(reader.vreid_datasets()["mevid"], Mevid)


def test_queries_come_first_and_the_gallery_is_every_other_row(tree: Tree) -> None:
    (split,) = Mevid().read(tree.root).splits
    assert [(t.pid, t.camid, len(t.frames)) for t in split.train] == [(103, 424, 10), (103, 330, 2), (104, 424, 3)]
    assert [(t.pid, t.camid, len(t.frames)) for t in split.test[:3]] == [(201, 330, 3), (202, 336, 4), (201, 329, 2)]
    assert (split.query, split.gallery) == ((0, 1), (2, 3, 4, 5, 6, 7))
    assert split.train[0].frames[-1] == "bbox_train/0103/0103O020C424T000F00009.jpg"  # the end is inclusive
    assert all((tree.root / frame).is_file() for t in split.train + split.test for frame in t.frames)
    assert (split.test[0].person_name, split.test[0].camera_name) == ("0201", "C330")


def test_a_tracklet_has_outfit_place_and_scale(tree: Tree) -> None:
    dataset = Mevid().read(tree.root)
    test = dataset.splits[0].test
    assert [dict(t.attributes) for t in test[:2]] == [
        {"outfit": "003", "place": "indoor", "scale": "large"},
        {"outfit": "003", "place": "outdoor", "scale": "medium"},
    ]
    assert dict(test[-1].attributes) == {"outfit": "001", "place": "unlisted", "scale": "unlisted"}
    assert dataset.notes == tuple(
        f"The {name} of 1 test tracklets is not known; no score depends on it, as their persons have no other tracklet."
        for name in ("place", "scale")
    )


def test_scales_go_by_name_and_not_by_row(tree: Tree) -> None:
    """The published list lacks a row in the middle: every row after it would have another tracklet's scale."""
    expected = Mevid().read(tree.root).splits
    tree.scales.reverse()
    assert Mevid().read(tree.write().root).splits == expected


def test_without_the_list_of_scales_no_tracklet_has_one_and_a_note_says_where_it_is(tree: Tree) -> None:
    (tree.root / "test_track_scale.txt").unlink()
    dataset = Mevid().read(tree.root)
    assert not any(t.attribute("scale") for t in dataset.splits[0].test)
    assert any("modes of scale cannot be scored; it lies in the repository Kitware/MEVID" in n for n in dataset.notes)


def test_an_empty_list_of_scales_is_a_fault_and_is_not_said_to_be_missing(tree: Tree) -> None:
    tree.scales = []
    found = Mevid().verify(tree.write().root)
    assert any("test_track_scale.txt is empty" in problem for problem in found.problems)
    assert not any("is not there" in note for note in found.notes)


def test_frames_listed_out_of_order_are_put_in_order_of_their_number(tree: Tree) -> None:
    expected = Mevid().read(tree.root).splits
    tree.names["train"][:10] = tree.names["train"][9::-1]
    assert Mevid().read(tree.write().root).splits == expected


# The query is person 201 in outfit 3, indoors and large. Of the rows 1 to 4 of that person, those that are a match:
MATCHES = {
    "overall": (1, 2, 3, 4),
    "same-outfit": (1, 2),
    "other-outfit": (3, 4),
    "same-place": (1, 4),
    "other-place": (2, 3),
    "same-scale": (1, 3),
    "other-scale": (2, 4),
}


@pytest.mark.parametrize("first", [1, 2, 3, 4])
@pytest.mark.parametrize("name", MATCHES)
def test_a_mode_scored_by_hand(tree: Tree, name: str, first: int) -> None:
    """One of the rows comes before the negative row 5, the others after it: only where it is a match does AP change."""
    (split,) = Mevid().read(tree.root).splits
    split = replace(split, query=split.query[:1])
    distance = {1: 1.0, 2: 2.0, 3: 3.0, 4: 4.0, 5: 0.5, 7: 9.0} | {first: 0.1}  # of the rows of the index
    distances = np.array([[distance[row] for row in (1, 2, 3, 4, 5, 7)]], np.float32)  # in order of the gallery
    counts = count_from_distances([(slice(0, 1), distances)], Labels.of(split))
    found = judge(counts, [reader.vreid_conventions()[name]])[name]
    if name == "overall":
        by_hand = (1 / 1 + 2 / 3 + 3 / 4 + 4 / 5) / 4
    elif first in MATCHES[name]:
        by_hand = (1 / 1 + 2 / 3) / 2
    else:
        by_hand = (1 / 2 + 2 / 3) / 2  # the first row takes no rank
    assert found.metrics()["mAP"] == pytest.approx(by_hand)


def test_every_protocol_is_ranked_by_its_own_mode() -> None:
    protocols, conventions = reader.vreid_protocols(), reader.vreid_conventions()
    assert len(protocols) == len(conventions) == 7
    assert protocols["mevid"].headline == "overall"
    assert all(p.name == f"mevid-{p.headline}" for p in protocols.values() if p.name != "mevid")
    assert set(protocols["mevid-same-scale"].conventions) == set(conventions)
    assert not any("scale" in name for name in protocols["mevid"].conventions)
    assert len({c.fingerprint for c in conventions.values()}) == len({p.fingerprint for p in protocols.values()}) == 7
