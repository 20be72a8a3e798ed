"""Which rows a claim is about, and what is said of them."""

import json

import numpy as np
import pytest
from claim_cases import HEAD, PEOPLE, describe_people, make_claim, make_record, summarize
from hypothesis import given, settings
from hypothesis import strategies as st

from vreid_bench.records.record import Record
from vreid_bench.reporting.claims import Claims, Unjudged
from vreid_bench.reporting.judgement import NO_ROWS, judge_claim, judge_papers, to_plain
from vreid_bench.scoring.hierarchical_bootstrap import FAILS, HOLDS, OPEN
from vreid_bench.system.fingerprint import digest

FLIPPED = {HOLDS: FAILS, FAILS: HOLDS, OPEN: OPEN, NO_ROWS: NO_ROWS}
SPREAD = np.linspace(0.2, 0.6, PEOPLE)


def runs(method, *scores, **changes):
    """A record for each seed."""
    return [make_record(method, seed, score, **changes) for seed, score in enumerate(scores)]


def judge(claim, *rows):
    """The only judgement."""
    [judgement] = judge_claim(claim, [record for row in rows for record in row])
    return judgement


def change_rules(**rules):
    """Changes of a record that give its protocol other rules, and the name of `name` if there is one."""
    fields = json.loads(make_record().to_json())["protocol"]["rules"] | rules
    changes = {"protocol__rules": fields, "protocol__fingerprint": digest(fields)}
    return changes | ({"protocol__name": rules["name"]} if "name" in rules else {})


@pytest.mark.parametrize(("good", "verdict"), [(0.3, HOLDS), (-0.1, FAILS)])
def test_three_seeds_on_each_side(good, verdict):
    better = runs("good", *(SPREAD + good + 0.01 * seed for seed in range(3)))
    worse = runs("bad", *(SPREAD + 0.01 * seed for seed in range(3)))
    got = judge(make_claim(), better, worse)
    assert got.verdict == verdict
    assert got.seeds == (3, 3)
    assert not got.is_single
    assert got.paired
    assert got.means == pytest.approx((0.41 + good, 0.41))
    assert got.difference == pytest.approx(good)
    assert got.interval[0] < good < got.interval[1]
    assert (got.protocol, got.preset, got.source, got.splits) == ("mars", "small", "synthetic", "")


def test_seeds_that_differ_more_than_the_methods_tell_nothing():
    better = runs("good", *(SPREAD + shift for shift in (-0.15, 0.0, 0.21)))
    worse = runs("bad", *(SPREAD + shift for shift in (-0.15, 0.0, 0.15)))
    assert judge(make_claim(), better, worse).verdict == OPEN


def test_one_seed_is_marked_whatever_the_verdict():
    for better, worse in ((1, 3), (3, 1), (1, 1)):
        got = judge(make_claim(), runs("good", *[SPREAD + 0.3] * better), runs("bad", *[SPREAD] * worse))
        assert (got.verdict, got.seeds, got.is_single) == (HOLDS, (better, worse), True)


def test_without_rows_of_one_side_there_is_no_verdict():
    for rows, seeds in (([], (0, 0)), (runs("good", 0.5, 0.6), (2, 0)), (runs("bad", 0.5), (0, 1))):
        got = judge(make_claim(), rows)
        assert (got.verdict, got.seeds, got.is_single) == (NO_ROWS, seeds, False)
        assert got.means == (None, None)
        assert got.difference is None
        assert got.interval is None


HEADLINE = json.loads(make_record().to_json())["conventions"][HEAD]["rules"] | {"average_precision": "trapezoid"}
UNLIKE = {
    "another list of the data": {"dataset__fingerprint": "e" * 64},
    "other frames": {"dataset__content": "6" * 64},
    "frames that are not known": {"dataset__content": None},
    "another source": {"dataset__source": "unverified"},
    "another preset": {"preset": "paper"},
    "another test of the protocol": change_rules(test={"strategy": "corruption", "most": [1]}),
    "another data set in training": {
        "taught": json.loads(make_record().to_json())["dataset"] | {"fingerprint": "f" * 64}
    },
    "another rule": {f"conventions__{HEAD}__rules": HEADLINE, f"conventions__{HEAD}__fingerprint": digest(HEADLINE)},
}


@pytest.mark.parametrize("unlike", UNLIKE)
def test_rows_that_were_not_tested_alike_never_mix(unlike):
    better, worse = runs("good", SPREAD + 0.3, SPREAD + 0.3), runs("bad", SPREAD, SPREAD)
    other = runs("good", 0.1, 0.1, **UNLIKE[unlike])
    assert judge(make_claim(), other, worse).verdict == NO_ROWS
    assert judge(make_claim(), other, better, worse) == judge(make_claim(), better, worse)


