"""Ranks over a gallery in parts, counted by several processes: the integers of one process."""

import multiprocessing

import numpy as np
import pytest
from gallery_parts import Array, Damaged, Deadly

from vreid_bench.scoring.ranks.by_parts import Known, count_from_parts
from vreid_bench.scoring.ranks.by_workers import _share, count_by_workers
from vreid_bench.system.errors import InputError, RunError


@pytest.fixture(scope="module")
def world():
    """Queries, some of them gallery items, and a gallery in uneven parts with ties, junk and strangers."""
    random = np.random.default_rng(3)
    vectors = random.integers(1, 4, (400, 3)).astype(np.float32)
    pids, camids = random.integers(-1, 30, 400), random.integers(0, 4, 400)
    asked = np.flatnonzero((pids > 0) & (pids < 6))[::3]
    query = vectors[asked], pids[asked], camids[asked]
    cuts = [0, 1, 90, 91, 250, 250, 399]
    parts = [Array(*each) for each in zip(*(np.split(c, cuts) for c in (vectors, pids, camids)), strict=True)]
    known = Known.of(parts, np.unique(query[1]), np.float32)
    return query[0], parts, known, known.label(*query)


@pytest.mark.slow
@pytest.mark.parametrize("workers", [2, 3])
def test_the_counts_are_those_of_one_process(world, workers):
    query, parts, known, labels = world
    one = count_from_parts(query, parts, known, labels, "cosine")
    many = count_by_workers(query, parts, known, labels, "cosine", workers)
    for name in ("start", "group", "before", "in_gallery"):
        np.testing.assert_array_equal(getattr(many, name), getattr(one, name))
    assert not multiprocessing.active_children()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kind", "error", "message"),
    [
        (
            Deadly,
            RunError,
            "one of 2 worker processes ended before .* repeat the command with fewer --workers",
        ),
        (Damaged, InputError, "vectors-00001.npy: has changed"),
    ],
)
def test_a_worker_that_dies_or_finds_a_fault_ends_the_work(world, kind, error, message):
    query, parts, known, labels = world
    with pytest.raises(error, match=message):
        count_by_workers(query, [*parts, kind(*parts[2])], known, labels, "cosine", 2)
    assert not multiprocessing.active_children()


@pytest.mark.parametrize("tasks", [1, 2, 5, 100])
def test_each_row_is_in_one_task(world, tasks):
    _, parts, _, _ = world
    shared = list(_share(parts, tasks))
    assert [part for task in shared for part in task.parts] == parts
    assert [task.first for task in shared] == [0, *np.cumsum([sum(map(len, t.parts)) for t in shared])][:-1]
    assert len(shared) <= tasks
