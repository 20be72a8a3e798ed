"""Ranks counted over a gallery in parts by several processes: counts add up, so that they are those of one process."""

from __future__ import annotations

import multiprocessing
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import replace
from typing import Any, NamedTuple

from numpy.typing import NDArray

from vreid_bench.ops.metric import Metric
from vreid_bench.scoring.ranks.by_parts import Known, Part, count_from_parts
from vreid_bench.scoring.ranks.counting import Counts, count_from_embeddings
from vreid_bench.scoring.ranks.labels import Ints, Labels
from vreid_bench.system.errors import RunError
from vreid_bench.system.progress import bar, silence
from vreid_bench.system.worker_processes import begin_work, without_interruption

TASKS = 4  # for each worker, so that none waits long for the last one


class Work(NamedTuple):
    """What every task needs: sent to a worker once."""

    query: NDArray[Any]  # [Q, E]
    known: Known
    labels: Labels
    metric: Metric


class Task(NamedTuple):
    """Parts that follow one another, and the place of their first row."""

    parts: Sequence[Part]
    first: int


def count_by_workers(
    query: NDArray[Any], parts: Sequence[Part], known: Known, labels: Labels, metric: Metric, workers: int
) -> Counts:
    """As `count_from_parts`, the parts shared among so many processes, which share the cores.

    A part is counted by one process. Raises as `count_from_parts` does, and RunError for a worker that was killed.
    """
    tasks = list(_share(parts, workers * TASKS))
    workers = min(workers, len(tasks))
    if workers <= 1:
        return count_from_parts(query, parts, known, labels, metric)
    among = count_from_embeddings(query, known.vectors, labels, metric)
    before = among.before.copy()
    # spawn: a forked child of a process with threads (torch, BLAS) may hang
    context = multiprocessing.get_context("spawn")
    work = Work(query, known, labels, metric)
    with (
        bar(sum(map(len, parts)), "rank", "item") as progress,
        ProcessPoolExecutor(workers, mp_context=context, initializer=_begin, initargs=(work, workers)) as pool,
    ):
        with without_interruption():
            futures = {pool.submit(_count, task): task for task in tasks}
        try:
            for future in as_completed(futures):
                before += future.result() - among.before
                progress.update(sum(map(len, futures[future].parts)))
        except BrokenProcessPool as fault:
            raise RunError(
                f"one of {workers} worker processes ended before its work did, as one that is killed or has no memory "
                "left; repeat the command with fewer --workers"
            ) from fault
        except KeyboardInterrupt:
            for worker in multiprocessing.active_children():
                worker.kill()
            raise
        finally:
            pool.shutdown(cancel_futures=True)
    return replace(among, before=before)


def _share(parts: Sequence[Part], tasks: int) -> Iterator[Task]:
    """At most so many tasks (one more for what is left) with about as many rows each."""
    rows = sum(map(len, parts)) / tasks
    held: list[Part] = []
    first = place = 0
    for part in parts:
        held.append(part)
        place += len(part)
        if place - first >= rows:
            yield Task(held, first)
            held, first = [], place
    if held:
        yield Task(held, first)


_work: Work | None = None  # of this worker


def _begin(work: Work, workers: int) -> None:
    global _work
    begin_work(workers)
    _work = work


def _count(task: Task) -> Ints:
    """In a worker: what is counted before each match among the known items and those of the task."""
    assert _work is not None, "a worker begins with its work"
    query, known, labels, metric = _work
    here = known._replace(places=known.places - task.first)  # places from the first row of the task on
    with silence():
        return count_from_parts(query, task.parts, here, labels, metric).before
