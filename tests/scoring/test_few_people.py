"""Intervals of scores without spread: against the binomial distribution, and where they are shown."""

import json

import numpy as np
import places
import pytest
from scipy.stats import binomtest

from vreid_bench.records.record import Record
from vreid_bench.reporting.leaderboard import build_pages
from vreid_bench.reporting.record_folder import add_record
from vreid_bench.reporting.terminal import render
from vreid_bench.scoring.bootstrap import coverage
from vreid_bench.scoring.few_people import FEW, explain_few, widen_point

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
    head = {**GOLDEN["conventions"]["queries-in-gallery"], "mAP": 1.0, "interval": {"mAP": interval, "R1": interval}}
    tables = [{"queries": [1] * people, "AP": [1.0] * people, "R1": [1] * people}]
    return Record.of({**GOLDEN, "people": tables, "conventions": {**GOLDEN["conventions"], "queries-in-gallery": head}})


def test_a_terminal_shows_no_point_and_says_what_few_people_cannot_tell():
    text = render([record(6, [1.0, 1.0])])
    assert "54.1–100.0" in text
    assert "100.0–100.0" not in text
    assert "note: 6 people were queried" in text
    assert "people were queried" not in render([record(FEW, [0.9, 1.0])])
    assert explain_few(FEW) == []


def test_the_note_is_one_short_sentence_with_the_numbers():
    assert explain_few(6) == ["note: 6 people were queried; of fewer than 10, a 95 % interval is often too narrow"]
    assert explain_few(1) == ["note: 1 person was queried; of fewer than 10, a 95 % interval is often too narrow"]


@pytest.mark.slow
def test_of_six_people_it_covers_as_often_as_the_docs_say():
    told = "of six in {mAP:.1%} of the simulated worlds (mAP) and {R1:.1%} (R1)".format(**coverage(6))
    assert told.replace("%", " %") in " ".join((places.ROOT / "docs/intervals.md").read_text().split())


def test_pages_keep_what_the_record_says(tmp_path):
    """Committed pages stay the same, byte for byte."""
    (tmp_path / "record.json").write_bytes(record(6, [1.0, 1.0]).to_json())
    add_record(tmp_path / "record.json", tmp_path / "board")
    assert "100.0–100.0" in build_pages(tmp_path / "board")["mars-synthetic.md"].decode()


def test_scored_features_of_few_people_show_no_point(tmp_path, cli):
    pid, cam = np.repeat(np.arange(1, 7), 2), np.tile([1, 2], 6)
    for name, chosen in (("q", cam == 1), ("g", cam == 2)):
        np.savez(tmp_path / f"{name}.npz", embedding=np.eye(7)[pid][chosen], pid=pid[chosen], camid=cam[chosen])
    shown = cli("score", "--query", tmp_path / "q.npz", "--gallery", tmp_path / "g.npz")
    assert shown.exit_code == 0, shown.output
    assert "54.1–100.0" in shown.stdout
    assert "100.0–100.0" not in shown.stdout
    assert "note: 6 people were queried" in shown.stdout