def test_each_test_that_has_both_sides_is_judged():
    every = [*runs("good", SPREAD + 0.3), *runs("bad", SPREAD)]
    every += [*runs("good", SPREAD, preset="paper"), *runs("bad", SPREAD + 0.3, preset="paper")]
    found = judge_claim(make_claim(), every)
    assert {each.preset: each.verdict for each in found} == {"small": HOLDS, "paper": FAILS}


def test_each_protocol_of_a_claim_is_judged():
    twin = change_rules(name="mars-twin")
    every = [*runs("good", SPREAD + 0.3, **twin), *runs("bad", SPREAD, **twin)]
    found = judge_claim(make_claim(protocol=("mars", "mars-twin", "elsewhere")), every)
    assert [(each.protocol, each.verdict) for each in found] == [
        ("mars", NO_ROWS),
        ("mars-twin", HOLDS),
        ("elsewhere", NO_ROWS),
    ]


def test_sides_under_two_protocols_need_the_same_test():
    """As direct transfer and fine-tuning have it: they differ in training alone."""
    claim = make_claim("good", {"method": "good", "protocol": "direct"})
    tuned = runs("good", SPREAD + 0.3)
    for rules, verdict in (({"fine_tune": 0.1}, HOLDS), ({"test": {"strategy": "other"}}, NO_ROWS)):
        assert judge(claim, tuned, runs("good", SPREAD, **change_rules(name="direct", **rules))).verdict == verdict


CHANGED = {
    "a setting": {"method__overrides": {"test.clips": 1}, "method__modified": True},
    "another part": {"method__swapped": "aggregator other", "method__modified": True},
    "its own code": {"method__modified": True},
    "weights from a file": {"weights__origin": "file"},
    "re-ranking": {"disclosure__reranking": "zhong", "reranked_by": "numpy"},
}


@pytest.mark.parametrize("changed", CHANGED)
def test_a_changed_method_is_not_the_method(changed):
    assert judge(make_claim(), runs("good", 0.9, **CHANGED[changed]), runs("bad", SPREAD)).verdict == NO_ROWS


def test_a_side_may_name_settings_and_re_ranking():
    worse = runs("bad", SPREAD)
    set_to_1 = {"method": "good", "settings": {"test.clips": 1}}
    assert judge(make_claim(set_to_1), runs("good", SPREAD + 0.3, **CHANGED["a setting"]), worse).verdict == HOLDS
    assert judge(make_claim(set_to_1), runs("good", SPREAD + 0.3), worse).verdict == NO_ROWS
    other = {**CHANGED["a setting"], "method__overrides": {"test.clips": 2}}
    assert judge(make_claim(set_to_1), runs("good", SPREAD + 0.3, **other), worse).verdict == NO_ROWS
    swapped = {**CHANGED["a setting"], "method__swapped": "aggregator other"}
    assert judge(make_claim(set_to_1), runs("good", SPREAD + 0.3, **swapped), worse).verdict == NO_ROWS
    reranked = {"method": "good", "reranked": True}
    assert judge(make_claim(reranked), runs("good", SPREAD + 0.3, **CHANGED["re-ranking"]), worse).verdict == HOLDS


def test_a_part_in_the_baseline_has_its_own_name():
    swapped = {"method__swapped": "aggregator good", "method__modified": True}
    worse = runs("bad", SPREAD)
    assert judge(make_claim(), runs("good", SPREAD + 0.3, **swapped), worse).verdict == HOLDS
    set_to_1 = {**swapped, "method__overrides": {"test.clips": 1}}
    assert judge(make_claim(), runs("good", SPREAD + 0.3, **set_to_1), worse).verdict == NO_ROWS
    named = make_claim({"method": "good", "settings": {"test.clips": 1}})
    assert judge(named, runs("good", SPREAD + 0.3, **set_to_1), worse).verdict == HOLDS


