"""What became of each row of a leaderboard, on records made by hand."""

import json

import pytest
from claim_cases import HEAD, describe_people, make_record, summarize
from golden_records import HOSTILE
from hypothesis import given
from hypothesis import strategies as st

from vreid_bench.records.record import Record
from vreid_bench.reporting.drift import GONE, LEFT, MOVED, NEW, SAME, STATES, UNLIKE, find_drift
from vreid_bench.reporting.drift_report import render_drift, to_plain
from vreid_bench.system.fingerprint import digest


def row(score, interval=(0.4, 0.6), method="good", seed=0, **changes):
    """A record whose mAP has that interval; its R1 is 0, with the interval 0 to 1."""
    path = f"conventions__{HEAD}__interval__mAP"
    return make_record(method, seed, score, **{path: list(interval)}, **changes)


def states(before, after, **options):
    return {drift.method: drift.state for drift in find_drift(before, after, **options)}


@pytest.mark.parametrize(
    ("after", "state"),
    [(0.5, SAME), (0.55, MOVED), (0.6, MOVED), (0.4, MOVED), (0.61, LEFT), (0.39, LEFT), (0.5 + 1e-12, SAME)],
)
def test_a_score_is_held_against_the_interval_of_before(after, state):
    # the interval of after says nothing
    [drift] = find_drift([row(0.5)], [row(after, (0.0, 1.0))])
    assert drift.state == state
    assert [change.metric for change in drift.changes] == ["mAP", "R1"]
    assert drift.changes[0].difference == pytest.approx(after - 0.5)


def test_means_and_ends_are_those_over_the_seeds():
    before = [row(0.5, (0.4, 0.6), seed=0), row(0.7, (0.6, 0.8), seed=1)]
    after = [row(0.5, seed=0), row(0.72, seed=1)]
    change = find_drift(before, after)[0].changes[0]
    assert change.interval == pytest.approx((0.5, 0.7))
    assert (change.before, change.after) == pytest.approx((0.6, 0.61))
    assert change.state == MOVED


def test_only_the_seeds_that_both_have_are_compared():
    before = [row(0.5, seed=seed) for seed in range(5)]
    [drift] = find_drift(before, [row(0.7, seed=3), row(0.1, seed=9)])
    assert (drift.state, drift.seeds) == (LEFT, (3,))
    assert drift.changes[0].after == pytest.approx(0.7)
    assert drift.reasons == ("compared over the seeds that both have; seeds 0, 1, 2, 3, 4 before, seeds 3, 9 after",)


def test_without_a_shared_seed_all_are_compared_and_it_is_said():
    [drift] = find_drift([row(0.5, seed=0)], [row(0.7, seed=1)])
    assert (drift.state, drift.seeds) == (LEFT, (1,))
    assert drift.reasons == ("no seed is in both: seeds 0 before, seeds 1 after",)


def test_rows_that_came_and_went():
    before, after = [row(0.5), row(0.5, method="old")], [row(0.5), row(0.5, method="young")]
    assert states(before, after) == {"good": SAME, "old": GONE, "young": NEW}
    assert states(before, after, partial=True) == {"good": SAME, "young": NEW}


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("protocol__fingerprint", "protocol"),
        (f"conventions__{HEAD}__fingerprint", "headline convention"),
        ("dataset__fingerprint", "lists of the data"),
        ("dataset__content", "frames of the data"),
    ],
)
def test_rows_of_another_test_are_not_compared(path, name):
    entry = json.loads(row(0.5).to_json())
    *parents, last = path.split("__")
    for key in parents:
        entry = entry[key]
    changed = {path: "c" * 64}
    if "rules" in entry:  # its fingerprint follows from them
        rules = entry["rules"] | {"extra": 1}
        changed = {"__".join([*parents, "rules"]): rules, path: digest(rules)}
    [drift] = find_drift([row(0.5)], [row(0.9, **changed)])
    assert (drift.state, drift.changes) == (UNLIKE, ())
    assert drift.reasons == (f"{name} {entry[last][:8]} before, {changed[path][:8]} after",)


def test_the_folder_of_own_data_is_named():
    def own(label, score=0.5, **changes):
        return row(score, dataset__source="unverified", dataset__label=label, **changes)

    [drift] = find_drift([own("people")], [own("people", 0.9)])
    assert "mars on unverified data (people)" in render_drift([drift])
    assert to_plain([drift])["rows"][0]["data"] == "unverified data (people)"
    [drift] = find_drift([own("people")], [own("strangers", dataset__fingerprint="c" * 64)])
    assert drift.reasons[-1] == "unverified data (people) before, unverified data (strangers) after"


