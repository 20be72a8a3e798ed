"""Which rows stand for a cell, and what they measured: worked by hand."""

import json

import pytest
from claim_cases import HEAD, make_claim, make_record
from hypothesis import given
from hypothesis import strategies as st
from printed_cases import make_column, make_line, make_paper, make_run, make_table

from vreid_bench.reporting.claims import Claims, Unjudged
from vreid_bench.reporting.reproduction import (
    Count,
    Kind,
    count_numbers,
    describe_reproduction,
    list_missing_sides,
    reproduce_paper,
    reproduce_table,
)
from vreid_bench.system.fingerprint import digest

OWN = Kind(False, "synthetic", "small")
OTHER = Kind(True, "synthetic", "small")


def change_protocol(name):
    """Changes of a record that put it under another protocol of the same rules."""
    rules = json.loads(make_record().to_json())["protocol"]["rules"] | {"name": name}
    return {"protocol__rules": rules, "protocol__fingerprint": digest(rules), "protocol__name": name}


def measure(table, *records):
    """What the rows of the paper's own protocol say."""
    return reproduce_table(table, records).measured[OWN]


def test_a_cell_is_the_mean_over_seeds_with_the_mean_of_its_ends():
    [[cell]] = measure(make_table(), make_run(score=0.4, interval=(0.3, 0.5)), make_run("good", 1, 0.6, (0.4, 0.8)))
    assert cell.value == pytest.approx(0.5)
    assert cell.interval == pytest.approx((0.35, 0.65))
    assert (cell.seeds, cell.protocol, cell.splits) == (2, "mars", "")


def test_only_map_and_r1_have_intervals():
    columns = [make_column(metric) for metric in ("mAP", "R1", "R5", "mINP")]
    scores = {f"conventions__{HEAD}__{metric}": value for metric, value in (("R1", 0.7), ("R5", 0.8), ("mINP", 0.2))}
    run = make_run(score=0.4, **scores)
    [cells] = measure(make_table(make_line("1 2 3 4"), columns=columns), run)
    assert [cell.value for cell in cells] == pytest.approx([0.4, 0.7, 0.8, 0.2])
    assert [cell.interval is None for cell in cells] == [False, False, True, True]


def test_settings_of_row_and_column_must_all_be_those_of_the_run():
    columns = [make_column(settings={"test.T": 8}), make_column()]
    rows = [make_line("1 2", settings={"matcher.top": 0.2}), make_line("3 4")]
    runs = [
        make_run(score=score, method__overrides=settings, method__modified=bool(settings))
        for score, settings in (
            (0.1, {"matcher.top": 0.2, "test.T": 8}),
            (0.2, {"matcher.top": 0.2}),
            (0.3, {"test.T": 8}),
            (0.4, {}),
            (0.9, {"test.T": 4}),
        )
    ]
    got = measure(make_table(*rows, columns=columns), *runs)
    assert [[cell.value for cell in row] for row in got] == [pytest.approx([0.1, 0.2]), pytest.approx([0.3, 0.4])]


def test_re_ranked_rows_stand_for_re_ranked_cells_alone():
    table = make_table(make_line(), make_line(label="Ours + re-ranking", reranked=True))
    reranked = make_run(score=0.8, disclosure__reranking="zhong", reranked_by="numpy")
    assert measure(table, reranked)[0] == (None,)
    [[plain], [after]] = measure(table, make_run(score=0.5), reranked)
    assert (plain.value, after.value) == (pytest.approx(0.5), pytest.approx(0.8))


def test_conditions_of_columns_and_rows():
    columns = [make_column(condition="clean"), make_column(condition="spoiled"), make_column()]
    rows = [make_line("1 2 3"), make_line("4 5 6", conditions=("spoiled", "", "clean"))]
    run = make_record("good", conditions={"clean": 0.8, "spoiled": 0.4})
    assert [[round(cell.value, 6) for cell in row] for row in measure(make_table(*rows, columns=columns), run)] == [
        [0.8, 0.4, 0.6],
        [0.4, 0.6, 0.8],
    ]
    assert list_missing_sides([reproduce_table(make_table(*rows, columns=columns), [run])]) == []


def test_rows_of_another_protocol_stand_apart_and_are_no_replacement():
    table = make_table(make_line("1"), make_line("2", "bad"), also={"mars": "mars-half"})
    got = reproduce_table(table, [make_run("bad"), make_run("good", score=0.7, **change_protocol("mars-half"))])
    assert list(got.measured) == [OWN, OTHER]
    assert got.measured[OWN][0] == (None,)
    assert got.measured[OTHER][0][0].value == pytest.approx(0.7)
    assert got.measured[OTHER][1] == (None,)
    assert [side.method for side in list_missing_sides([got])] == ["good"]
    assert count_numbers(got) == Count(2, 2, 1)