DIRECT = change_rules(name="direct")
REASONS = {
    "a misspelt method": ("god", {}, ("nobody ran 'god'; did you mean good?",)),
    "a method with other settings": (
        "good",
        CHANGED["a setting"],
        ("good has no rows under mars with its own settings, only with test.clips=1",),
    ),
    "other settings than those of the method": (
        {"method": "good", "settings": {"test.clips": 2}},
        {},
        ("good has no rows under mars with test.clips=2, only with its own settings",),
    ),
    "another protocol": ("good", DIRECT, ("good has no rows under mars, only under direct",)),
    "a condition": (
        {"method": "good", "condition": "dark"},
        {},
        ("good has no condition 'dark' under mars; it has none",),
    ),
    "other frames": (
        "good",
        UNLIKE["other frames"],
        ("good and bad under mars: no two rows at the same preset were tested and trained on the same data",),
    ),
    "nothing": ("good", {}, ()),
}


@pytest.mark.parametrize("reason", REASONS)
def test_why_there_are_no_rows_is_told(reason):
    side, changes, why = REASONS[reason]
    got = judge(make_claim(side), runs("good", SPREAD + 0.3, **changes), runs("bad", SPREAD))
    assert (got.why, got.verdict) == (why, NO_ROWS if why else HOLDS)


def test_of_several_recipes_the_one_with_most_seeds_counts_and_then_the_latest():
    recipe = make_record().method.recipe
    old = runs("good", SPREAD, SPREAD, method__recipe={**recipe, "size": [1, 1]})
    new = runs("good", SPREAD + 0.3, created="2031-01-01T00:00:00Z")
    worse = runs("bad", SPREAD + 0.1)
    assert judge(make_claim(), old, new, worse).verdict == FAILS  # two seeds against one
    assert judge(make_claim(), old[:1], new, worse).verdict == HOLDS


def test_people_of_a_condition_are_found():
    """The protocol ranks by the mean over both conditions; the records keep people for each."""
    better = runs("good", None, conditions={"clean": SPREAD, "dark": SPREAD + 0.3})
    worse = runs("bad", None, conditions={"clean": SPREAD + 0.1, "dark": SPREAD})
    for condition, verdict, difference in (("clean", FAILS, -0.1), ("dark", HOLDS, 0.3), ("", HOLDS, 0.1)):
        sides = ({"method": method, "condition": condition} for method in ("good", "bad"))
        got = judge(make_claim(*sides), better, worse)
        assert (got.verdict, got.paired) == (verdict, True)
        assert got.interval == pytest.approx((difference, difference))
    assert judge(make_claim({"method": "good", "condition": "unknown"}), better, worse).verdict == NO_ROWS


def test_two_conditions_of_the_same_weights_are_paired_by_person_and_seed():
    """Seeds differ by 0.3, and each loses 0.1 in the dark."""
    rows = [
        make_record("good", seed, conditions={"clean": SPREAD + shift, "dark": SPREAD + shift - 0.1})
        for seed, shift in enumerate((0.0, 0.15, 0.3))
    ]
    claim = make_claim(*({"method": "good", "condition": condition} for condition in ("clean", "dark")))
    assert judge(claim, rows).interval == pytest.approx((0.1, 0.1))


def give_conditions(**ranges):
    """Fields of a record that give it conditions with these intervals of mAP, in the middle of which the mAP lies."""
    people = describe_people(0.5)
    summaries = {name: summarize([people], interval) for name, interval in ranges.items()}
    for name, summary in summaries.items():
        summary["mAP"] = float(np.mean(ranges[name]))
    return {"conditions": [{"name": name, "conventions": {HEAD: each}} for name, each in summaries.items()]}


def conditioned(method, seed, **ranges):
    """A record with these conditions, whose people are of none of them."""
    return Record.of(json.loads(make_record(method, seed).to_json()) | give_conditions(**ranges))


def test_where_no_people_are_kept_the_outer_ends_of_the_intervals_count():
    rows = [
        conditioned("good", 0, all=(0.6, 0.8), one=(0.3, 0.5)),
        conditioned("good", 1, all=(0.7, 0.9), one=(0.2, 0.4)),
    ]
    claim = make_claim(*({"method": "good", "condition": condition} for condition in ("all", "one")))
    got = judge(claim, rows)
    assert not got.paired
    assert got.interval == pytest.approx((0.6 - 0.5, 0.9 - 0.2))
    assert got.difference == pytest.approx(0.75 - 0.35)
    assert got.verdict == HOLDS
    wide = judge(claim, [conditioned("good", 0, all=(0.4, 1.0), one=(0.3, 0.5))])
    assert (wide.verdict, wide.is_single) == (OPEN, True)