def test_data_trained_on_counts_as_well():
    dataset = json.loads(row(0.5).to_json())["dataset"]
    [drift] = find_drift([row(0.5)], [row(0.5, taught=dataset | {"fingerprint": "d" * 64})])
    assert drift.state == UNLIKE
    assert drift.reasons[0].startswith("data trained on the same before, ")


def test_another_recipe_is_compared_and_named():
    recipe = json.loads(row(0.5).to_json())["method"]["recipe"]
    [drift] = find_drift([row(0.5)], [row(0.9, method__recipe=recipe | {"size": [8, 8]})])
    assert (drift.state, drift.reasons) == (LEFT, ("the recipe of the method changed",))


def test_R1_alone_can_leave_its_interval():
    people = describe_people(0.5)
    hits = [people | {"R1": people["queries"]}]
    fields = json.loads(row(0.5).to_json()) | {"people": hits}
    fields["conventions"][HEAD] |= summarize(hits)
    narrow = {f"conventions__{HEAD}__interval__R1": [0.0, 0.1]}
    [drift] = find_drift([row(0.5, **narrow)], [Record.of(fields)])
    assert [change.state for change in drift.changes] == [SAME, LEFT]
    assert drift.state == LEFT


def test_the_worst_stands_first():
    before = [row(0.5, method=name) for name in ("a", "b", "c")]
    after = [row(0.5, method="a"), row(0.9, method="b"), row(0.55, method="c"), row(0.1, method="d")]
    assert [drift.method for drift in find_drift(before, after)] == ["b", "c", "d", "a"]


@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 2)), unique=True, min_size=1))
def test_nothing_drifts_from_itself_and_every_row_has_a_state(places):
    records = [row(0.5, method=method, seed=seed) for method, seed in places]
    assert set(states(records, records).values()) == {SAME}
    assert set(states(records, records[:1]).values()) <= {SAME, GONE}
    assert states(records, records[:1]).keys() == {method for method, _ in places}


def test_the_report_has_a_table_for_each_kind_of_row():
    before = [row(0.5, method=name) for name in ("good", "bad", "old", "same")]
    after = [row(0.7, method="good"), row(0.55, method="bad"), row(0.5, method="young"), row(0.5, method="same")]
    text = render_drift(find_drift(before, after))
    assert "1 left its interval, 1 moved within its interval, 0 not comparable, 1 new, 1 gone, 1 unchanged." in text
    left, moved = (text.split(f"## {title}")[1].split("##")[0] for title in ("Scores that left", "Scores that moved"))
    for cell in ("mars on synthetic data", "good, small", " 50.0 ", "40.0–60.0", "**70.0**", "+20.0"):
        assert cell in left, cell
    assert "bad, small" in moved
    assert "**" not in moved
    assert "## Rows that are gone" in text
    assert "## Not comparable" not in text


def test_a_report_without_a_change_says_so():
    assert render_drift(find_drift([row(0.5)], [row(0.5)])).endswith("No row changed.\n")


def test_text_of_strangers_is_text():
    changes = {"method__overrides": {"test.x": HOSTILE}, "method__modified": True}
    text = render_drift(find_drift([row(0.5, **changes)], [row(0.9, **changes)]))
    for markup in ("<script>", "`c`", "](http", "<!--", "\x1b", "\u202e"):
        assert markup not in text
    [line] = [line for line in text.splitlines() if "good, small" in line]
    assert line.count("|") == 1 + 12  # cells


def test_plain_values_hold_all_numbers():
    told = json.loads(json.dumps(to_plain(find_drift([row(0.5)], [row(0.7)]))))
    assert told["counts"] == dict.fromkeys(STATES, 0) | {LEFT: 1}
    [only] = told["rows"]
    assert only["scores"]["mAP"] == {
        "before": pytest.approx(0.5),
        "interval": [0.4, 0.6],
        "after": pytest.approx(0.7),
        "difference": pytest.approx(0.2),
        "state": LEFT,
    }
    assert only["scores"]["R1"]["state"] == SAME
    assert (only["protocol"], only["source"], only["method"], only["seeds"]) == ("mars", "synthetic", "good", [0])
