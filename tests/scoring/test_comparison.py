"""Comparing runs person by person, and telling rows of the leaderboard apart."""

import json
import shutil
from dataclasses import replace
from itertools import product

import numpy as np
import places
import pytest

from vreid_bench.records.npz import to_npz
from vreid_bench.records.per_query import MatchCounts, PerQuery, QueryScores
from vreid_bench.records.record import Record
from vreid_bench.reporting.board import boards
from vreid_bench.reporting.comparison import render_comparison
from vreid_bench.scoring.comparison import Comparison, compare, compare_groups, p_of_rows
from vreid_bench.scoring.sign_flip import shift_interval, sign_flip
from vreid_bench.system.errors import InputError
from vreid_bench.system.fingerprint import digest

GOLDEN = json.loads((places.GOLDEN / "record.json").read_text())
CONVENTIONS = tuple(GOLDEN["conventions"])


def run_folder(path, precision, pids=None, **fields):
    """A run folder with these average precisions [Q] under every convention, a hit where one is above a half."""
    path.mkdir()
    pids = np.arange(len(precision)) // 2 + 1 if pids is None else pids
    scores = dict.fromkeys(CONVENTIONS, QueryScores(precision, np.where(precision > 0.5, 0, 3)))
    matches = MatchCounts(pids[:0], pids[:0], np.zeros((0, 2), int), {}, (), np.zeros((len(pids), 0), bool))
    kept = PerQuery(0 * pids, np.arange(len(pids)), pids, pids % 3, pids > 0, matches, scores)
    (path / "per_query.npz").write_bytes(kept.to_bytes())
    curve = scores[CONVENTIONS[0]].cmc(50)
    result = {"queries": int((~np.isnan(precision)).sum()), "mAP": float(np.nanmean(precision)), "R1": curve[0]}
    conventions = {
        name: {**before, **result, "cmc": before["cmc"] and curve} for name, before in GOLDEN["conventions"].items()
    }
    (path / "record.json").write_text(json.dumps({**GOLDEN, "conventions": conventions, **fields}))
    return path


@pytest.fixture
def precision():
    return np.random.default_rng(0).random(80)


def test_a_run_and_itself_do_not_differ(tmp_path, precision, cli, cli_json):
    a = run_folder(tmp_path / "a", precision)
    for metrics in compare(a, a).values():
        for one in metrics.values():
            assert one.verdict == "no difference seen"
            assert (one.difference, one.p, one.people, one.tie, one.smallest) == (0, 1, 40, 40, None)
            # of 40 alike people, a share of 1 - 0.025 ** (1 / 40) = 0.0881 may be missing, who differ by 1
            assert one.interval == pytest.approx((-0.0881, 0.0881), abs=1e-4)
    assert "no difference" in cli("compare", a, a).output
    report = cli_json("compare", "a", "a", "--runs", tmp_path)
    assert report["conventions"]["official"]["mAP"]["verdict"] == "no difference seen"


def test_the_folder_of_own_data_is_named(tmp_path, precision, cli, cli_json):
    own = GOLDEN["dataset"] | {"source": "unverified", "label": "people"}
    a, b = (run_folder(tmp_path / name, precision, dataset=own) for name in "ab")
    assert cli("compare", a, b).stdout.startswith(f"mars on unverified data (people)\n\nA: {a}\n")
    assert cli_json("compare", a, b)["test"] == "mars on unverified data (people)"
    other = own | {"label": "strangers", "fingerprint": "0" * 64}
    c = run_folder(tmp_path / "c", precision, dataset=other)
    refused = cli("compare", a, c)
    assert refused.exit_code == 2
    told = f"{own['fingerprint'][:8]} of unverified data (people) and 00000000 of unverified data (strangers)"
    assert f"they differ in dataset mars (fingerprints {told})" in refused.stderr


def test_a_difference_by_hand(tmp_path):
    pids = np.array([1, 1, 2, 3])
    a = run_folder(tmp_path / "a", np.array([1, 0.5, 0.25, 0.5]), pids)
    b = run_folder(tmp_path / "b", np.array([0.5, 0.5, 0.5, 0.5]), pids)
    one = compare(a, b)["queries-in-gallery"]["mAP"]
    assert (one.a, one.b, one.difference) == (0.5625, 0.5, 0.0625)
    assert (one.win, one.tie, one.loss) == (1, 1, 1)
    assert one.verdict == "not separable"
    back = compare(b, a)["queries-in-gallery"]["mAP"]
    assert (back.difference, back.p, back.win) == (-0.0625, one.p, 1)


