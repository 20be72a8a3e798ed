"""The match index by every implementation, against a loop in words."""

from __future__ import annotations

import numpy as np
import pytest
from oracle import labels

from vreid_bench.scoring.ranks import reference as ranks_reference
from vreid_bench.scoring.ranks.counting import index_matches
from vreid_bench.scoring.ranks.match_index import GALLERY, QUERY
from vreid_bench.system import native

MODULES = [ranks_reference, *filter(None, [native.load("ranks")])]


@pytest.fixture(params=MODULES, ids=lambda module: module.__name__)
def find(request, monkeypatch):
    """`index_matches` by the native code, and by its NumPy reference."""
    monkeypatch.setattr(native, "load", lambda name: request.param)
    return index_matches


def by_words(who):
    """Group of every gallery item; places of every query's matches and junk."""
    groups = [QUERY if row in who.query else GALLERY if who.pids[row] != -1 else -1 for row in who.gallery.tolist()]
    matches, junk = [], []
    for asker in who.query.tolist():
        same = [g for g, row in enumerate(who.gallery.tolist()) if who.pids[row] == who.pids[asker]]
        matches.append([g for g in same if who.camids[who.gallery[g]] != who.camids[asker]])
        junk.append([g for g in same if who.camids[who.gallery[g]] == who.camids[asker]])
    return groups, matches, junk


def ragged(start, flat):
    return [part.tolist() for part in np.split(flat, start[1:-1])]


def test_groups_matches_and_junk_of_any_labels(find):
    """People with any number for a name, most of them the person of several queries, the galleries in disorder."""
    for seed in range(300):
        random = np.random.default_rng(seed)
        size = int(random.integers(2, 60))
        names = np.array([-1, 0, 1, 2, 3, 64, 2**40, 2**62, 2**63 - 1])
        pids, camids = random.choice(names, size), random.integers(-1, 3, size)
        pids[random.integers(size)] = 1
        people = np.flatnonzero(pids > 0)
        query = random.permutation(people)[: random.integers(1, len(people) + 1)]
        who = labels(pids, camids, query, random.permutation(size)[: random.integers(1, size + 1)])
        groups, matches, junk = by_words(who)
        found = find(who)
        assert found.groups == 2
        assert found.group.tolist() == groups
        assert ragged(found.start, found.item) == matches
        assert ragged(found.junk_start, found.junk) == junk
        own = [who.gallery.tolist().index(row) if row in who.gallery else -1 for row in who.query]
        assert who.own.tolist() == own


def test_native_code_refuses_rows_that_leave_their_array():
    module = native.load("ranks")
    if module is None:
        pytest.skip("the native kernels are not built")
    good = {"pids": [1, 1], "camids": [1, 2], "query": [0], "gallery": [1], "own": [-1]}
    for name, value in (("query", [2]), ("gallery", [-1]), ("own", [1]), ("own", []), ("camids", [1])):
        arrays = {key: np.array(given, np.int64) for key, given in (good | {name: value}).items()}
        with pytest.raises(ValueError, match="index_matches: "):
            module.index_matches(**arrays)
