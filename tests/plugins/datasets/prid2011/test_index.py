"""The folders and the split files of PRID2011, each damaged in one way."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from faults import Faults, check_fault
from two_cameras import (
    ELIGIBLE,
    MULTI_SHOT,
    orders,
    put,
    sequence,
    write_lists,
    write_orders,
)

from vreid_plugins.datasets.prid2011.index import MATRICES
from vreid_plugins.datasets.prid2011.reader import Prid2011

fault = Faults()


def edited(change: Callable[[list[dict[str, list[str]]]], object]) -> Callable[[Path], object]:
    """A damage that changes the lists."""
    return lambda root: write_lists(root, change)


@fault(r"cam_a holds person_0007, who is not in .*cam_b, expected the same persons in both")
def shared_person_in_one_camera(root: Path) -> None:
    sequence(root, "a", 7, 30)


@fault(r"ls_set is 10 x 5, expected 10 x 4, .* This copy has 4 persons of at least 27 frames .* and 5 of at")
def matrix_of_the_rule_that_papers_print(root: Path) -> None:
    write_orders(root, orders((1, 2, 3, 4, 5)), MATRICES[0])


@fault(r"splits_prid2011\.json, split 0: 'person_0003' is not among the persons, expected the 4 .* has 4 pers")
def lists_name_a_short_person(root: Path) -> None:
    edited(lambda lists: lists[0]["train"].append("person_0003"))(root)


@fault(r"split 2: 'person_0001' is in neither half, expected all 4 of this copy")
def lists_lose_a_person(root: Path) -> None:
    edited(lambda lists: [half.remove("person_0001") for half in lists[2].values() if "person_0001" in half])(root)


@fault(r"split 1: 'person_0001' is both trained on and tested, expected nobody in both")
def lists_overlap(root: Path) -> None:
    edited(lambda lists: lists[1]["test"].append("person_0001"))(root)


@fault(r"split 0: 'person_0001' is listed twice, expected once")
def lists_repeat_a_person(root: Path) -> None:
    edited(lambda lists: lists[0]["test"].append("person_0001"))(root)


@fault(r"split 0: 3 persons for training and 1 for testing, expected halves")
def lists_of_unequal_parts(root: Path) -> None:
    edited(lambda lists: lists[0]["train"].append(lists[0]["test"].pop()))(root)


@fault(r"splits_prid2011\.json is not a list of splits, expected a list of 10 objects")
def nine_lists(root: Path) -> None:
    edited(lambda lists: lists.pop())(root)


@fault(r"splits_prid2011\.json is not a list of splits")
def lists_of_numbers(root: Path) -> None:
    put(root / "splits_prid2011.json", json.dumps([{"train": [1], "test": [2]}] * 10).encode())


@fault(r"splits_prid2011\.json cannot be read as JSON")
def lists_cut_short(root: Path) -> None:
    put(root / "splits_prid2011.json", b'[{"train": [')


@fault(r"prid2011: 1 persons have 27 frames in both cameras, expected two or more\.")
def nobody_long_enough(root: Path) -> None:
    for person in ELIGIBLE[1:]:
        (root / MULTI_SHOT / f"cam_b/person_{person:04d}/0001.png").unlink()
        (root / MULTI_SHOT / f"cam_b/person_{person:04d}/0002.png").unlink()
        for frame in range(1, 30):
            (root / MULTI_SHOT / f"cam_a/person_{person:04d}/{frame:04d}.png").unlink(missing_ok=True)
        put(root / MULTI_SHOT / f"cam_a/person_{person:04d}/0001.png")


@pytest.mark.parametrize("name", fault)
def test_a_damaged_tree_is_reported_in_a_sentence(shots: Path, name: str) -> None:
    damage, message = fault[name]
    damage(shots)
    check_fault(Prid2011(), shots, message)