def test_a_small_difference_for_everyone_is_seen_and_one_by_chance_is_not(tmp_path, precision):
    random = np.random.default_rng(1)
    base = run_folder(tmp_path / "base", precision)
    better = run_folder(tmp_path / "better", precision + 0.01)
    other = run_folder(tmp_path / "other", precision + 0.3 * random.normal(size=80))
    seen = compare(better, base)["official"]["mAP"]
    assert seen.verdict == "A is better"
    assert 0 < seen.interval[0] < 0.01 < seen.interval[1]
    assert compare(base, better)["official"]["mAP"].verdict == "B is better"
    hidden = compare(other, base)["official"]["mAP"]
    assert hidden.verdict == "not separable"
    assert hidden.interval[0] < 0 < hidden.interval[1]
    assert abs(hidden.difference) < hidden.smallest
    assert list(compare(other, base)) == ["queries-in-gallery", "official", "torchreid"]
    assert "not separable" in render_comparison(compare(other, base))


def test_an_end_that_is_not_0_is_not_written_as_0():
    one = Comparison(0.5, 0.4, (None, None), 0.003, (0.0002, 0.006), 0.04, 0.002, 40, 20, 5, 15)
    table = render_comparison({"official": {"mAP": one, "R1": replace(one, interval=(0.0, 0.006))}})
    assert "+0.02 to +0.60" in table
    assert "+0.0 to +0.6 " in table
    assert "can show: the smallest A - B" in table


def test_the_interval_holds_what_the_test_does_not_reject():
    """Against the test itself, of every shift on a grid."""
    random = np.random.default_rng(2)
    for people in (6, 9, 30):
        number = random.integers(1, 5, people)
        weights = number / number.sum()
        gaps = weights * (0.1 + 0.2 * random.normal(size=people))
        low, high = shift_interval(gaps, weights)
        assert low < gaps.sum() < high
        for shift in np.linspace(low - 0.05, high + 0.05, 41):
            assert (sign_flip(gaps - shift * weights).p >= 0.05) == (low <= shift <= high), (people, shift)


def test_interval_and_verdict_always_agree():
    random = np.random.default_rng(3)
    verdicts = []
    for people in [1, 5, 6, 7, 12, 25] * 5:
        gaps = random.integers(-1, 5, people) / 4 / people  # with many ties
        p, (low, high) = sign_flip(gaps).p, shift_interval(gaps, np.full(people, 1 / people))
        assert (p >= 0.05) == (low <= 0 <= high), gaps
        verdicts.append(p >= 0.05)
    assert 5 < sum(verdicts) < 25


def test_the_interval_covers_the_truth_as_often_as_it_says():
    random = np.random.default_rng(0)
    weights = np.full(15, 1 / 15)
    worlds = [shift_interval(weights * (0.03 + 0.2 * random.normal(size=15)), weights) for _ in range(300)]
    assert 0.92 <= np.mean([low <= 0.03 <= high for low, high in worlds]) <= 0.98


@pytest.mark.parametrize(
    ("hits", "verdict", "least", "most"),
    [
        # (1 - share) * 1 - share with share = 1 - 0.025 ** (1 / 6) = 0.459 of people who are not among the six
        (6, "A is better", 0.081, 1.0),
        (0, "no difference seen", -0.459, 0.459),
    ],
)
def test_six_people_who_all_score_alike_do_not_make_a_point(tmp_path, hits, verdict, least, most):
    pids = np.arange(6) + 1
    a = run_folder(tmp_path / "a", np.ones(6), pids)
    b = run_folder(tmp_path / "b", np.where(pids <= hits, 0.0, 1.0), pids)
    one = compare(a, b)["official"]["R1"]
    assert one.verdict == verdict
    assert one.interval == pytest.approx((least, most), abs=1e-3)


def test_five_people_cannot_tell_anything(tmp_path, cli):
    pids = np.arange(5) + 1
    a = run_folder(tmp_path / "a", np.linspace(0.8, 1, 5), pids)
    b = run_folder(tmp_path / "b", np.linspace(0.1, 0.2, 5), pids)
    one = compare(a, b)["official"]["mAP"]
    assert (one.verdict, one.interval, one.smallest) == ("not separable", (-1, 1), None)
    shown = cli("compare", a, b).stdout
    assert shown.startswith(f"mars on synthetic data\n\nA: {a}\nB: {b}\n\n")
    assert "-100.0 to +100.0" in shown
    assert "official has 5 people: no difference" in shown


def test_one_person_is_not_one_people(tmp_path, cli):
    one = [run_folder(tmp_path / name, np.array([score]), np.array([1])) for name, score in (("a", 0.9), ("b", 0.2))]
    assert "note: official has 1 person: no difference" in cli("compare", *one).stdout


