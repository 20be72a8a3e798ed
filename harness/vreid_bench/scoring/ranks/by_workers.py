"""Passes over a gallery in parts, shared among workers: counts add up, so that they are those of one process."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from vreid_bench.contracts.task_executor import Result, Shared, TaskExecutor, Work
from vreid_bench.ops.metric import Metric
from vreid_bench.scoring.ranks.by_parts import (
    ROWS,
    Known,
    Part,
    Ranking,
    collect_items,
    count_from_parts,
    count_strangers,
    find_known,
)
from vreid_bench.scoring.ranks.counting import Counts, backend
from vreid_bench.scoring.ranks.labels import Ints, Labels
from vreid_bench.scoring.ranks.nearest import Nearest, find_nearest
from vreid_bench.system.errors import RunError
from vreid_bench.system.progress import bar, silence

TASKS = 4  # for each worker, so that none waits long for the last one


class Stretch(NamedTuple):
    """A task: parts that follow one another, and the place of their first row."""

    parts: Sequence[Part]
    first: int


@dataclass(frozen=True)
class SharedGallery:
    """A gallery in parts whose passes an executor shares among its workers; a part is read by one of them.

    Every pass raises what it raises in one process, and what the executor raises (`TaskExecutor.map_tasks`).
    """

    parts: Sequence[Part]
    executor: TaskExecutor | None = None  # None: this process reads all of it
    workers: int | None = None  # at a time; None: as many as the executor has room for
    rows: int = ROWS  # that are held at once

    def find(self, people: Ints, dtype: Any) -> Known:
        """The first pass, as `Known.of`."""
        if self.executor is None:
            return Known.of(self.parts, people, dtype, self.rows)
        found = dict(self._map(self.executor, "find matches", _find, (people, dtype, self.rows)))
        return Known.join([known for number in sorted(found) for known in found[number]])

    def count(self, query: NDArray[Any], known: Known, labels: Labels, metric: Metric) -> Counts:
        """The second pass, as `count_from_parts`."""
        if self.executor is None:
            return count_from_parts(query, self.parts, known, labels, metric, self.rows)
        ranking = Ranking.of(query, known, labels, metric)
        strangers = np.zeros_like(ranking.among.before)
        for _, counted in self._map(self.executor, "rank", _count, (ranking, self.rows, backend())):
            strangers += counted
        return ranking.add(strangers)

    def nearest(self, query: NDArray[Any], metric: Metric, count: int) -> Nearest:
        """The nearest items of each query, as `find_nearest`."""
        if self.executor is None:
            return find_nearest(query, self.parts, metric, count, self.rows)
        found = dict(self._map(self.executor, "find first ranks", _find_nearest, (query, metric, count, self.rows)))
        return Nearest.join([found[number] for number in sorted(found)], count)

    def collect(self, places: Ints, dtype: Any) -> Known:
        """The items at these places, which rise, as `collect_items`."""
        if self.executor is None:
            return Known.join(collect_items(self.parts, places, dtype, self.rows))
        found = dict(self._map(self.executor, "read first ranks", _collect, (places, dtype, self.rows)))
        return Known.join([items for number in sorted(found) for items in found[number]])

    def _map(
        self, executor: TaskExecutor, title: str, work: Work[Shared, Stretch, Result], shared: Shared
    ) -> Iterator[tuple[int, Result]]:
        rows = sum(map(len, self.parts))
        tasks = list(_share(self.parts, self.workers * TASKS if self.workers else -(-rows // self.rows)))
        with bar(rows, title, "item") as progress, closing(executor.map_tasks(work, shared, tasks)) as results:
            for number, result in results:
                progress.update(sum(map(len, tasks[number].parts)))
                yield number, result


def _find(shared: tuple[Ints, Any, int], task: Stretch, threads: int | None) -> list[Known]:
    """In a worker, which needs one thread."""
    people, dtype, rows = shared
    with silence():
        return find_known(task.parts, people, dtype, rows, task.first)


def _count(shared: tuple[Ranking, int, str], task: Stretch, threads: int | None) -> Ints:
    """In a worker."""
    ranking, rows, asked = shared
    if _describe_rounding(asked) != _describe_rounding(backend()):
        raise RunError(
            f"a worker counts with {backend()} and this process with {asked}, which may round distances differently; "
            "install vreid-bench with the same native kernels on every machine"
        )
    with silence():
        return count_strangers(ranking, task.parts, rows, task.first, threads)


def _find_nearest(shared: tuple[NDArray[Any], Metric, int, int], task: Stretch, threads: int | None) -> Nearest:
    """In a worker."""
    query, metric, count, rows = shared
    with silence():
        return find_nearest(query, task.parts, metric, count, rows, task.first)


def _collect(shared: tuple[Ints, Any, int], task: Stretch, threads: int | None) -> list[Known]:
    """In a worker, which needs one thread."""
    places, dtype, rows = shared
    with silence():
        return collect_items(task.parts, places, dtype, rows, task.first)


def _describe_rounding(name: str) -> str:
    """What counts with equal bits: all native kernels but the plain one round a product and a sum at once."""
    return name if name in ("numpy", "native-plain") else "fused"


def _share(parts: Sequence[Part], tasks: int) -> Iterator[Stretch]:
    """At most so many tasks (one more for what is left) with about as many rows each."""
    rows = sum(map(len, parts)) / max(1, tasks)
    held: list[Part] = []
    first = place = 0
    for part in parts:
        held.append(part)
        place += len(part)
        if place - first >= rows:
            yield Stretch(held, first)
            held, first = [], place
    if held:
        yield Stretch(held, first)
