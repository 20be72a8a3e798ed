"""Intervals of scores without spread: against the binomial distribution, and where they are shown."""

import json
import re

import numpy as np
import places
import pytest
from scipy.stats import binomtest

from vreid_bench.records.record import Record
from vreid_bench.reporting.leaderboard import build_pages
from vreid_bench.reporting.record_folder import add_record
from vreid_bench.reporting.terminal import render
from vreid_bench.scoring.bootstrap import coverage
from vreid_bench.scoring.few_people import FEW, explain_few, render_interval, widen_point

GOLDEN = json.loads((places.GOLDEN / "record.json").read_text())


@pytest.mark.parametrize("people", [1, 6, 40])
def test_of_people_who_all_hit_it_is_that_of_clopper_and_pearson(people):
    exact = binomtest(people, people).proportion_ci(method="exact")
    assert widen_point((1.0, 1.0), people) == pytest.approx((exact.low, exact.high))
    none = binomtest(0, people).proportion_ci(method="exact")
    assert widen_point((0.0, 0.0), people) == pytest.approx((none.low, none.high))


def test_an_interval_with_spread_stays_as_it_is():
    assert widen_point((0.2, 0.3), 6) == (0.2, 0.3)


def record(people, interval):
    one = {**dict.fromkeys(("mAP", "R1", "R5", "R10", "R20", "mINP"), 1.0), "queries": people}
    head = {**GOLDEN["conventions"]["queries-in-gallery"], **one, "interval": {"mAP": interval, "R1": interval}}
    head |= {"splits": [one], "cmc": [1.0] * 50}
    tables = [{"queries": [1] * people, "AP": [1.0] * people, "R1": [1] * people}]
    return Record.of({**GOLDEN, "people": tables, "conventions": {**GOLDEN["conventions"], "queries-in-gallery": head}})


def test_a_terminal_shows_no_point():
    """A share of 0.265 of all people is missing among twelve with probability 0.025: (1 - 0.265) ** 12 = 0.025."""
    text = render([record(12, [1.0, 1.0])])
    assert "73.5–100.0" in text
    assert "100.0–100.0" not in text
    assert "people were queried" not in render([record(FEW, [0.9, 1.0])])
    assert explain_few(FEW) == []


@pytest.mark.parametrize("interval", [[1.0, 1.0], [0.7, 1.0]])
def test_a_terminal_shows_no_interval_of_few_people_and_says_why(interval):
    text = render([record(FEW - 1, interval)])
    assert "note: 9 people were queried; of fewer than 10, no 95 % interval is given" in text
    assert "–" not in text.replace("–  ", "")  # the dash of a missing interval, and no range
    assert render_interval((0.7, 1.0), FEW) == "70.0–100.0"


def test_the_note_is_one_short_sentence_with_the_numbers():
    end = "queried; of fewer than 10, no 95 % interval is given, as it would be too narrow"
    assert explain_few(6) == [f"note: 6 people were {end}"]
    assert explain_few(1) == [f"note: 1 person was {end}"]


@pytest.mark.slow
def test_of_six_people_it_covers_as_often_as_the_docs_say():
    told = "of six in {mAP:.1%} of the simulated worlds (mAP) and {R1:.1%} (R1)".format(**coverage(6))
    assert told.replace("%", " %") in " ".join((places.ROOT / "docs/intervals.md").read_text().split())


@pytest.mark.parametrize(("people", "shown"), [(6, "–"), (12, "73.5–100.0")])
def test_pages_show_what_the_terminal_shows(tmp_path, people, shown):
    made = record(people, [1.0, 1.0])
    (tmp_path / "record.json").write_bytes(made.to_json())
    add_record(tmp_path / "record.json", tmp_path / "board")
    page = build_pages(tmp_path / "board")["mars-synthetic.md"].decode()
    assert "100.0–100.0" not in page
    assert re.search(rf"\| +{shown} \|", page)


@pytest.mark.parametrize(("people", "shown"), [(6, "–  "), (12, "73.5–100.0")])
def test_scored_features_of_few_people_show_no_point(tmp_path, cli, people, shown):
    pid, cam = np.repeat(np.arange(1, people + 1), 2), np.tile([1, 2], people)
    for name, chosen in (("q", cam == 1), ("g", cam == 2)):
        vectors = np.eye(people + 1)[pid][chosen]
        np.savez(tmp_path / f"{name}.npz", embedding=vectors, pid=pid[chosen], camid=cam[chosen])
    result = cli("score", "--query", tmp_path / "q.npz", "--gallery", tmp_path / "g.npz")
    assert result.exit_code == 0, result.output
    assert shown in result.stdout
    assert "100.0–100.0" not in result.stdout
    assert (f"note: {people} people were queried" in result.stdout) == (people < FEW)


@pytest.mark.parametrize(("people", "interval"), [(6, None), (9, None), (12, [0.735, 1.0])])
def test_json_has_no_interval_where_the_table_has_none(tmp_path, cli_json, people, interval):
    pid, cam = np.repeat(np.arange(1, people + 1), 2), np.tile([1, 2], people)
    sides = {
        f"{letter}{name}": a[cam == n]
        for n, letter in ((1, "q"), (2, "g"))
        for name, a in (("f", np.eye(people + 1)[pid]), ("_pids", pid), ("_camids", cam))
    }
    np.savez(tmp_path / "both.npz", **sides)
    found = cli_json("score", tmp_path / "both.npz")["conventions"]["gallery-as-listed"]
    assert found["people"] == people
    for metric in ("mAP", "R1"):
        assert found["interval"][metric] == (None if interval is None else pytest.approx(interval, abs=1e-3))
    reason = f"{people} people were queried; of fewer than 10, no 95 % interval is given, as it would be too narrow"
    assert found.get("no_interval") == (reason if interval is None else None)
