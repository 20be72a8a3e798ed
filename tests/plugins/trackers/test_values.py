"""Names of what is logged, and packages that are not installed."""

import pytest

from vreid_bench import InputError
from vreid_plugins.trackers.values import import_package, list_scores, name_place


@pytest.mark.parametrize(
    ("splits", "split", "training", "stage", "name"),
    [(1, 0, 0, 0, "stage1"), (10, 3, 0, 1, "split3-stage2"), (1, 0, 1, 0, "training2-stage1")],
)
def test_a_place_is_named_by_what_there_are_several_of(splits, split, training, stage, name):
    assert name_place({"splits": splits, "split": split, "training": training, "stage": stage}) == name


def test_scores_are_those_of_conventions_splits_and_conditions():
    metrics = dict.fromkeys(("R1", "R5", "R10", "R20", "mINP"), 0.0)
    both = [{"mAP": 0.25, **metrics}, {"mAP": 0.75, **metrics}]
    spoiled = {"official": {"mAP": 0.125, **metrics, "splits": both}}
    record = {
        "conventions": {"official": {"mAP": 0.5, **metrics, "splits": both}},
        "conditions": [{"name": "M5", "conventions": spoiled}],
        "splits": {"total": 10, "ran": [2, 7]},
    }
    found = {name: value for name, value in list_scores(record) if name.endswith("mAP")}
    assert found == {
        "official/mAP": 0.5,
        "split2/official/mAP": 0.25,
        "split7/official/mAP": 0.75,
        "M5/official/mAP": 0.125,
    }


def test_a_package_that_is_missing_is_one_sentence_with_what_to_do():
    with pytest.raises(
        InputError, match=r"--tracker mlflow: no_such_package cannot be imported .*vreid-bench\[mlflow\]"
    ):
        import_package("no_such_package", "mlflow")
