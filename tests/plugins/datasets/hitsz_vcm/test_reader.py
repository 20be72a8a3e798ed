"""Reading HITSZ-VCM: tracklets and their modality, three layouts, and both directions scored by hand."""

from pathlib import Path

import numpy as np
import pytest
from hitsz_tree import Tree

from vreid_bench.contracts.dataset import CheckingReader, DatasetReader, Split, TwinReader, VariantReader
from vreid_bench.planning.folds import drop_short
from vreid_bench.scoring.conventions import CONVENTIONS
from vreid_bench.scoring.metrics import judge
from vreid_bench.scoring.ranks.counting import count_from_distances
from vreid_bench.scoring.ranks.labels import Labels
from vreid_plugins.datasets.hitsz_vcm import reader
from vreid_plugins.datasets.hitsz_vcm.reader import RULES, VARIANTS, HitszVcm


def test_it_is_a_reader_of_two_variants_that_verifies_and_synthesizes() -> None:
    for contract in (DatasetReader, VariantReader, CheckingReader, TwinReader):
        assert isinstance(HitszVcm(), contract)
    assert isinstance(reader.vreid_datasets()["hitsz-vcm"], HitszVcm)


def test_the_listed_rows_search_among_the_others_and_the_other_way_when_swapped(tree: Tree) -> None:
    dataset = HitszVcm().read(tree.root)
    (split,), (swapped,) = dataset.splits, HitszVcm().read(tree.root, VARIANTS[1]).splits
    assert (split.query, split.gallery) == ((3, 4, 6, 8), (0, 1, 2, 5, 7))
    assert (swapped.query, swapped.gallery) == (split.gallery, split.query)
    assert (swapped.train, swapped.test) == (split.train, split.test)
    assert [(t.pid, t.camid, len(t.frames)) for t in split.train] == [(1, 3, 12), (1, 3, 13), (2, 12, 3)]
    assert dataset.notes == ()


def test_a_tracklet_has_its_modality_its_frames_in_order_of_number_and_names(tree: Tree) -> None:
    (split,) = HitszVcm().read(tree.root).splits
    seen, unseen = split.train[:2]
    assert (dict(seen.attributes), dict(unseen.attributes)) == ({"modality": "visible"}, {"modality": "infrared"})
    assert seen.frames[:3] == ("0001/rgb/D3/1.jpg", "0001/rgb/D3/6.jpg", "0001/rgb/D3/11.jpg")
    assert unseen.frames[0] == "0001/ir/D3/1.jpg"
    assert (seen.person_name, seen.camera_name, split.train[2].camera_name) == ("0001", "D3", "D12")
    assert all((tree.root / frame).is_file() for t in split.train + split.test for frame in t.frames)


@pytest.mark.parametrize("lists", ["", "info"])
@pytest.mark.parametrize("parts", [False, True])
def test_lists_at_the_root_or_in_info_and_people_at_the_root_or_in_parts(
    tmp_path: Path, lists: str, parts: bool
) -> None:
    (split,) = HitszVcm().read(Tree(tmp_path / "data", lists, parts).write().root).splits
    (plain,) = HitszVcm().read(Tree(tmp_path / "plain").write().root).splits
    assert (split.query, split.gallery) == (plain.query, plain.gallery)
    assert all((tmp_path / "data" / frame).is_file() for t in split.train + split.test for frame in t.frames)
    assert split.train[0].frames[0] == ("Train/" if parts else "") + plain.train[0].frames[0]
    assert [t[1:] for t in split.test] == [t[1:] for t in plain.test]


def test_lists_in_both_places_may_be_there_if_they_are_equal(tree: Tree) -> None:
    expected = HitszVcm().read(tree.root).splits
    tree.lists = tree.root / "info"
    assert HitszVcm().read(tree.write().root).splits == expected
    (tree.root / "query_IDX.txt").unlink()
    assert HitszVcm().read(tree.root).splits == expected


def score(split: Split, name: str, distances: list[list[float]]) -> tuple[float, list[int]]:
    """mAP and first ranks from 0 (-1 without a match) under one convention; a column for each gallery tracklet."""
    rules = {each.name: each for each in CONVENTIONS} | dict(reader.vreid_conventions())
    who = Labels.of(split).for_conventions([rules[name]])
    counts = count_from_distances([(slice(None), np.array(distances, np.float32))], who)
    found = judge(counts, [rules[name]])[name]
    return found.metrics()["mAP"], found.first_rank.tolist()


