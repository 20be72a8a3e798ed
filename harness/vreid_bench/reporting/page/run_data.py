"""What the folder of a finished run holds, read for its page: record, queries, break-down, and the log of training."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

from vreid_bench.records.breakdown_file import read_breakdown
from vreid_bench.records.named_run import find_run
from vreid_bench.records.per_query import PerQuery, QueryScores
from vreid_bench.records.record import Record
from vreid_bench.records.run_directory import FoldDirectory, RunDirectory
from vreid_bench.reporting.queried_people import CountPeople, count_people
from vreid_bench.scoring.ranks.labels import Bools
from vreid_bench.system.errors import InputError
from vreid_bench.system.plain_json import load_json

VALIDATION = "validation."  # before the name of each value of a validation, in `log.jsonl`
Line = dict[str, Any]


class Training(NamedTuple):
    """The log of one training."""

    fold: int
    first: bool  # is it on another data set, before the training on this one?
    steps: tuple[Line, ...]  # with losses
    validations: tuple[Line, ...]


@dataclass(frozen=True)
class RunData:
    """A finished run."""

    folder: RunDirectory
    record: Record
    queries: PerQuery
    breakdown: Mapping[str, Any]  # of the headline convention
    trainings: tuple[Training, ...]  # by fold

    @property
    def name(self) -> str:
        """The name of its folder."""
        return self.folder.path.resolve().name

    @property
    def headline(self) -> str:
        """The convention that its protocol ranks by."""
        return self.record.protocol.headline

    @property
    def scores(self) -> QueryScores:
        """The scores of all queries under that convention."""
        return self.queries.scores[self.headline]

    @cached_property
    def count_people(self) -> CountPeople:
        """Over how many people its intervals are."""
        return count_people(self.record, self.queries)

    @property
    def folds(self) -> tuple[int, ...]:
        """The numbers of the folds that ran."""
        return (0,) if self.record.splits is None else self.record.splits.ran

    @property
    def first_fold(self) -> FoldDirectory:
        """The folder of the first fold that ran."""
        return self.folder.fold(self.folds[0], 1 if self.record.splits is None else self.record.splits.total)

    @property
    def first_ranking(self) -> Bools:
        """Which queries belong to the first ranking: of the first fold, under the first condition. [Q]"""
        ranked: Bools = self.queries.split == self.queries.split.min()
        return ranked

    @property
    def rankings(self) -> int:
        """How many rankings were made: of each fold, under each condition."""
        return len(set(self.queries.split.tolist()))

    @property
    def condition(self) -> str:
        """The condition of the first ranking; empty where the protocol tests under one."""
        return self.record.conditions[0].name if self.record.conditions else ""


def read_run(run: Path, runs: Path) -> RunData:
    """The run with that path or id.

    Raises InputError if it is not finished, if it has no scores, and for a file that is missing or damaged.
    """
    folder = find_run(run, runs)
    record = Record.from_file(folder.record)
    headline = record.protocol.headline
    queries = PerQuery.from_file(folder.per_query, [headline])
    total = 1 if record.splits is None else record.splits.total
    folds = (0,) if record.splits is None else record.splits.ran
    trainings = [each for fold in folds for each in _read_trainings(folder.fold(fold, total), fold)]
    return RunData(folder, record, queries, _read_breakdown(folder.breakdown, headline), tuple(trainings))


def _read_breakdown(path: Path, convention: str) -> Mapping[str, Any]:
    found = read_breakdown(path)
    if convention not in found:
        raise InputError(f"{path}: has no break-down under {convention}; repeat the command of the run with --anew")
    return found[convention]


def _read_trainings(fold: FoldDirectory, number: int) -> list[Training]:
    places = ((True, fold.pretrained.log), (False, fold.log))
    found = [(first, read_log(path)) for first, path in places if path.is_file()]
    return [
        Training(
            number,
            first,
            tuple(line for line in lines if "loss" in line),
            tuple(line for line in lines if f"{VALIDATION}steps" in line),
        )
        for first, lines in found
        if lines
    ]


def read_log(path: Path) -> list[Line]:
    """The lines of a `log.jsonl`. Raises InputError for a line that no training wrote."""
    lines = []
    for number, text in enumerate(path.read_text(errors="replace").splitlines(), 1):
        try:
            line = load_json(text)
            numbers = {str(name): float(value) for name, value in line.items()}
            place = {name: int(numbers.get(name, 0)) for name in ("stage", "step")}
        except (ValueError, AttributeError, TypeError, OverflowError) as fault:
            raise InputError(f"{path}: line {number} is no line of a training ({fault}); remove it") from fault
        lines.append(numbers | place)
    return lines
