"""Tables from records: what stands together, what must not, and text from strangers."""

from __future__ import annotations

import html
import json
import re
import subprocess
import sys

import pytest
from golden_records import HEAD, HOSTILE, begun, number, record, seeds
from hypothesis import given
from hypothesis import strategies as st
from places import GOLDEN, LEADERBOARD

from vreid_bench.contracts.convention import Convention
from vreid_bench.contracts.protocol import Protocol
from vreid_bench.records.entries import describe_rules
from vreid_bench.records.record import Record
from vreid_bench.reporting.board import boards
from vreid_bench.reporting.leaderboard_tables import (
    budget_table,
    conditions_table,
    index_table,
    quotations_table,
    results_table,
)
from vreid_bench.reporting.page.view import view_board
from vreid_bench.reporting.paper_tables import TableShape, render_table
from vreid_bench.reporting.run_report import as_json
from vreid_bench.reporting.terminal import render
from vreid_bench.reporting.text import escape, sanitize


def cells(table, column):
    """The cells of one column of a Markdown table, by its header's first occurrence."""
    lines = [[cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines()]
    return [line[lines[0].index(column)] for line in lines[2:]]


def results(records):
    (board,) = boards(records)
    return results_table(board, lambda text: f"({text})")


def test_seeds_of_a_method_are_one_row_with_mean_and_deviation():
    table = results(seeds(0.70, 0.72))
    assert (cells(table, "seeds"), cells(table, "mAP")) == (["2"], ["71.0 ± 1.4"])


def test_one_seed_has_no_deviation():
    assert cells(results(seeds(0.70)), "mAP") == ["70.0"]


def test_the_interval_is_the_mean_of_the_seeds_ends():
    ends = [
        record(seed=seed, **{HEAD + "interval": {"mAP": end, "R1": [0, 1]}})
        for seed, end in enumerate(([0.5, 0.7], [0.6, 0.9]))
    ]
    assert cells(results(ends), "95 %") == ["55.0–80.0"]


def test_a_convention_under_which_few_may_ask_has_no_interval_on_any_page():
    """The record has its people under the headline convention alone; under another there are no more than queries."""
    one = json.loads((LEADERBOARD / "records/mars/synthetic/mean-pooling-small-seed0.json").read_text())
    few = next(name for name in one["conventions"] if name != one["protocol"]["headline"])
    one["conventions"][few]["queries"] = one["conventions"][few]["splits"][0]["queries"] = 9
    [board] = boards([Record.from_json(json.dumps(one).encode(), "few.json")])
    assert board.rows[0].interval(few, "mAP") == "–"
    assert board.rows[0].interval(board.headline, "mAP") != "–"
    shown = as_json(board.first)["conventions"]
    assert shown[few]["interval"] == {"mAP": None, "R1": None}
    assert shown[few]["no_interval"].startswith("9 people were queried")
    assert shown[board.headline]["interval"]["mAP"] is not None


@pytest.mark.parametrize(
    "other",
    [
        {"method__name": "other"},
        {"preset": "paper"},
        {"method__modified": True},
        {"method__modified": True, "method__overrides": {"margin": 1}},
        {"method__recipe": {"encoder": {"name": "resnet", "options": {"depth": 18}}}},
        {"disclosure__reranking": "k-reciprocal"},
        {"disclosure__selected_on": "test"},
        {"disclosure__pretraining": "ImageNet-1k"},
        {"weights__origin": "file"},
    ],
)
def test_what_is_not_the_same_method_is_another_row(other):
    assert cells(results([*seeds(0.7), *seeds(0.6, **other)]), "seeds") == ["1", "1"]


def other_convention():
    rule = Convention("official", "2", True, "step", "error", "", "")
    return {f"conventions__official__{name}": value for name, value in describe_rules(rule).items()}


def other_protocol(version):
    rule = Protocol(
        "mars", version, "mars", "queries-in-gallery", ("official", "torchreid", "queries-in-gallery"), "", ""
    )
    return {f"protocol__{name}": value for name, value in describe_rules(rule).items()}


@pytest.mark.parametrize(
    "other",
    [
        {"dataset__source": "official"},
        {"dataset__source": "unverified"},
        {"dataset__fingerprint": "e" * 64},
        {"dataset__name": "duke"},
        {"protocol__headline": "official"},
        other_convention(),
        other_protocol("1"),
        other_protocol("2"),
    ],
)
def test_unlike_data_protocols_and_conventions_are_never_in_one_table(other):
    apart = boards([*seeds(0.7, 0.71), *seeds(0.9, **other), *seeds(0.8, method__name="second")])
    assert sorted(len(board.rows) for board in apart) == [1, 2]
    assert apart == boards([*seeds(0.8, method__name="second"), *seeds(0.9, **other), *seeds(0.7, 0.71)])


def test_the_headline_ranks_then_r1_then_the_name():
    records = [
        record(method__name=name, **{HEAD + "mAP": score, HEAD + "R1": r1, "conventions__official__mAP": 1 - score})
        for name, score, r1 in (("d", 0.5, 0.6), ("c", 0.6, 0.5), ("b", 0.5, 0.5), ("a", 0.5, 0.5))
    ]
    for order in (records, records[::-1]):
        assert cells(results(order), "method") == ["c", "d", "a", "b"]
    assert results(records) == results(records[::-1])


def test_ranking_is_by_the_full_number_not_by_the_printed_one():
    records = [record(method__name=name, **{HEAD + "mAP": score}) for name, score in (("a", 0.70001), ("b", 0.70002))]
    assert cells(results(records), "method") == ["b", "a"]


def test_reported_numbers_stand_beside_the_method_they_were_reported_for():
    assert cells(results(seeds(0.7)), "reported mAP") == ["76.5(Gao and Nevatia, 2018. Table 1, row pool)"]
    assert cells(results(seeds(0.7, method__modified=True)), "reported mAP") == [""]
    elsewhere = [number(0.9, dataset="duke", where="Table 2")]
    assert cells(results(seeds(0.7, method__reported=elsewhere)), "reported mAP") == [""]


@pytest.mark.parametrize(
    ("change", "remark"),
    [
        ({}, ""),
        ({"method__modified": True}, "modified"),
        ({"method__modified": True, "method__overrides": {"test.clips": 1}}, "modified; test.clips=1"),
        ({"method__modified": True, "method__swapped": "loss margin"}, "modified; loss margin"),
        ({"weights__origin": "file"}, "weights from a file (aaaaaaaa)"),
        ({"disclosure__selected_on": "test"}, "model selected on test"),
        ({"disclosure__camera_id_at_test": True}, "camera id at test"),
        ({"disclosure__reranking": "k-reciprocal"}, "re-ranking&#58; k-reciprocal"),
        ({"disclosure__test_time_augmentation": "flip"}, "test-time augmentation&#58; flip"),
        (begun(shipped=False), "encoder pre-trained&#58; a.pth (bbbbbbbb)"),
        (begun(shipped=True), "encoder pre-trained&#58; a.pth"),  # belongs to the method, and is told
    ],
)
def test_a_row_says_in_words_what_sets_it_apart(change, remark):
    (board,) = boards(seeds(0.7, **change))
    for table in (results([*board.records]), index_table(board)):
        assert cells(table, "remarks") == [remark]


def test_budget_columns():
    (board,) = boards(
        [
            *seeds(0.7),
            record(
                seed=1,
                budget__steps=300,
                costs__train={"seconds": 15, "cpu_seconds": 30, "peak_mb": 700, "frames": 600},
            ),
        ]
    )
    table = budget_table(board)
    assert cells(table, "frames/step") == ["64"]
    assert cells(table, "steps") == ["200, 300"]
    assert cells(table, "parameters") == ["1,234,567"]
    assert cells(table, "CPU min") == [f"{((90.5 + 12 + 0.5) + (30 + 12 + 0.5)) / 2 / 60:.1f}"]
    assert cells(table, "peak MB") == ["700"]
    # one of the two records knows its frames: 600 in 15 s
    assert (cells(table, "frames/s in training"), cells(table, "frames/s in the test")) == (["40"], [""])
    assert cells(table, "provided by") == ["vreid-bench 0.1.0"]


def hostile():
    return record(
        method__paper=HOSTILE,
        method__modified=True,
        method__swapped=HOSTILE,
        method__overrides={HOSTILE: HOSTILE},
        method__providers=[
            {"kind": "method", "name": HOSTILE, "distribution": HOSTILE, "version": HOSTILE, "code": None}
        ],
        dataset__notes=[HOSTILE],
        disclosure__pretraining=HOSTILE,
        environment__device=HOSTILE,
    )


def test_a_stranger_s_text_stays_in_its_cell():
    (board,) = boards([hostile(), *seeds(0.7)])
    for table in (results([*board.records]), budget_table(board), index_table(board)):
        lines = table.splitlines()
        assert len(lines) == 4
        assert len({line.count("|") for line in lines}) == 1
        assert not re.search(r"[<>`*_~$\[\]{}\\\x1b\u202e]|www\.|://", table.replace("(Gao", ""))


def test_reported_text_is_escaped_where_it_is_printed():
    """Footnotes hand their text over as it is; the page escapes it."""
    seen = []
    (board,) = boards([record(method__reported=[number(0.5, where=HOSTILE)])])
    results_table(board, lambda text: seen.append(text) or "[^1]")
    assert HOSTILE in seen[0]


@given(st.text())
def test_escaped_text_is_safe_ascii_and_reads_as_it_was(text):
    out = escape(text)
    assert re.fullmatch(r"""([A-Za-z0-9 .,;=+/()%?'"-]|&#\d+;)*""", out)
    assert "www." not in out.lower()
    assert html.unescape(out) == sanitize(text)


@given(st.text(st.characters()))
def test_printable_text_is_one_line_without_control_characters(text):
    assert sanitize(text).isprintable()
    assert sanitize(sanitize(text)) == sanitize(text)


def test_terminal_shows_every_convention_and_no_control_character():
    text = render([hostile(), *seeds(0.7, 0.72)])
    assert text.replace("\n", "").isprintable()
    assert "note: a|b" in text
    assert "seed 0, 1" in text
    for name in ("queries-in-gallery", "official", "torchreid"):
        assert len(re.findall(rf"^{name} ", text, re.MULTILINE)) == 2
    assert "71.0 ± 1.4" in text


def test_tables_load_neither_torch_nor_plugins_nor_scores():
    code = "import sys, vreid_bench.reporting.leaderboard, vreid_bench.reporting.terminal; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert {"vreid_bench.reporting.leaderboard_tables", "vreid_bench.reporting.terminal"} <= set(loaded)
    assert not {"torch", "numpy", "vreid_plugins", "vreid_bench.scoring.metrics", "vreid_bench.modeling.model"} & set(
        loaded
    )


def over(scores, ran, **changes):
    """A record of several splits with these mAP under the headline."""
    fields = json.loads(record(**changes).to_json())
    for result in fields["conventions"].values():
        result["splits"] = [result["splits"][0] | {"mAP": score} for score in scores]
    head = fields["conventions"]["queries-in-gallery"]
    head["mAP"] = sum(scores) / len(scores)
    return Record.of(fields | {"splits": {"total": 4, "ran": ran}})


def test_the_spread_over_splits_is_told_from_that_over_seeds():
    one, two = over([0.6, 0.8], [0, 1]), over([0.62, 0.82], [0, 1], seed=1)
    alone, both = results([one]), results([one, two])
    assert (cells(alone, "mAP"), cells(alone, "± splits")) == (["70.0"], ["± 14.1"])
    # over seeds 70 and 72; over the splits' means 61 and 81
    assert (cells(both, "mAP"), cells(both, "± splits")) == (["71.0 ± 1.4"], ["± 14.1"])
    assert "± splits" not in results(seeds(0.7))
    assert {"R5", "R10", "R20"} <= {cell.strip() for cell in alone.splitlines()[0].split("|")}


def test_a_single_split_has_no_spread():
    assert cells(results([over([0.6], [2])]), "± splits") == [""]


def test_the_terminal_shows_no_column_of_spreads_for_a_single_split():
    assert "± splits" not in render([over([0.6], [2])])
    assert "± splits" in render([over([0.6, 0.8], [0, 1])])


def test_rows_of_other_splits_are_never_ranked_together():
    some, all_ = over([0.6, 0.8], [0, 1]), over([0.1] * 4, [0, 1, 2, 3])
    other = over([0.9, 0.9], [2, 3])
    apart = boards([other, some, all_])
    assert [board.splits for board in apart] == ["4 splits", "2 of 4 splits (0-1)", "2 of 4 splits (2-3)"]
    text = render([some])
    assert "2 of 4 splits (0-1)" in text.splitlines()[0]
    assert "± 14.1" in text


def test_reported_numbers_with_re_ranking_stand_beside_rows_with_it_alone():
    both = [number(0.5), number(0.6, reranked=True)]
    plain, reranked = (
        results([record(method__reported=both, **change)]) for change in ({}, {"disclosure__reranking": "k-reciprocal"})
    )
    assert cells(plain, "reported mAP") == ["50.0(Gao and Nevatia, 2018. Table 9)"]
    assert cells(reranked, "reported mAP") == ["60.0(Gao and Nevatia, 2018. Table 9)"]


def test_a_number_of_other_settings_stands_beside_a_row_with_just_these():
    numbers = [number(0.5), number(0.6, settings={"matcher.top": 0.2}), number(0.7, settings={"matcher.top": 0.3})]

    def shown(**change):
        return cells(results([record(method__reported=numbers, **change)]), "reported mAP")

    changed = {"method__modified": True, "method__overrides": {"matcher.top": 0.2}}
    assert shown() == ["50.0(Gao and Nevatia, 2018. Table 9)"]
    assert shown(**changed) == ["60.0(Gao and Nevatia, 2018. Table 9)"]
    assert shown(**changed, method__swapped="loss softmin") == [""]
    for other in ({"matcher.top": 0.4}, {"matcher.top": 0.2, "test.T": 8}, {"test.T": 8}):
        assert shown(method__modified=True, method__overrides=other) == [""]


def test_numbers_of_a_condition_stand_under_their_row_in_the_columns_of_their_conditions():
    head = json.loads((GOLDEN / "record.json").read_bytes())["conventions"]["queries-in-gallery"]
    summary = {name: head[name] for name in head if name not in ("version", "fingerprint", "rules", "cmc")}
    names = [f"up to {most} of 8 clips" for most in range(3)]
    numbers = [number(0.1 * at, condition=name) for at, name in enumerate(names) if at] + [number(0.9)]
    numbers += [number(0.4, condition=names[2], where="Table 2"), number(0.3, condition=names[0], dataset="elsewhere")]
    numbers += [number(0.2, condition=names[0], metric="R1")]
    conditions = [{"name": name, "conventions": {"queries-in-gallery": summary}} for name in names]
    only = {"conventions": {"queries-in-gallery": head}, "conditions": conditions}
    (board,) = boards(
        [record(method__reported=numbers, **only), record(method__name="zebra", method__reported=[], **only)]
    )
    table = conditions_table(board, "mAP", lambda text: f"({text})")
    paper = "as reported(Gao and Nevatia, 2018. Table {})"
    assert cells(table, "method") == ["temporal-pooling", paper.format(9), paper.format(2), "zebra"]
    assert [cells(table, f"mAP, {escape(name)}")[1:3] for name in names] == [["", ""], ["10.0", ""], ["20.0", "40.0"]]
    assert cells(results([*board.records]), "reported mAP") == ["90.0(Gao and Nevatia, 2018. Table 9)", ""]


def test_quoted_numbers_have_a_table_of_their_own():
    quoted = [
        number(0.456, where="Table 9, Zheng"),
        number(0.65, where="Table 9, Zheng", metric="R1"),
        number(0.677, where="Table 9, Hermans", note="other data", reranked=True),
        number(0.9, where="Table 9, elsewhere", dataset="duke-video"),
    ]
    (board,) = boards([record(method__quoted=quoted), record(seed=1, method__quoted=quoted), *seeds(0.7)])
    table = quotations_table(board)
    assert cells(table, "quoted in") == ["Table 9, Hermans", "Table 9, Zheng"]
    assert cells(table, "mAP") == ["67.7", "45.6"]
    assert cells(table, "R1") == ["", "65.0"]
    assert cells(table, "remarks") == ["re-ranking; other data", ""]
    assert quotations_table(*boards(seeds(0.7))) == ""


def test_quoted_text_is_escaped():
    (board,) = boards([record(method__quoted=[number(0.5, where=HOSTILE, note=HOSTILE)])])
    table = quotations_table(board)
    assert len(table.splitlines()) == 3
    assert not re.search(r"[<>`*_~$\[\]{}\\\x1b\u202e]", table)


def test_multiply_adds_are_a_column_of_the_budget():
    (board,) = boards([record(), record(seed=1, budget__multiply_adds=1_000)])
    assert cells(budget_table(board), "multiply-adds/clip") == ["26,574,848, 1,000"]


def test_tables_of_unverified_data_say_which_folder_it_was():
    own = {"dataset__source": "unverified", "dataset__label": "shop"}
    [board] = boards(seeds(0.7, 0.71, **own))
    assert board.data == "unverified data (shop)"
    assert render(board.records).startswith("mars on unverified data (shop)")
    assert view_board(board).title == "mars on unverified data (shop)"
    assert r"mars on unverified data (shop), " in render_table(board, TableShape("latex"))
    [twin] = boards(seeds(0.7))
    assert view_board(twin).title == "mars on synthetic data"
