"""5,000 queries against 100 million gallery rows of 64 numbers, which are made when they are read.

    python tests/benchmarks/hundred_million.py [--rows 100000000] [--queries 5000]

Prints seconds, processor seconds and peak memory, and holds the ranks of some queries against plain products of NumPy.
The numbers are whole, so that both are exact.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import time
from typing import NamedTuple

import numpy as np

from vreid_bench.scoring.conventions import CONVENTIONS
from vreid_bench.scoring.metrics import judge
from vreid_bench.scoring.ranks.by_parts import Block, Known, count_from_parts
from vreid_bench.scoring.ranks.counting import backend

WIDTH, PER_PERSON, CHECKED = 64, 8, 10
PIECE = 1 << 18  # rows that one seed makes


class Made(NamedTuple):
    """A part of the gallery: pieces by number, of strangers and, every so often, of people who are asked for."""

    first: int  # piece
    pieces: int
    people: int
    total: int  # rows of the whole gallery

    def __len__(self):
        return min((self.first + self.pieces) * PIECE, self.total) - self.first * PIECE

    def blocks(self, rows):
        assert rows == PIECE
        for piece in range(self.first, self.first + self.pieces):
            yield make_piece(piece, self.people, min(PIECE, self.total - piece * PIECE), self.total)


def make_piece(piece, people, size, total):
    """`PER_PERSON` rows of each person are spread evenly over the gallery; all other rows are strangers' or junk."""
    random = np.random.default_rng([5, piece])
    vectors = np.rint(4 * random.standard_normal((size, WIDTH), np.float32))
    place = piece * PIECE + np.arange(size)
    step = total // (people * PER_PERSON)
    number = place // step
    shown = (place % step == 0) & (number < people * PER_PERSON)
    pids = np.where(shown, number % people + 1, np.where(place % 997 == 1, -1, 0))
    vectors[shown] += np.rint(person(pids[shown]) * 3 / 4)
    return Block(vectors, pids, 1 + place % 6)


def person(pids):
    """A direction for each person."""
    return np.rint(4 * np.random.default_rng(6).standard_normal((pids.max(initial=1) + 1, WIDTH), np.float32))[pids]


def count_plainly(query, pids, camids, parts, known):
    """How many items come before each match of the first queries, by products with every row."""
    places, keys, found = [], [], []
    for q in range(len(query)):
        mine = np.flatnonzero((known.pids == pids[q]) & (known.camids != camids[q]))
        places.append(known.places[mine])
        keys.append((known.vectors[mine] ** 2).sum(1) - 2 * known.vectors[mine] @ query[q])
        found.append(np.zeros(len(mine), np.int64))
    place = 0
    for part in parts:
        for block in part.blocks(PIECE):
            distance = (block.vectors**2).sum(1)[:, None] - 2 * block.vectors @ query.T  # [n, Q]
            here = place + np.arange(len(block.pids))
            for q in range(len(query)):
                ranked = (block.pids != -1) & ~((block.pids == pids[q]) & (block.camids == camids[q]))
                near = np.flatnonzero(ranked & (distance[:, q] <= keys[q].max(initial=-np.inf)))
                for at, (key, own) in enumerate(zip(keys[q], places[q], strict=True)):
                    found[q][at] += (distance[near, q] < key).sum()
                    found[q][at] += ((distance[near, q] == key) & (here[near] < own)).sum()
            place += len(block.pids)
    return np.concatenate(found)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--rows", type=int, default=100_000_000)
    parser.add_argument("--queries", type=int, default=5_000)
    arguments = parser.parse_args()
    people = arguments.queries // 2
    pieces = -(-arguments.rows // PIECE)
    parts = [Made(first, min(20, pieces - first), people, arguments.rows) for first in range(0, pieces, 20)]
    pids = np.arange(arguments.queries) % people + 1
    camids = 1 + np.arange(arguments.queries) % 6
    noise = np.random.default_rng(7).standard_normal((arguments.queries, WIDTH), np.float32)
    query = np.rint(4 * noise) + np.rint(person(pids) * 3 / 4)
    begin, busy = time.monotonic(), time.process_time()
    known = Known.of(parts, np.unique(pids), query.dtype, PIECE)
    rule = [convention for convention in CONVENTIONS if convention.name == "gallery-as-listed"]
    labels = known.label(query, pids, camids).for_conventions(rule)
    counts = count_from_parts(query, parts, known, labels, "euclidean", PIECE)
    scores = judge(counts, rule)[rule[0].name]
    seconds, processor = time.monotonic() - begin, time.process_time() - busy
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6
    expected = count_plainly(query[:CHECKED], pids, camids, parts, known)
    np.testing.assert_array_equal(counts.before[: counts.start[CHECKED]].sum(1), expected)
    print(
        json.dumps(
            {
                "rows": arguments.rows,
                "queries": arguments.queries,
                "seconds": round(seconds),
                "processor_seconds": round(processor),
                "peak_mb": round(peak),
                "mAP": scores.metrics()["mAP"],
                "checked_matches": len(expected),
                "backend": backend(),
                "cores": len(os.sched_getaffinity(0)),
            }
        )
    )


if __name__ == "__main__":
    main()