def test_groups_of_seeds_are_averaged_query_by_query(tmp_path, precision, cli_json, cli):
    shifts = {"a0": 0.1, "a1": 0.0, "b0": -0.05, "b1": -0.05, "b2": 0.01}
    for name, shift in shifts.items():
        run_folder(tmp_path / name, precision + shift * np.cos(np.arange(80)), seed=int(name[1]))
    together = cli_json("compare", "a0", "a1", "--runs", tmp_path, "--with", "b0", "b1", "b2")
    run_folder(tmp_path / "a", precision + 0.05 * np.cos(np.arange(80)))
    run_folder(tmp_path / "b", precision - 0.03 * np.cos(np.arange(80)))
    alone = cli_json("compare", "a", "b", "--runs", tmp_path)["conventions"]["official"]["mAP"]
    mean = together["conventions"]["official"]["mAP"]
    for name in ("a", "b", "difference", "p", "win", "loss"):
        assert mean[name] == pytest.approx(alone[name]), name
    assert mean["interval"] == pytest.approx(alone["interval"])
    scores = [(precision + shifts[name] * np.cos(np.arange(80))).mean() for name in ("a0", "a1")]
    assert mean["spread"][0] == pytest.approx(np.std(scores, ddof=1))
    assert alone["spread"] == [None, None]
    assert " ± " in cli("compare", "a0", "a1", "--runs", tmp_path, "--with", "b0").stdout


def test_a_group_holds_the_seeds_of_one_method_each_once(tmp_path, precision, cli):
    run_folder(tmp_path / "a", precision)
    run_folder(tmp_path / "b", precision, method={**GOLDEN["method"], "name": "other"})
    for arguments, message in (
        (("a", "b", "--with", "a"), "they ran temporal-pooling small and other small; expected seeds of one method"),
        (("a",), "compare got 1 run; expected two, or two groups"),
        (("a", "b", "a"), "compare got 3 runs"),
    ):
        result = cli("compare", "--runs", tmp_path, *arguments)
        assert (result.exit_code, message in result.stderr) == (2, True), result.stderr


def repeat_run(run, name, **fields):
    """The folder of a run beside it, as if its command had been run again there."""
    other = shutil.copytree(run, run.parent / name)
    record = json.loads((run / "record.json").read_text())
    (other / "record.json").write_text(json.dumps({**record, "created": "2099-01-01T00:00:00Z", **fields}))
    return other


def test_a_seed_that_was_run_twice_counts_once(tmp_path, precision, cli, cli_json):
    a0, a1 = (run_folder(tmp_path / f"a{seed}", precision * (1 - 0.1 * seed), seed=seed) for seed in (0, 1))
    b = run_folder(tmp_path / "b", precision - 0.01)
    threads = {**GOLDEN["environment"], "threads": 7}
    again = repeat_run(a0, "again", costs={**GOLDEN["costs"], "embed": None}, environment=threads)
    once = cli_json("compare", a0, a1, "--with", b)
    assert cli_json("compare", again, a0, a1, a0, "--with", b) == once
    shown = cli("compare", again, a0, a1, a0, "--with", b)
    notes = [
        f"note: {a0} is given twice, and counts once",
        f"note: {again} is left out: it has the seed, the weights and the scores of {a0}",
    ]
    assert shown.stderr.splitlines() == notes
    assert f"\nA: {a0}, {a1}\nB: {b}\n" in shown.stdout
    assert compare_groups([again, a0, a1], [b]) == compare_groups([a0, a1], [b])


def test_runs_of_one_seed_with_unlike_results_are_refused(tmp_path, precision, cli):
    a = run_folder(tmp_path / "a", precision)
    other = repeat_run(a, "other", weights={**GOLDEN["weights"], "sha256": "0" * 64})
    run_folder(tmp_path / "third", precision / 2)
    refused = cli("compare", a, "--with", a, other)
    said = f"{a} and {other} both ran temporal-pooling small with seed {GOLDEN['seed']}, but they differ in weights; "
    assert (refused.exit_code, refused.stderr) == (
        2,
        f"error: {said}expected each seed once: leave one of them out\n",
    )
    assert "but they differ in conventions; " in cli("compare", a, "--with", a, tmp_path / "third").stderr
    assert cli("compare", a, other).exit_code == 0  # one on each side


