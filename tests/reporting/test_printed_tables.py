"""Printed tables: their short form and their faults; ours name what there is and print what the papers print."""

import json
import re
import tomllib
from collections import Counter

import pytest
from places import LEADERBOARD, ROOT

from vreid_bench.planning.method import choose_recipe
from vreid_bench.planning.protocols import find_protocol
from vreid_bench.registry.assignments import override
from vreid_bench.registry.registry import Registry
from vreid_bench.reporting.claims import Side, read_claims
from vreid_bench.reporting.printed_tables import (
    COSTS,
    FOLDER,
    Column,
    Line,
    choose_tables,
    find_table_numbers,
    list_cells,
    read_number,
    read_papers,
)
from vreid_bench.reporting.toml_file import LARGEST
from vreid_bench.system.errors import InputError
from vreid_plugins.tacan import TABLE_3

TABLE = """
paper = "A paper"

[[table]]
number = "VII"
caption = "good and bad"
columns = { mars = "mAP R1", prid2011 = "R1" }
rows = [
    { label = "Ours", method = "good", printed = "80 70.5 -" },
    { label = "Others [3]", quoted = true, printed = "- 44 81.0" },
    { label = "Lost", unbuilt = "nobody knows how", printed = "1 2 3" },
]
"""
OURS = 'method = "good", printed = "80 70.5 -"'
FAULTS = {
    "no TOML": ("paper = ", "Invalid value"),
    "no text": (b"paper = '\xff'", "codec can't decode"),
    "no paper": (TABLE.replace("paper", "papers"), "papers?: is (missing|not a field)"),
    "no tables": ('paper = "A"', "table: is missing"),
    "a table that is none": ('paper = "A"\ntable = [3]', "table.0: found 3"),
    "tables that are none": ('paper = "A"\ntable = 3', "table: found 3"),
    "an unknown field": (TABLE + "extra = 1\n", "table.0.extra: is not a field"),
    "a number that is none": (TABLE.replace('"VII"', '"first"'), "table.0.number: found 'first'"),
    "an unknown metric": (TABLE.replace('"mAP R1"', '"mAP rank"'), "table.0.columns.1.metric: found 'rank'"),
    "columns that are none": (re.sub("columns = .*", "columns = 3", TABLE), "table.0.columns: found 3"),
    "metrics that are none": (TABLE.replace('"mAP R1"', "7"), "table.0.columns: found an object"),
    "rows that are none": (re.sub(r"(?s)rows = .*", "rows = 3\n", TABLE), "table.0.rows: found 3"),
    "no rows": (re.sub(r"(?s)rows = .*", "rows = []\n", TABLE), "table.0.rows: found an empty list"),
    "a row that is none": (re.sub(r"(?s)rows = .*", "rows = [3]\n", TABLE), "table.0.rows.0: found 3"),
    "a number too few": (TABLE.replace("80 70.5 -", "80 70.5"), "'Ours': printed has 2 entries, expected one for each"),
    "a printed word": (TABLE.replace("80 70.5", "80 many"), "table.0.rows.0.printed.1: found 'many'"),
    "printed markup": (TABLE.replace("80 70.5", "80 <b>70.5</b>"), "table.0.rows.0.printed.1: found '<b>70.5</b>'"),
    "a printed number that is a number": (TABLE.replace('"80 70.5 -"', "[80, 70.5, 0]"), "printed.0: found 80"),
    "a method that is none": (TABLE.replace('"good", p', '"Good One", p'), "table.0.rows.0.method: found 'Good One'"),
    "neither method nor reason": (TABLE.replace('method = "good", ', ""), "expected a method, `quoted`, or why"),
    "a method that is not built": (TABLE.replace('"good", p', '"good", unbuilt = "x", p'), "expected a method"),
    "conditions too few": (TABLE.replace(OURS, f'{OURS}, conditions = ["x"]'), "conditions has 1 entries"),
    "no protocol": (
        re.sub("columns = .*", 'columns = [{label = "a", metric = "R1"}]', TABLE).replace("80 70.5 -", "80"),
        "neither row nor column names a protocol|printed has 3",
    ),
    "the same key twice": (TABLE + 'number = "2"\n', "Cannot overwrite a value"),
    "a file that is too large": ("#" * (LARGEST + 1), "shorter"),
}


@pytest.fixture
def write(tmp_path):
    """Write the only file of tables; returns the folder."""

    def file(text):
        folder = tmp_path / "papers"
        folder.mkdir(exist_ok=True)
        (folder / "paper.toml").write_bytes(text if isinstance(text, bytes) else text.encode())
        return folder

    return file


