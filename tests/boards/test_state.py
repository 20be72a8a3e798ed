"""Which rows are missing or outdated: every fingerprint that decides numbers counts, and nothing else."""

import json

import pytest
from places import ROOT

from vreid_bench.boards.board_file import read_boards
from vreid_bench.boards.outline import render_states, to_plain
from vreid_bench.boards.state import judge_rows
from vreid_bench.boards.wanted import Wanted
from vreid_bench.contracts.dataset import SYNTHETIC
from vreid_bench.planning.code import find_other_code
from vreid_bench.planning.method import MethodRequest, choose_method
from vreid_bench.records.entries import Code, Provider
from vreid_bench.records.record import Record
from vreid_bench.registry.registry import Registry
from vreid_bench.reporting.record_folder import read_records
from vreid_bench.system.errors import InputError

LEADERBOARD = ROOT / "leaderboard"
ROW = Wanted("mars", "mean-pooling", "small", 0)
OTHER = "0" * 64


@pytest.fixture(scope="module")
def registry():
    return Registry.installed()


@pytest.fixture(scope="module")
def record(registry):
    """A committed record, as if it had been made by the code that is installed."""
    record = Record.from_file(LEADERBOARD / "records/mars/synthetic/mean-pooling-small-seed0.json")
    return record.model_copy(update={"code": None})


def why(record, registry, row=ROW):
    [state] = judge_rows([row], [record], registry)
    assert state.record is record
    return state.outdated


def test_a_record_of_the_same_method_rules_data_and_code_is_current(record, registry):
    assert why(record, registry) == ()
    assert why(record.model_copy(update={"created": "2001-01-01T00:00:00Z"}), registry) == ()  # a date does not count


def change(entry, **fields):
    return entry.model_copy(update=fields)


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        (lambda r: {"protocol": change(r.protocol, fingerprint=OTHER)}, "another protocol"),
        (
            lambda r: {"conventions": {n: change(c, fingerprint=OTHER) for n, c in r.conventions.items()}},
            "another convention official",
        ),
        (
            lambda r: {"conventions": {n: c for n, c in r.conventions.items() if n != "torchreid"}},
            "no score under torchreid",
        ),
        (lambda r: {"method": change(r.method, recipe={**r.method.recipe, "size": [1, 1]})}, "another recipe"),
        (lambda r: {"weights": change(r.weights, pretrained=None)}, "other first weights"),
        (lambda r: {"environment": change(r.environment, arithmetic="native")}, "arithmetic native"),
        (lambda r: {"environment": change(r.environment, arithmetic=None)}, "arithmetic not known"),
        (lambda r: {"dataset": change(r.dataset, twin=OTHER)}, "another twin of mars"),
        (lambda r: {"dataset": change(r.dataset, twin=None)}, "the twin of mars is not known"),
        (
            lambda r: {"code": Code(training=OTHER, features=OTHER, test=OTHER)},
            "other code of the harness for training, features, test",
        ),
        (
            lambda r: {"method": change(r.method, providers=tuple(change(p, code=OTHER) for p in r.method.providers))},
            "other code of encoder resnet",
        ),
    ],
)
def test_what_decides_numbers_makes_it_outdated(record, registry, fields, words):
    assert words in why(record.model_copy(update=fields(record)), registry)


@pytest.mark.parametrize(
    "row",
    [
        ROW._replace(seed=7),
        ROW._replace(settings=("test.T=3",)),
        ROW._replace(rerank="zhong"),
        ROW._replace(protocol="mars-dev"),
        ROW._replace(method="average"),
    ],
)
def test_a_row_of_other_options_is_missing(record, registry, row):
    [state] = judge_rows([row], [record], registry)
    assert state.record is None
    assert "1 row: 0 up to date, 0 outdated, 1 missing; about 2 minutes" in render_states([state], [120])


def own_copy(record, label, **fields):
    dataset = change(record.dataset, source="unverified", label=label, twin=None)
    return record.model_copy(update={"dataset": dataset, **fields})


def test_rows_of_own_data_are_found_while_the_variable_names_it(record, registry, tmp_path, monkeypatch):
    (tmp_path / "shelf/mars").mkdir(parents=True)
    own = own_copy(record, "mars")
    monkeypatch.setenv("VREID_DATA", str(tmp_path / "shelf"))
    assert why(own, registry) == ()
    assert why(own.model_copy(update={"dataset": change(own.dataset, source="official")}), registry) == ()
    assert why(own_copy(record, "other"), registry) == ("another copy of mars",)
    [state] = judge_rows([ROW], [record], registry)  # of the twin
    assert (state.record, state.place) == (None, None)
    assert to_plain([state])["rows"][0]["record"] is None

    (tmp_path / "shelf/mars" / SYNTHETIC).write_text(json.dumps({"plan_hash": record.dataset.twin}))  # a rendered copy
    assert why(record, registry) == ()
    (tmp_path / "shelf/mars" / SYNTHETIC).write_text(json.dumps({"plan_hash": OTHER}))
    assert why(record, registry) == ("another twin of mars",)