def split(method, score, ran, **conditions):
    """A record of a protocol of two splits, of which these ran, each with the same people; conditions: their scores."""
    ranked = [describe_people(each) for each in (conditions.values() or [score])] * len(ran)
    rules = change_rules(test={"strategy": "corruption"}) if conditions else {}
    fields = json.loads(make_record(method, **rules).to_json())
    fields |= {"people": ranked, "splits": {"total": 2, "ran": ran}}
    fields["conventions"][HEAD] |= summarize(ranked)
    fields["conditions"] = [
        {"name": name, "conventions": {HEAD: summarize([describe_people(each)] * len(ran))}}
        for name, each in conditions.items()
    ]
    return Record.of(fields)


def test_all_splits_count_and_only_rows_of_the_same_splits_are_compared():
    got = judge(make_claim(), [split("good", SPREAD + 0.3, [0, 1]), split("bad", SPREAD, [0, 1])])
    assert (got.verdict, got.paired, got.splits) == (HOLDS, True, "2 splits")
    assert judge(make_claim(), [split("good", SPREAD + 0.3, [0, 1]), split("bad", SPREAD, [0])]).verdict == NO_ROWS


def test_people_of_a_condition_of_several_splits_are_not_guessed():
    """The conditions of each split follow one another; equal scores do not tell whose people they are."""
    rows = [split(method, None, [0, 1], clean=0.5, dark=0.5) for method in ("good", "bad")]
    sides = ({"method": method, "condition": "clean"} for method in ("good", "bad"))
    assert not judge(make_claim(*sides), rows).paired


def test_people_whose_sums_are_not_the_score_are_not_believed():
    edited = make_record("good", 0, SPREAD, **{f"conventions__{HEAD}__mAP": 0.99})
    got = judge(make_claim(), [edited], runs("bad", SPREAD))
    assert not got.paired
    assert got.verdict == OPEN


def test_other_people_are_not_paired():
    people = [describe_people(0.4, PEOPLE + 1)]
    fields = json.loads(make_record("bad").to_json()) | {"people": people}
    fields["conventions"][HEAD] |= summarize(people)
    got = judge(make_claim(), runs("good", SPREAD), [Record.of(fields)])
    assert not got.paired


def test_a_claim_about_rank_1_is_judged_by_rank_1():
    hits = [{"queries": [2] * PEOPLE, "AP": [1.0] * PEOPLE, "R1": [2] * PEOPLE}]
    fields = json.loads(make_record("good").to_json()) | {"people": hits}
    fields["conventions"][HEAD] |= summarize(hits)
    got = judge(make_claim(metric="R1"), [Record.of(fields)], runs("bad", 0.9))
    assert (got.verdict, got.means) == (HOLDS, (1.0, 0.0))
    assert judge(make_claim(), [Record.of(fields)], runs("bad", 0.9)).verdict == FAILS


def test_everything_is_plain_values_for_json():
    claims = Claims(
        paper="A paper",
        claim=(make_claim(printed=(80.0, 70.0)), make_claim("gone")),
        unjudged=(Unjudged(says="It is fast", where="Table 2", why="speed is no score"),),
    )
    plain = json.loads(json.dumps(to_plain(judge_papers({"paper": claims}, [*runs("good", 0.5), *runs("bad", 0.2)]))))
    [paper] = plain["papers"]
    assert paper["verdicts"] == {HOLDS: 1, FAILS: 0, OPEN: 0, NO_ROWS: 1}
    assert paper["claims"] == 2
    assert paper["unjudged"] == [{"says": "It is fast", "where": "Table 2", "why": "speed is no score"}]
    first, second = paper["judgements"]
    assert first["better"]["method"] == "good"
    assert first["printed"] == [80.0, 70.0]
    assert (first["verdict"], first["single_seed"], first["protocol"]) == (HOLDS, True, "mars")
    assert first["seeds"] == [1, 1]
    assert (second["verdict"], second["difference"], second["interval"]) == (NO_ROWS, None, None)


scores = st.lists(st.floats(0, 1).map(lambda x: round(x, 3)), min_size=PEOPLE, max_size=PEOPLE)


@settings(deadline=None, max_examples=20)
@given(st.lists(scores, min_size=1, max_size=3), st.lists(scores, min_size=1, max_size=3))
def test_to_swap_the_sides_of_a_claim_flips_its_verdict(better, worse):
    every = [*runs("good", *better), *runs("bad", *worse)]
    [got], [swapped] = judge_claim(make_claim(), every), judge_claim(make_claim("bad", "good"), every)
    assert swapped.verdict == FLIPPED[got.verdict]
    assert swapped.interval == (-got.interval[1], -got.interval[0])
    assert swapped.seeds == got.seeds[::-1]