def test_infrared_to_visible_by_hand(tree: Tree) -> None:
    """Gallery: rows 1, 2, 3 of person 503 in cameras 3, 4, 4 (row 3 has 5 frames), 6 of 504, 8 of 505.

    Query row 4 (503, camera 3) ranks 1, 3, 6, 2, 8. Row 1 is of its camera, row 3 has too few frames: both take no
    rank. What is left is 6, 2, 8, and the match is second: AP 1/2. Row 5 has 11 frames and does not ask. Row 7 (504,
    camera 4) finds its person in its own camera only: no match, no score. Row 9 (505, camera 7) has its match third of
    1, 2, 8, 6: AP 1/3.
    """
    (split,) = HitszVcm().read(tree.root).splits
    distances = [
        [1, 4, 2, 3, 5],  # row 4
        [1, 2, 3, 4, 5],
        [1, 2, 3, 0, 5],  # row 7
        [1, 2, 0, 4, 3],  # row 9
    ]
    mean, first = score(split, "infrared-to-visible-from-12-frames", distances)
    assert first == [1, -1, -1, 2]
    assert mean == pytest.approx((1 / 2 + 1 / 3) / 2)
    # As listed, the short ones take part: row 4 ranks 3, 6, 2, 8 with matches 1 and 3, AP (1/1 + 2/3) / 2 = 5/6; row 5
    # finds its person on the first three ranks, AP 1; row 9 has its match fourth of 3, 1, 2, 8, 6: AP 1/4.
    mean, first = score(split, "gallery-as-listed", distances)
    assert first == [0, 0, -1, 3]
    assert mean == pytest.approx((5 / 6 + 1 + 1 / 4) / 3)


def test_visible_to_infrared_by_hand(tree: Tree) -> None:
    """Gallery: rows 4, 5 (11 frames) of 503 in cameras 3, 5; 7 of 504 in camera 4; 9 of 505 in camera 7.

    Query row 1 (503, camera 3): row 4 is of its camera and row 5 too short: no match. Row 2 (503, camera 4) ranks 7, 4,
    9: AP 1/2. Row 3 is too short to ask. Row 6 (504, camera 4): its person in its camera only. Row 8 (505, camera 6)
    ranks 9 first: AP 1.
    """
    (split,) = HitszVcm().read(tree.root, VARIANTS[1]).splits
    distances = [[1, 2, 3, 4], [2, 0, 1, 3], [1, 2, 3, 4], [1, 2, 0, 4], [3, 4, 2, 1]]
    mean, first = score(split, "visible-to-infrared-from-12-frames", distances)
    assert first == [-1, 1, -1, -1, 0]
    assert mean == pytest.approx((1 / 2 + 1) / 2)


def test_roles_go_by_modality_where_the_list_does_not(tree: Tree) -> None:
    tree.query = "1 4 9\n"  # row 1 is visible, rows 5 and 7 are infrared
    dataset = HitszVcm().read(tree.write().root)
    (note,) = dataset.notes
    assert note.startswith("1 visible tracklets are among the queries and 2 infrared ones among the others; the conv")
    mean, first = score(dataset.splits[0], RULES[0], [[1] * 6, [5, 6, 1, 2, 3, 4], [5, 6, 1, 2, 3, 4]])
    # left of the gallery are rows 2, 6, 8: row 4 has its match third, row 9 second
    assert first == [-1, 2, 1]
    assert mean == pytest.approx((1 / 3 + 1 / 2) / 2)


def test_training_leaves_short_tracklets_out(tree: Tree) -> None:
    protocol = reader.vreid_protocols()["hitsz-vcm-infrared-to-visible"]
    (split,) = HitszVcm().read(tree.root).splits
    assert [len(t.frames) for t in drop_short(split, protocol.least_training_frames).train] == [12, 13]


def test_both_protocols_are_headed_by_their_direction_and_name_the_least_length() -> None:
    protocols, conventions = reader.vreid_protocols(), reader.vreid_conventions()
    assert list(protocols) == [f"hitsz-vcm-{variant}" for variant in VARIANTS]
    for variant, rule, protocol in zip(VARIANTS, RULES, protocols.values(), strict=True):
        assert (protocol.variant, protocol.headline) == (variant, rule)
        assert protocol.conventions == (rule, "gallery-as-listed")
        assert protocol.rules["least_training_frames"] == conventions[rule].rules["least_frames"] == 12
    assert len({each.fingerprint for each in (*protocols.values(), *conventions.values())}) == 4