CUSTOM = ROW._replace(protocol="custom")  # of data without a twin


def test_a_row_of_data_that_is_not_given_is_not_judged(record, registry, tmp_path, monkeypatch):
    """Whether its record is there or not. That of the record has another protocol, which makes it outdated."""
    of_custom = change(record.protocol, name="custom")
    own = own_copy(record, "my-frames", protocol=of_custom)
    rendered = record.model_copy(update={"protocol": of_custom})
    for records in ([own], [rendered], []):
        [state] = judge_rows([CUSTOM], records, registry)
        assert [state.record] == (records or [None])
        assert (state.state, state.is_due, state.not_given) == ("unjudged", False, ("tracklets",))
    assert render_states([state], []) == (
        "unjudged  custom mean-pooling seed 0: no copy of tracklets is given; name yours with VREID_DATA\n"
        "1 row: 0 up to date, 0 outdated, 0 missing, 1 not judged"
    )
    assert to_plain([state])["rows"][0]["state"] == "unjudged"
    assert to_plain([state])["rows"][0]["why"] == ["no copy of tracklets is given; name yours with VREID_DATA"]
    monkeypatch.setenv("VREID_DATA", str(tmp_path))
    assert "another protocol" in why(own, registry, CUSTOM)
    [state] = judge_rows([CUSTOM], [], registry)
    assert state.state == "missing"


def test_a_row_whose_record_is_of_a_copy_is_not_missing_on_the_twin(record, registry):
    own = own_copy(record, "mars")
    [state] = judge_rows([ROW], [own], registry)
    assert (state.record, state.not_given) == (own, ("mars",))
    [state] = judge_rows([ROW], [own, record], registry)  # nor is one that has both
    assert (state.record, state.state) == (record, "current")


def test_a_transfer_is_not_judged_without_both_of_its_copies(record, registry):
    row = ROW._replace(protocol="mars-to-prid2011")
    own = own_copy(record, "prid2011", protocol=change(record.protocol, name="mars-to-prid2011"))
    [state] = judge_rows([row], [own], registry)
    assert (state.record, state.not_given) == (own, ("mars", "prid2011"))


@pytest.mark.parametrize("row", [ROW._replace(method="mean-poling"), ROW._replace(protocol="mar")])
def test_a_row_that_cannot_be_run_is_told_before_anything_runs(registry, row):
    with pytest.raises(InputError, match="did you mean"):
        judge_rows([row], [], registry)


FILE = '''
"""The loss `still` of a file."""
from torch import nn
from vreid_bench import hookimpl

class Still(nn.Module):
    def __init__(self, dims, identities):
        super().__init__()

    def forward(self, batch):
        return 0 * batch.embedding.sum()

@hookimpl
def vreid_losses():
    return {"still": Still}
'''


def test_a_row_of_a_file_is_outdated_by_its_code_and_not_by_a_comment_or_its_name(record, tmp_path, monkeypatch):
    """A record has the file's name and hash, which change with less."""
    row = ROW._replace(method="still")
    with pytest.raises(
        InputError, match=r"^row [a-z-]+ still .*: no method or part is named 'still'.* VREID_PLUGIN_FILES=FILE.py adds"
    ):
        judge_rows([row], [], Registry.installed())
    path, other = tmp_path / "still.py", tmp_path / "other.py"
    texts = {path: FILE, other: FILE + "# a comment\n"}

    def read(path):
        path.write_text(texts[path])
        monkeypatch.setenv("VREID_PLUGIN_FILES", str(path))
        return Registry.installed()

    registry = read(path)
    [state] = judge_rows([row], [], registry)
    assert (state.state, state.place.name.startswith("still-small-seed0-")) == ("missing", True)
    chosen = choose_method(registry, MethodRequest("still", "small", 0), (), None)
    providers = tuple(Provider(**each) for each in chosen.providers)
    entry = change(record.method, name="still", swapped="loss still", modified=True, providers=providers)
    mine = change(record, method=change(entry, recipe=chosen.settings))
    assert why(mine, registry, row) == ()
    assert why(mine, read(other), row) == ()
    texts[path] = FILE.replace("0 * ", "0.5 * ")
    assert why(mine, read(path), row) == ("other code of loss still",)


def test_the_committed_boards_name_the_committed_records(registry):
    """Each row has its record and each record its row, of today's recipes, rules, data and first weights.

    Of the code, `leaderboard fill --dry-run` tells: a change of it may leave every number as it is.
    """
    records = read_records(LEADERBOARD)
    states = judge_rows(read_boards(LEADERBOARD, []), records, registry)
    assert [state.wanted for state in states if state.record is None] == []
    assert len(states) == len(records)
    for state in states:
        assert set(state.outdated) <= set(find_other_code(state.record, registry)), state.wanted
