"""Ties of a run: the numbers of `score` on the same vectors, summed over rankings, in its record and its report."""

import json
from dataclasses import replace

import numpy as np
import places
import pytest
import torch
from oracle import labels

from vreid_bench import Clips
from vreid_bench.evaluation.evaluate import Result
from vreid_bench.evaluation.run_scores import score_run
from vreid_bench.evaluation.run_ties import count_run_ties
from vreid_bench.evaluation.strategies.strategy import Case
from vreid_bench.records.record import Record
from vreid_bench.reporting.run_report import as_json
from vreid_bench.reporting.terminal import render
from vreid_bench.scoring.conventions import CONVENTIONS, MARS
from vreid_bench.scoring.metrics import Outcome, judge
from vreid_bench.scoring.ranks.by_matcher import rank_by_matcher
from vreid_bench.scoring.ties import Ties
from vreid_plugins.datasets.mars.reader import vreid_protocols
from vreid_plugins.matchers.mean import Mean

RULES = [convention for convention in CONVENTIONS if convention.name in MARS]
GOLDEN = json.loads((places.GOLDEN / "record.json").read_text())


@pytest.fixture
def ranked():
    """Four people in two cameras; the vectors of persons 1 and 2 are equal, so 4 of their 4 matches tie."""
    pids, camids = np.repeat([1, 2, 3, 4], 2), np.tile([1, 2], 4)
    who = labels(pids, camids, np.arange(8), np.arange(8)).for_conventions(RULES)
    vectors = torch.eye(5)[[1, 1, 1, 1, 3, 3, 4, 4]]
    matcher, clips = Mean(5), Clips.single(vectors)
    counts = rank_by_matcher(matcher, (clips, clips), who)
    case = Case("", clips, clips, who, [1] * 8)
    return matcher, case, Outcome(who, counts, judge(counts, RULES))


def test_they_are_counted_under_every_convention_that_was_applied(ranked):
    matcher, case, outcome = ranked
    found = count_run_ties(matcher, case, outcome, RULES)
    assert found["queries-in-gallery"] == found["official"] == Ties(4, 8)
    assert "torchreid" not in found  # with all queries out of the gallery, nobody has a match


def test_they_are_not_counted_for_pairs_of_clips(ranked):
    _, case, outcome = ranked
    assert count_run_ties(object(), case, outcome, RULES) == {}


@pytest.mark.parametrize(("second", "total"), [(Ties(1, 8), {"tied": 5, "matches": 16}), (None, None)])
def test_the_record_has_the_sum_over_rankings_or_nothing(ranked, second, total):
    _, _, outcome = ranked
    both = [Ties(4, 8), second]
    results = [
        Result("", outcome, [1] * 8, None, {} if ties is None else {rule.name: ties for rule in RULES}) for ties in both
    ]
    protocol = replace(vreid_protocols()["mars"])
    fields = score_run(protocol, RULES, results, [0, 1]).fields
    assert fields["conventions"]["official"]["ties"] == total


@pytest.mark.parametrize(("tied", "told"), [(0, False), (600, True)])
def test_a_terminal_tells_ties_that_decide_a_score(tied, told):
    fields = json.loads(json.dumps(GOLDEN))
    fields["conventions"]["queries-in-gallery"]["ties"] = {"tied": tied, "matches": 1000}
    text = render([Record.of(fields)])
    assert ("note: 600 of 1,000 matches are exactly as near as an item that is no match" in text) is told
    assert "exactly as near" not in render([Record.of(GOLDEN)])


def test_a_run_of_few_people_reports_no_interval():
    fields = json.loads(json.dumps(GOLDEN))
    fields["people"] = [{"queries": [1] * 9, "AP": [1.0] * 9, "R1": [1] * 9}]
    found = as_json(Record.of(fields))["conventions"]["queries-in-gallery"]
    assert found["interval"] == {"mAP": None, "R1": None}
    assert found["no_interval"].startswith("9 people were queried; of fewer than 10")
    fields["people"] = []
    assert as_json(Record.of(fields)) == Record.of(fields).metrics()  # older records do not tell