def test_the_short_form_is_spelled_out(write):
    [table] = read_papers(write(TABLE))["paper"].table
    assert table.columns == (
        Column(group="mars", label="mAP", protocol="mars", metric="mAP"),
        Column(group="mars", label="R1", protocol="mars", metric="R1"),
        Column(group="prid2011", label="R1", protocol="prid2011", metric="R1"),
    )
    assert table.rows[0] == Line(label="Ours", printed=("80", "70.5", "-"), method="good")
    assert [row.quoted for row in table.rows] == [False, True, False]


@pytest.mark.parametrize("fault", FAULTS)
def test_a_faulty_file_is_one_sentence(write, fault):
    text, message = FAULTS[fault]
    folder = write(text)
    with pytest.raises(InputError, match=message) as raised:
        read_papers(folder)
    said = str(raised.value)
    assert said.startswith(f"{folder / 'paper.toml'}: ")
    assert said.isprintable()


def test_a_folder_without_tables_is_refused(tmp_path):
    for folder in (tmp_path, tmp_path / "nothing"):
        with pytest.raises(InputError, match="has no printed tables"):
            read_papers(folder)


def test_a_cell_takes_what_row_and_column_say():
    table = read_papers()["clip-similarity"].table[0]
    cells = list(list_cells(table))
    assert cells[0][3].side == Side(
        method="clip-top-corrupted",
        protocol="mars-corruption",
        condition="up to 3 of 8 clips",
        settings={"matcher.top": 0.1, "stages.1.corruption.most": 3},
    )
    assert cells[-1][7].side == Side(
        method="clip-learned-corrupted", protocol="mars-corruption", condition="up to 7 of 8 clips"
    )


def test_a_row_may_have_its_own_protocol_and_conditions(write):
    text = TABLE.replace(OURS, f'{OURS}, protocol = "duke-video", conditions = ["a", "b", ""]')
    [cells, others, lost] = list_cells(read_papers(write(text))["paper"].table[0])
    assert [(c.side.protocol, c.side.condition) for c in cells] == [("duke-video", each) for each in ("a", "b", "")]
    assert {cell.side for cell in (*others, *lost)} == {None}


@pytest.mark.parametrize(
    ("text", "number"), [("7", 7), ("VII", 7), ("vii", 7), ("10", 10), ("X", 10), ("IL", None), ("-1", None)]
)
def test_numbers_are_arabic_or_roman(text, number):
    assert read_number(text) == number


@pytest.mark.parametrize(
    ("where", "numbers"),
    [
        ("Table 1", {1}),
        ("Tables 1 and 2", {1, 2}),
        ("Tables 2, 4 and 5", {2, 4, 5}),
        ("Fig. 6, Table 2, t = 20, M_c^max = 1", {2}),
        ("Table V, C3D (again in VIII)", {5, 8}),
        ("Table 1, models 2 and 4 (again in Table 2, ResNet50)", {1, 2}),
        ("Table 6, 1024", {6}),
        ("Fig. 3", set()),
        ("Table IX, PRID2011", {9}),
        ("sections 1 and 5", set()),
    ],
)
def test_a_place_names_tables(where, numbers):
    assert find_table_numbers(where) == numbers


def test_tables_are_chosen_by_their_numbers_in_any_form():
    paper = read_papers()["personvlad"]
    assert [table.number for table in choose_tables(paper, ("9", "VII", "IX"))] == ["IX", "VII"]
    assert choose_tables(paper, ()) == paper.table
    for wrong in ("1", "XI", "x9", ""):
        with pytest.raises(InputError, match="has no such table of results; expected one of II, III, IV, V"):
            choose_tables(paper, (wrong,))


# What follows is about the tables in this repository.

PAPERS = read_papers()
REGISTRY = Registry.installed()
METHODS = {entry.name: entry.build_method("paper") for entry in REGISTRY.entries("methods")}
QUOTES = {
    "clip-similarity": "clip-learned",
    "ica": "ica",
    "personvlad": "personvlad",
    "tacan": "tacan",
    "temporal-modeling": "temporal-attention-conv",
}  # paper -> the method that holds what it quotes
EVERY = [
    (name, table, cell)
    for name, paper in PAPERS.items()
    for table in paper.table
    for cells in list_cells(table)
    for cell in cells
]


def read_fraction(printed):
    """The printed percentage as a fraction; None for a dash and an empty place."""
    return round(float(printed) / 100, 4) if printed.strip("-") else None


def name_numbers(where):
    """The first table of a method's `where`, and the row in it."""
    number, _, row = re.fullmatch(r"Table (\w+)(, )?(.*)", where).groups()
    return read_number(number), row


def test_every_table_of_results_of_the_five_papers_is_there():
    """Table 1 of Matiyali and Sharma names ways of sampling, Table I of Wu et al. counts data sets."""
    assert {name: [table.number for table in paper.table] for name, paper in PAPERS.items()} == {
        "clip-similarity": list("23456"),
        "ica": list("1234"),
        "personvlad": ["II", "III", "IV", "V", "VI", "VII", "VIII", "IX", "X"],
        "tacan": list("12345"),
        "temporal-modeling": [*"123456789", "10"],
    }


