"""`boards/*.toml` of a leaderboard: which rows it is to have, as methods times protocols times seeds."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import product
from pathlib import Path
from typing import Annotated

from pydantic import Field

from vreid_bench.boards.wanted import Wanted
from vreid_bench.contracts.recipe import Preset
from vreid_bench.records.fields import Count, Entry, MethodName, Name, Text
from vreid_bench.reporting.toml_file import read_toml
from vreid_bench.system.errors import InputError, suggestion

NAME = "boards"  # the folder in a leaderboard
SMALLEST = """\
says = "what its rows are for"
[[rows]]
protocols = ["mars"]
methods = ["mean-pooling"]"""
FORM = f"; a smallest board is\n{SMALLEST}"  # the end of a message


class Rows(Entry):
    """Every method under every protocol with every seed, with the same settings."""

    protocols: Annotated[tuple[Name, ...], Field(min_length=1)]
    methods: Annotated[tuple[MethodName, ...], Field(min_length=1)]
    seeds: Annotated[tuple[Count, ...], Field(min_length=1)] = (0,)
    preset: Preset = "small"
    settings: tuple[Text, ...] = ()  # as `--set` takes them
    rerank: Text = ""  # as `--rerank` takes it; empty: not re-ranked

    def list_wanted(self) -> Iterator[Wanted]:
        """Protocol by protocol, method by method, seed by seed."""
        for protocol, method, seed in product(self.protocols, self.methods, self.seeds):
            yield Wanted(protocol, method, self.preset, seed, self.settings, self.rerank)


class BoardFile(Entry):
    """One file."""

    says: Annotated[str, Field(min_length=1, max_length=500)]  # what its rows are for
    rows: Annotated[tuple[Rows, ...], Field(min_length=1)]


def list_boards(leaderboard: Path) -> list[str]:
    """The names of the boards of a leaderboard, sorted."""
    return sorted(path.stem for path in (leaderboard / NAME).glob("*.toml"))


def read_boards(leaderboard: Path, names: Sequence[str]) -> list[Wanted]:
    """The rows that boards of a leaderboard are to have, each once, in the order of the files; no name means all.

    A name may be the path of a file elsewhere. Raises InputError for a board that is not there, and for a faulty file,
    with the field, what was found and what was expected.
    """
    known = list_boards(leaderboard)
    if not known and not names:
        raise InputError(
            f"{leaderboard / NAME}: has no boards; expected .toml files that say which rows there are to be{FORM}"
        )
    paths = [_find(leaderboard, name, known) for name in names or known]
    every = (rows for path in paths for rows in read_toml(path, BoardFile, dict, NAME, FORM).rows)
    return list(dict.fromkeys(wanted for rows in every for wanted in rows.list_wanted()))


def _find(leaderboard: Path, name: str, known: Sequence[str]) -> Path:
    path = Path(name) if name.endswith(".toml") else leaderboard / NAME / f"{name}.toml"
    if not path.is_file():
        has = f"there are in {leaderboard}: {', '.join(known) or 'none'}; a path ends in .toml"
        raise InputError(f"{name}: no such board{suggestion(name, known, has)}")
    return path
