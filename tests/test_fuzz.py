"""A short fuzz of every parser, and every file of earlier finds: a result or a sentence, nothing else."""

from pathlib import Path

import pytest
from fuzz import fuzz, run_one
from mutation import draw
from parsers import PARSERS

CORPUS = Path(__file__).parent / "fuzz/corpus"
FINDS = sorted(path for folder in CORPUS.iterdir() for path in folder.iterdir())


@pytest.mark.parametrize("name", PARSERS)
def test_changed_files_are_a_result_or_a_sentence(name):
    assert fuzz(name, PARSERS[name], PARSERS[name].short) == {}


@pytest.mark.parametrize("find", FINDS, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_earlier_finds_are_a_result_or_a_sentence(find, tmp_path):
    parser = PARSERS[find.parent.name]
    (tmp_path / "seeds").mkdir()
    if not parser.apart:
        parser.seeds(tmp_path)
    files = [path for path in find.rglob("*") if path.is_file()]
    parts = {"" if path.name == "whole" else str(path.relative_to(find)): path.read_bytes() for path in files}
    assert run_one(parser, tmp_path, parts) == ""


def test_an_execution_can_be_repeated():
    seeds = [{"": b'{"a": [1, 2]}'}, {"x": b"1,2\n", "y": b""}]
    drawn = [draw(seeds, 5, number) for number in range(50)]
    assert drawn == [draw(seeds, 5, number) for number in range(50)]
    assert len({repr(each) for each in drawn}) > 40


def test_another_exception_is_a_find(tmp_path):
    class Broken:
        @staticmethod
        def read(folder, parts):
            raise KeyError("no sentence")

    assert run_one(Broken, tmp_path, {}).startswith("KeyError")