def test_the_files_come_with_the_package():
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]
    assert "papers/*.toml" in settings["package-data"]["vreid_bench.reporting"]
    assert FOLDER.parent.name == "reporting"


def test_the_papers_have_the_names_that_their_claims_have():
    claims = read_claims(LEADERBOARD / "claims")
    assert {name: paper.paper for name, paper in PAPERS.items()} == {name: c.paper for name, c in claims.items()}


def test_every_method_protocol_and_condition_exists():
    protocols = REGISTRY.values("protocols")
    for _, table, cell in EVERY:
        if cell.side:
            assert cell.side.method in METHODS, cell
            protocol = find_protocol(protocols, cell.side.protocol)
            assert not cell.side.condition or cell.side.condition in protocol.conditions, cell
        for other in table.also.values():
            find_protocol(protocols, other)


@pytest.mark.parametrize("preset", ["paper", "small"])
def test_every_setting_is_what_a_record_keeps_of_it(preset):
    """Every setting has its full path, and differs from the method's own."""
    for side in {cell.side.model_dump_json(): cell.side for _, _, cell in EVERY if cell.side}.values():
        _, _, method = choose_recipe(REGISTRY, side.method, preset)
        assignments = [f"{path}={json.dumps(value)}" for path, value in side.settings.items()]
        assert override(method, assignments, REGISTRY)[1] == side.settings, side


def test_what_a_table_prints_for_a_method_is_what_the_method_reports():
    """Both were copied from the papers, at another time and in another way."""
    checked = 0
    for _, table, cell in EVERY:
        side, value = cell.side, None if cell.column.metric in COSTS else read_fraction(cell.printed)
        if side is None or cell.row.quoted or value is None:
            continue
        reported = {
            number.value
            for number in METHODS[side.method].reported
            if number.dataset in (side.protocol, table.also.get(side.protocol))
            and (number.metric, number.condition) == (cell.column.metric, side.condition)
            and (dict(number.settings), number.reranked) == (side.settings, side.reranked)
        }
        assert value in reported, (table.number, cell)
        checked += 1
    assert checked > 650


def test_what_a_method_reports_stands_in_the_table_that_it_names():
    by_author = {paper.paper.split()[0].strip(",:"): paper for paper in PAPERS.values()}
    checked = 0
    for name, method in METHODS.items():
        for number in method.reported:
            table, _ = name_numbers(number.where)
            paper = by_author[method.paper.split()[0].strip(",:")]
            [printed] = choose_tables(paper, (str(table),))
            values = {
                (cell.column.metric, read_fraction(cell.printed), cell.row.reranked)
                for cells in list_cells(printed)
                for cell in cells
                if cell.side and not cell.row.quoted and cell.column.metric not in COSTS
            }
            assert (number.metric, number.value, number.reranked) in values, (name, number)
            checked += 1
    assert checked > 500


def clean(label):
    """The name of a system without citations, years and spaces."""
    return re.sub(r"\(\d{4}[^)]*\)|\[[^\]]*\]|\*$|\s", "", label)


@pytest.mark.parametrize("name", PAPERS)
def test_what_is_quoted_is_what_the_methods_hold_as_quoted(name):
    quoted = Counter(
        (read_number(table.number), clean(cell.row.label), cell.column.metric, value, cell.row.reranked)
        for paper, table, cell in EVERY
        if paper == name and cell.row.quoted and (value := read_fraction(cell.printed)) is not None
    )
    held = Counter()
    for number in METHODS[QUOTES[name]].quoted:
        table, row = name_numbers(number.where)
        held[table, clean(row), number.metric, number.value, number.reranked] += 1
    assert quoted == held
    assert quoted


def test_the_diameters_are_those_that_the_plugin_holds():
    [table] = PAPERS["tacan"].table[2:3]
    assert tuple(tuple(map(float, row.printed)) for row in table.rows) == TABLE_3


def test_what_a_claim_prints_stands_in_a_table():
    checked = 0
    for name, claims in read_claims(LEADERBOARD / "claims").items():
        for claim in claims.claim:
            for side, number in zip((claim.better, claim.worse), claim.printed or (), strict=False):
                found = {
                    float(cell.printed)
                    for paper, _, cell in EVERY
                    if cell.side and cell.printed.strip("-") and cell.column.metric == claim.metric
                    if (paper, cell.side.method, cell.side.settings) == (name, side.method, side.settings)
                    if (cell.side.condition, cell.side.reranked) == (side.condition, side.reranked)
                }
                checked += number in found
    assert checked >= 0.9 * sum(
        2 for claims in read_claims(LEADERBOARD / "claims").values() for claim in claims.claim if claim.printed
    )