def test_seeds_of_an_edited_recipe_are_no_group(tmp_path, precision, cli):
    a = run_folder(tmp_path / "a", precision)
    method = {**GOLDEN["method"], "recipe": {**GOLDEN["method"]["recipe"], "size": [128, 64]}}
    edited = repeat_run(a, "edited", seed=GOLDEN["seed"] + 1, method=method)
    refused = cli("compare", a, "--with", a, edited)
    assert refused.exit_code == 2
    assert f"{a} and {edited} are in one group, but the recipe of temporal-pooling small was another then (" in (
        refused.stderr
    )
    assert cli("compare", a, edited).exit_code == 0


def test_sign_flips_are_those_of_all_signs():
    gaps = np.array([0.3, -0.1, 0.25, 0.4, 0.05, 0.2, -0.02, 0.15, 0.1, 0.3])
    sums = [abs(np.dot(signs, gaps)) for signs in product((1, -1), repeat=len(gaps))]
    exact = np.mean([s >= gaps.sum() - 1e-12 for s in sums])
    got = sign_flip(gaps)
    assert got.p == pytest.approx(exact, abs=0.005)
    assert got.smallest == pytest.approx(np.quantile(sums, 0.95), rel=0.02)
    assert sign_flip(gaps) == got


def test_alike_models_are_told_apart_as_rarely_as_promised():
    random = np.random.default_rng(0)
    false = sum(sign_flip(random.normal(size=25) * random.gamma(1, size=25)).p < 0.05 for _ in range(400))
    assert 0.02 <= false / 400 <= 0.08


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda r: r["dataset"].update(fingerprint="e" * 64), "differ in dataset mars"),
        (lambda r: r["dataset"].update(name="yard"), "they were tested on mars and yard, expected one test set"),
        (lambda r: r["conventions"].update(official=altered(r["conventions"]["official"])), "convention official"),
    ],
)
def test_unlike_runs_are_refused(tmp_path, precision, change, message):
    a = run_folder(tmp_path / "a", precision)
    fields = json.loads(json.dumps(GOLDEN))
    change(fields)
    b = run_folder(tmp_path / "b", precision, **fields)
    with pytest.raises(InputError, match=message):
        compare(a, b)


def altered(entry, **rules):
    rules = {**entry["rules"], **(rules or {"unmatched": "zero"})}
    return {**entry, "rules": rules, "fingerprint": digest(rules)}


def test_clean_and_spoiled_clips_are_compared_for_the_same_weights_alone(tmp_path, precision):
    clean = run_folder(tmp_path / "clean", precision)
    spoiled = {"strategy": "corruption", "kind": "shuffled-frames", "most": [8]}
    protocol = {**altered(GOLDEN["protocol"], name="mars-spoiled", test=spoiled), "name": "mars-spoiled"}
    same = run_folder(tmp_path / "same", precision / 2, protocol=protocol)
    assert compare(clean, same)["official"]["mAP"].difference == pytest.approx(precision.mean() / 2)
    weights = {**GOLDEN["weights"], "sha256": "9" * 64}
    other = run_folder(tmp_path / "other", precision, protocol=protocol, weights=weights)
    eight = {**spoiled, "most": list(range(8))}
    protocol = {**altered(GOLDEN["protocol"], name="mars-spoiled", test=eight), "name": "mars-spoiled"}
    more = run_folder(tmp_path / "more", precision, protocol=protocol)
    for unlike in (other, more):
        with pytest.raises(InputError, match="differ in protocol mars"):
            compare(clean, unlike)


def test_runs_that_cannot_be_paired_are_refused(tmp_path, precision, cli):
    a = run_folder(tmp_path / "a", precision)
    b = run_folder(tmp_path / "b", precision, np.arange(80))
    with pytest.raises(InputError, match=r"different queries \(pid\)"):
        compare(a, b)
    c = run_folder(tmp_path / "c", np.where(np.arange(80) < 3, np.nan, precision))
    with pytest.raises(InputError, match="count different queries"):
        compare(a, c)
    b = run_folder(tmp_path / "d", precision)
    (b / "per_query.npz").write_bytes((run_folder(tmp_path / "e", 1 - precision) / "per_query.npz").read_bytes())
    with pytest.raises(InputError, match="does not agree with the record: mAP"):
        compare(a, b)
    (b / "per_query.npz").write_bytes(b"nothing")
    with pytest.raises(InputError, match="cannot be read"):
        compare(a, b)
    (b / "per_query.npz").write_bytes(to_npz({"pid": np.zeros(3)}))
    with pytest.raises(InputError, match="no array 'split'"):
        compare(a, b)
    result = cli("compare", a, tmp_path / "nowhere")
    assert result.exit_code == 2
    assert "not a finished run" in result.output


