"""Ranks over a gallery in parts, counted by several workers: the integers of one process."""

import itertools
import multiprocessing
from contextlib import nullcontext

import numpy as np
import pytest
from gallery_parts import Array, Damaged, DeadlyOnce, Elsewhere
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from vreid_bench.scoring.ranks import by_workers
from vreid_bench.scoring.ranks.by_parts import Known, count_from_parts
from vreid_bench.scoring.ranks.by_workers import SharedGallery, _share
from vreid_bench.system.errors import InputError, RunError
from vreid_bench.system.worker_processes import WorkerProcesses


def draw(seed, size, cuts):
    """Queries, some of them gallery items, and a gallery in parts, some empty, with ties, junk and strangers."""
    random = np.random.default_rng(seed)
    vectors = random.integers(1, 4, (size, 3)).astype(np.float32)
    pids, camids = random.integers(-1, 30, size), random.integers(0, 4, size)
    asked = np.flatnonzero((pids > 0) & (pids < 6))[::3]
    parts = [Array(*each) for each in zip(*(np.split(c, cuts) for c in (vectors, pids, camids)), strict=True)]
    return (vectors[asked], pids[asked], camids[asked]), parts


def check_equal(one, many):
    for name in ("start", "group", "before", "in_gallery"):
        np.testing.assert_array_equal(getattr(many, name), getattr(one, name))


def check_shared(query, parts, metric, executor, workers):
    """Both passes of an executor against those of one process."""
    people = np.unique(query[1])
    known = Known.of(parts, people, np.float32)
    labels = known.label(*query)
    gallery = SharedGallery(parts, executor, workers)
    for mine, own in zip(gallery.find(people, np.float32), known, strict=True):
        np.testing.assert_array_equal(mine, own)
    counted = gallery.count(query[0], known, labels, metric)
    check_equal(count_from_parts(query[0], parts, known, labels, metric), counted)


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    size=st.integers(1, 60),
    cuts=st.lists(st.integers(0, 60), max_size=8),
    workers=st.sampled_from([1, 2, 3, None]),
    metric=st.sampled_from(["cosine", "euclidean"]),
)
def test_any_cut_and_any_number_of_workers_count_as_one_process(seed, size, cuts, workers, metric):
    query, parts = draw(seed, size, sorted(min(cut, size) for cut in cuts))
    items = {(vector.tobytes(), *who) for vector, *who in zip(*query, strict=True)}
    assume(items and len(items) == len(query[0]))  # or two queries are one item
    check_shared(query, parts, metric, Elsewhere(), workers)


@pytest.fixture(scope="module")
def world():
    return draw(3, 400, [0, 1, 90, 91, 250, 250, 399])


@pytest.mark.slow
def test_processes_count_as_one_also_when_one_is_killed(world, tmp_path, capsys):
    query, parts = world
    known = Known.of(parts, np.unique(query[1]), np.float32)
    labels = known.label(*query)
    deadly = [*parts[:4], DeadlyOnce(parts[4], tmp_path / "killed"), *parts[5:]]
    counted = SharedGallery(deadly, WorkerProcesses(3), 3).count(query[0], known, labels, "cosine")
    check_equal(count_from_parts(query[0], parts, known, labels, "cosine"), counted)
    assert (tmp_path / "killed").exists()
    assert "a worker process was lost" in capsys.readouterr().err
    assert not multiprocessing.active_children()


def test_nobody_who_is_asked_for_is_told_as_in_one_process(world):
    with pytest.raises(InputError, match="none of its items shows a person that is asked for"):
        SharedGallery(world[1], Elsewhere(), 2).find(np.array([10**6]), np.float32)


@pytest.mark.parametrize(
    ("mine", "theirs", "fits"),
    [
        ("native-avx2", "native-avx512", True),  # as test_ranks.py holds
        ("native-avx2", "native-plain", False),
        ("numpy", "native-avx2", False),
        ("numpy", "numpy", True),
    ],
)
def test_workers_that_may_round_otherwise_are_told(world, monkeypatch, mine, theirs, fits):
    query, parts = world
    known = Known.of(parts, np.unique(query[1]), np.float32)
    names = itertools.chain([mine], itertools.repeat(theirs))
    monkeypatch.setattr(by_workers, "backend", lambda: next(names))
    gallery = SharedGallery(parts, Elsewhere(), 2)
    with nullcontext() if fits else pytest.raises(RunError, match=f"a worker counts with {theirs} and this .* {mine}"):
        gallery.count(query[0], known, known.label(*query), "cosine")


def test_a_fault_that_a_worker_finds_is_told(world):
    query, parts = world
    with pytest.raises(InputError, match=r"vectors-00001\.npy: has changed"):
        SharedGallery([*parts, Damaged(*parts[2])], Elsewhere(), 2).find(np.unique(query[1]), np.float32)


@pytest.mark.parametrize("tasks", [1, 2, 5, 100])
def test_each_row_is_in_one_task(world, tasks):
    _, parts = world
    shared = list(_share(parts, tasks))
    assert [part for task in shared for part in task.parts] == parts
    assert [task.first for task in shared] == [0, *np.cumsum([sum(map(len, t.parts)) for t in shared])][:-1]
    assert len(shared) <= tasks