def test_presets_and_sources_never_share_a_line():
    runs = [make_run(score=0.1), make_run(score=0.2, preset="paper"), make_run(score=0.3, dataset__source="unverified")]
    got = reproduce_table(make_table(), runs).measured
    assert [(kind.source, kind.preset, round(cells[0][0].value, 6)) for kind, cells in got.items()] == [
        ("unverified", "small", 0.3),
        ("synthetic", "paper", 0.2),
        ("synthetic", "small", 0.1),
    ]


def test_cells_of_a_protocol_are_of_one_board():
    """Two versions of the data: the one with the most cells is shown, and then the latest."""
    table = make_table(make_line("1"), make_line("2", "bad"))
    old = {"dataset__fingerprint": "e" * 64, "created": "2020-01-01T00:00:00Z"}
    both = [make_run("good", score=0.1), make_run("bad", score=0.2)]
    [[good], [bad]] = measure(table, make_run("good", score=0.8, **old), *both)
    assert (good.value, bad.value) == (pytest.approx(0.1), pytest.approx(0.2))
    [[good], [bad]] = measure(table, make_run("good", score=0.8, **old), make_run("bad", score=0.9, **old), both[0])
    assert (good.value, bad.value) == (pytest.approx(0.8), pytest.approx(0.9))
    [[good], _] = measure(table, make_run("good", score=0.8, **old), both[0])
    assert good.value == pytest.approx(0.1)


def test_costs_are_seconds_and_frames_a_second():
    columns = [make_column("training"), make_column("inference")]
    cost = {"seconds": 8.0, "cpu_seconds": 9.0, "peak_mb": 1.0, "frames": 400}
    runs = [
        make_run(seed=seed, costs__train=cost | {"seconds": seconds}, costs__embed=cost)
        for seed, seconds in enumerate((60.0, 180.0))
    ]
    table = make_table(make_line("1 3"), columns=columns)
    [[training, inference]] = measure(table, *runs)
    assert (training.value, training.interval, training.seeds) == (120.0, None, 2)
    assert inference.value == 50.0
    [[training, _]] = measure(table, make_run(costs__train=None, costs__embed=cost))
    assert training is None


def test_rows_without_a_method_have_nothing():
    table = make_table(make_line("1", None, quoted=True), make_line("2", None, unbuilt="lost"), make_line("-"))
    got = reproduce_table(table, [])
    assert (got.measured, count_numbers(got)) == ({}, Count(2, 0, 0))
    assert [side.method for side in list_missing_sides([got])] == ["good"]


@given(st.lists(st.sampled_from("abcd"), max_size=6), st.sets(st.sampled_from("abcd")))
def test_what_is_missing_is_what_no_run_has(methods, present):
    rows = [make_line("1", method) for method in methods] or [make_line("1", "a")]
    got = reproduce_table(make_table(*rows), [make_record(method) for method in sorted(present)])
    asked = list(dict.fromkeys(row.method for row in rows))
    assert [side.method for side in list_missing_sides([got, got])] == [m for m in asked if m not in present]
    assert count_numbers(got).measured == sum(row.method in present for row in rows)


def test_a_table_has_the_claims_that_are_about_it():
    claims = Claims(
        paper="A paper",
        claim=(make_claim(), make_claim("bad", "good").model_copy(update={"where": "Tables 2 and 3"})),
        unjudged=(Unjudged(says="x", where="Table 1", why="y"), Unjudged(says="x", where="Fig. 1", why="y")),
    )
    first, second = make_table(), make_table().model_copy(update={"number": "III"})
    paper = make_paper(first, second)

    def count(*tables):
        judged = reproduce_paper("paper", paper, tables, claims, []).judged
        return judged.claims, len(judged.judgements), len(judged.unjudged)

    assert count(first, second) == (2, 2, 2)
    assert count(first) == (1, 1, 1)
    assert count(second) == (1, 1, 0)
    assert reproduce_paper("paper", paper, [first], None, []).judged is None


def test_everything_can_be_plain_values():
    table = make_table(make_line("80 -", note="odd"), columns=[make_column(), make_column("R5", group="MARS")])
    plain = describe_reproduction(reproduce_paper("p", make_paper(table), [table], None, [make_run(score=0.25)]))
    assert json.loads(json.dumps(plain)) == plain | {"tables": json.loads(json.dumps(plain["tables"]))}
    [first, second] = plain["tables"][0]["cells"]
    assert (first["printed"], second["printed"], second["column"], first["note"]) == ("80", "-", "MARS R5", "odd")
    [measured] = first["measured"]
    assert measured == {
        "preset": "small",
        "source": "synthetic",
        "substitute": False,
        "protocol": "mars",
        "splits": "",
        "value": pytest.approx(0.25),
        "interval": (0.4, 0.6),
        "seeds": 1,
    }
