"""A test by cases: each query searches the gallery of its own case, and the row is the mean over the cases."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from oracle import by_hand

from vreid_bench import Cases, Convention, Dataset, InputError, Part, Split, Tracklet
from vreid_bench.contracts.protocol import DividingStrategy
from vreid_bench.evaluation.evaluate import Result
from vreid_bench.evaluation.rehearsal import rehearse_cases
from vreid_bench.evaluation.run_scores import score_run
from vreid_bench.evaluation.strategies.strategy import TestStrategy as Strategy
from vreid_bench.planning.fold_check import find_fold_faults
from vreid_bench.planning.folds import Fold
from vreid_bench.records.feature_store import FeatureStore
from vreid_bench.registry.registry import Registry
from vreid_bench.scoring.metrics import Outcome, judge
from vreid_bench.scoring.ranks.counting import count_from_distances
from vreid_bench.scoring.ranks.labels import Labels
from vreid_plugins.matchers.mean import Mean

TWO = Cases(("down", "up"))
REGISTRY = Registry.installed()


def tracklet(pid, camid, case, row):
    return Tracklet((f"{row}.jpg",), pid, camid, (("case", case),))


def split(rows, query, gallery):
    return Split((), tuple(tracklet(*each, row) for row, each in enumerate(rows)), query, gallery)


# down: one query of person 1, whose match is second of two; up: two queries, whose matches are first.
ROWS = [(1, 1, "down"), (1, 1, "up"), (2, 1, "up"), (1, 2, "down"), (2, 2, "down"), (1, 2, "up"), (2, 2, "up")]
SMALL = split(ROWS, (0, 1, 2), (3, 4, 5, 6))


def test_it_is_a_strategy_that_divides():
    assert isinstance(TWO, Strategy)
    assert isinstance(TWO, DividingStrategy)
    assert (TWO.conditions, TWO.leading) == (("down", "up"), 2)


def test_values_must_be_different_ones():
    for values in ((), ("a", "a")):
        with pytest.raises(InputError, match="expected one or more different values of case"):
            Cases(values)


def test_each_case_has_its_own_queries_and_gallery():
    parts = TWO.divide(SMALL)
    assert {case: (part.query, part.gallery) for case, part in parts.items()} == {
        "down": ((0,), (3, 4)),
        "up": ((1, 2), (5, 6)),
    }
    assert all(part.test is SMALL.test for part in parts.values())


@pytest.mark.parametrize(("query", "gallery", "side"), [((1,), (3, 5), "query"), ((0, 1), (5,), "gallery tracklet")])
def test_a_case_without_one_of_its_sides_is_refused(query, gallery, side):
    with pytest.raises(InputError, match=f"no {side} has the case 'down'; choose another protocol"):
        TWO.divide(split(ROWS, query, gallery))


def results(strategy, test, vectors, conventions):
    """The results of a run whose features are these vectors."""
    store = FeatureStore(torch.tensor(vectors), torch.ones(len(vectors)), (1,) * len(vectors))
    found = []
    for case in strategy.cases({"features": store}, Mean("euclidean"), test):
        labels = case.labels.for_conventions(conventions)
        query, gallery = (np.asarray(vectors)[rows] for rows in (labels.query, labels.gallery))
        distances = ((query[:, None] - gallery) ** 2).sum(2).astype(np.float32)
        counts = count_from_distances([(slice(None), distances)], labels)
        outcome = Outcome(labels, counts, judge(counts, conventions))
        found.append(Result(case.condition, outcome, case.frames, None))
    return found


def protocol_with(strategy):
    """Any protocol, with this test."""
    return replace(REGISTRY.get("protocols", "ag-vpreid"), test=strategy)


def test_the_row_is_the_mean_over_the_cases_by_hand():
    """down: AP 1/2 of one query; up: AP 1 of two. The mean over cases is 3/4; that over queries would be 5/6."""
    protocol = protocol_with(TWO)
    conventions = [REGISTRY.get("conventions", each) for each in protocol.conventions]
    vectors = [[0.0], [10.0], [20.0], [2.0], [1.0], [10.5], [20.5]]
    scores = score_run(protocol, conventions, results(TWO, SMALL, vectors, conventions), [0])
    row = scores.fields["conventions"]["gallery-as-listed"]
    assert (row["mAP"], row["R1"], row["queries"]) == (pytest.approx(3 / 4), pytest.approx(1 / 2), 3)
    each = {one["name"]: one["conventions"]["gallery-as-listed"]["mAP"] for one in scores.fields["conditions"]}
    assert each == {"down": 0.5, "up": 1.0}


@pytest.mark.slow
def test_a_thousand_worlds_agree_with_the_rules_in_words():
    """Random people, cameras and ties in two or three cases, under both kinds of AP, cut or not, junk or not."""
    random = np.random.default_rng(25)
    compared = 0
    for _ in range(1000):
        cases = ("a", "b", "c")[: random.integers(2, 4)]
        size = int(random.integers(8, 40))
        drawn = zip(random.integers(1, 5, size).tolist(), random.integers(0, 3, size).tolist(), strict=True)
        rows = [(pid, camid, str(random.choice(cases))) for pid, camid in drawn]
        order = random.permutation(size).tolist()
        test = split(rows, tuple(order[: size // 2]), tuple(order[size // 2 :]))
        strategy = Cases(cases)
        rule = Convention(
            "drawn",
            "1",
            None,
            ["step", "trapezoid"][random.integers(2)],
            "skip",
            summary="",
            source="",
            same_camera=["junk", "match"][random.integers(2)],
            cut=int(random.choice([0, 3, 20])),
        )
        vectors = random.integers(0, 6, (size, 1)).astype(np.float32)  # ties are frequent
        try:
            parts = strategy.divide(test)
        except InputError:
            continue
        expected = {}
        for case, part in parts.items():
            who = Labels.of(part)
            distances = (vectors[who.query] - vectors[who.gallery].T) ** 2
            scores = [average for average, *_ in by_hand(distances, who, rule)]
            expected[case] = np.nanmean(scores) if not np.isnan(scores).all() else None
        if None in expected.values():
            continue
        protocol = replace(protocol_with(strategy), headline="drawn", conventions=("drawn",))
        found = score_run(protocol, [rule], results(strategy, test, vectors.tolist(), [rule]), [0]).fields
        assert found["conventions"]["drawn"]["mAP"] == pytest.approx(np.mean(list(expected.values())), rel=1e-12)
        for one in found["conditions"]:
            assert one["conventions"]["drawn"]["mAP"] == pytest.approx(expected[one["name"]], rel=1e-12)
        compared += 1
    assert compared > 500


@pytest.mark.parametrize("number", [1, 2, 3, 9])
def test_it_is_rehearsed_with_a_person_in_each_case(number):
    factory = REGISTRY.factory("matchers", REGISTRY.resolve("matchers", Part("mean")))
    _, cases = rehearse_cases(Cases(tuple(f"case {n}" for n in range(number))), factory, 4, "protocol 'p'")
    assert len(cases) == min(number, 6)


def test_a_case_whose_queries_have_no_match_is_told_before_training(tmp_path):
    """In the whole test everybody has a match; within the case `down` nobody has."""
    rows = [(1, 1, "down"), (1, 1, "up"), (2, 2, "down"), (1, 2, "up")]
    test = split(rows, (0, 1), (2, 3))
    fold = Fold(0, (), Dataset("yard", tmp_path, (test,), "unverified"), test)
    protocol = protocol_with(TWO)
    conventions = [REGISTRY.get("conventions", each) for each in protocol.conventions]
    (sentence,) = find_fold_faults(protocol, conventions, [fold], trains=False)
    assert "cannot be ranked under 'gallery-as-listed'" in sentence
    assert "0.jpg of person 1 in camera 1" in sentence
