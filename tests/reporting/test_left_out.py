"""Queries of a run that do not count are told with their number and the conventions."""

import json
from dataclasses import replace

import numpy as np
from judged_run import write_judged_run
from oracle import by_hand, labels, takes_part

from vreid_bench.contracts.convention import Having
from vreid_bench.records.record import Record
from vreid_bench.records.run_directory import RunDirectory
from vreid_bench.reporting.left_out import list_left_out
from vreid_bench.scoring.conventions import CONVENTIONS

HEAD = next(rule for rule in CONVENTIONS if rule.name == "queries-in-gallery")


def test_queries_without_a_match_are_told_and_those_that_take_no_part_are_not_among_them(tmp_path):
    who = labels([1, 1, 2, 2, 3, 4], [1, 2, 1, 2, 1, 1], range(6), range(6))  # 3 and 4 are seen once
    who = replace(who, attributes={"zone": np.array(["gate", "yard", "gate", "yard", "gate", "yard"])})
    rules = [
        HEAD,
        replace(HEAD, name="a", query=(Having("zone", ("gate",)),)),
        replace(HEAD, name="b", unmatched="zero"),
    ]
    distances = np.random.default_rng(0).standard_normal((6, 6))
    run = RunDirectory(write_judged_run(tmp_path, [(who, distances)], rules))
    expected = {}
    for rule in rules:
        scored = [not np.isnan(row[0]) for row in by_hand(distances, who, rule)]
        asked = [takes_part(who, row, rule.query, 0) for row in who.query]
        expected[rule.name] = (sum(asked) - sum(scored), sum(asked))
    assert expected == {HEAD.name: (2, 6), "a": (1, 3), "b": (0, 6)}
    record = Record.from_file(run.record)
    assert list_left_out(run, record) == [
        "note: 2 of 6 queries have no match under queries-in-gallery, and do not count",
        "note: 1 of 3 queries have no match under a, and do not count",
    ]
    run.per_query.unlink()
    assert list_left_out(run, record) == []


def test_of_several_rankings_their_number_stands_beside_that_of_the_queries(tmp_path):
    """Each condition asks all queries again: 2 of 6 under three conditions are 6 of 18."""
    who = labels([1, 1, 2, 2, 3, 4], [1, 2, 1, 2, 1, 1], range(6), range(6))
    test = who, np.random.default_rng(0).standard_normal((6, 6))
    run = RunDirectory(write_judged_run(tmp_path, [test] * 3, [HEAD]))
    fields = json.loads(run.record.read_bytes())
    scores = fields["conventions"][HEAD.name]
    fields["conventions"][HEAD.name] = scores | {"splits": scores["splits"] * 3}
    assert list_left_out(run, Record.of(fields | {"people": []})) == [
        "note: 6 of 18 queries in 3 rankings have no match under queries-in-gallery, and do not count"
    ]