def record(name, precision, seed=0, **fields):
    people = {"queries": [2] * 20, "AP": (2 * precision).tolist(), "R1": [1] * 20}
    result = {**GOLDEN["conventions"]["queries-in-gallery"], "mAP": float(precision.mean())}
    conventions = {**GOLDEN["conventions"], "queries-in-gallery": result}
    method = {**GOLDEN["method"], "name": name}
    return Record.of(
        {**GOLDEN, "method": method, "conventions": conventions, "people": [people], "seed": seed, **fields}
    )


def test_rows_say_whether_they_can_be_told_from_the_row_above():
    from vreid_bench.reporting.leaderboard_tables import results_table

    base = 0.5 + 0.3 * np.random.default_rng(0).random(20)
    noise = 0.1 * np.random.default_rng(1).normal(size=20)
    records = [record("best", base + 0.1), record("second", base), record("third", base - 0.01 + noise - noise.mean())]
    [board] = boards(records)
    page = results_table(board, str)
    cells = [[cell.strip() for cell in line.split("|")] for line in page.splitlines() if line.startswith("|")]
    column = cells[0].index("p above")
    assert [row[column] for row in cells[2:]][:2] == ["", "0.0001"]
    assert cells[4][column].endswith(" ≈")


def test_seeds_of_a_row_are_averaged_person_by_person():
    base = np.linspace(0.3, 0.7, 20)
    rows = [record("a", base + 0.02, 0), record("a", base - 0.02, 1)], [record("b", base)]
    assert p_of_rows(*rows) == 1
    assert p_of_rows(rows[0], [record("b", base - 0.1)]) == pytest.approx(1e-4)


def test_records_that_do_not_tell_of_people_stay_readable_and_unmarked():
    old = Record.of(GOLDEN)
    assert old.people == ()
    new = record("a", np.full(20, 0.5))
    assert Record.from_json(new.to_json(), "here") == new
    assert p_of_rows([old], [new]) is None


@pytest.mark.parametrize(
    ("people", "message"),
    [
        ([{"queries": [1], "AP": [0.5, 1], "R1": [1]}], "as many entries"),
        ([{"queries": [1], "AP": [0.5], "R1": [1]}] * 2, "an entry for each split"),
    ],
)
def test_people_that_do_not_fit_are_refused(people, message):
    with pytest.raises(InputError, match=message):
        Record.of({**GOLDEN, "people": people})


def test_the_spread_over_splits_is_kept_apart_from_that_over_seeds():
    head = GOLDEN["conventions"]["queries-in-gallery"]
    splits = [{**head["splits"][0], "mAP": value} for value in (0.6, 0.7, 0.8)]
    conventions = {"queries-in-gallery": {**head, "mAP": 0.7, "splits": splits}}
    three = {"splits": {"total": 3, "ran": [0, 1, 2]}, "people": [], "conventions": conventions}
    [board] = boards([Record.of({**GOLDEN, **three, "seed": seed}) for seed in (0, 1)])
    [row] = board.rows
    assert row.percent("queries-in-gallery", "mAP") == "70.0 ± 0.0"
    assert row.deviation("queries-in-gallery", "mAP") == "± 10.0"


def test_the_spread_over_splits_is_not_that_over_the_conditions_of_each():
    """Two splits under three conditions: a run of two halves with spoiled queries had ± 32.0 for ± 6.1."""
    found = (0.9236, 0.7112, 0.2209, 0.8929, 0.5078, 0.1976)
    head = GOLDEN["conventions"]["queries-in-gallery"]
    splits = [{**head["splits"][0], "mAP": value} for value in found]
    conventions = {"queries-in-gallery": {**head, "splits": splits}}
    rules = {**GOLDEN["protocol"]["rules"], "test": {"strategy": "corruption"}}
    protocol = {**GOLDEN["protocol"], "rules": rules, "fingerprint": digest(rules)}
    fields = {**GOLDEN, "protocol": protocol, "people": [], "conventions": conventions}
    record = Record.of({**fields, "splits": {"total": 2, "ran": [0, 1]}})
    assert record.split_means("queries-in-gallery", "mAP") == pytest.approx([1.8557 / 3, 1.5983 / 3])
    assert record.metrics()["conventions"]["queries-in-gallery"]["sd"]["mAP"] == pytest.approx(0.2574 / 3 / 2**0.5)
    [board] = boards([record])
    assert board.rows[0].deviation("queries-in-gallery", "mAP") == "± 6.1"
    [board] = boards([Record.of({**fields, "splits": None})])  # one split
    assert board.rows[0].deviation("queries-in-gallery", "mAP") == ""
