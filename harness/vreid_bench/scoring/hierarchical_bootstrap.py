"""The difference of two methods over seeds and people: an interval by a hierarchical bootstrap.

A sign-flip test and an interval over people are about these trained models. A paper's claim is about a method, so other
trainings count as well: every draw takes people with replacement, the same for both methods, and of each method seeds
with replacement. Gallery, cameras and the division into training and test stay as they are.

The draws are the raw numbers of a counter-based generator, which NumPy keeps the same in every version and on every
machine, so that a table that is made from them stays the same, byte for byte.

`coverage` measures how often the interval holds the truth: `python -m vreid_bench.scoring.hierarchical_bootstrap 3`.
"""

from __future__ import annotations

import hashlib
import sys
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from vreid_bench.scoring.sign_flip import FEWEST

Floats = NDArray[np.float64]

RESAMPLES = 4000
OUTSIDE = 0.025  # at either end of a 95 % interval
BLOCK = 500  # draws at a time
SAME = 1e-12  # an end that is nearer to 0 is 0: sums of the same numbers in another order differ so much

HOLDS, FAILS, OPEN = "holds", "does not hold", "cannot be told"


class Group(NamedTuple):
    """The seeds of one method on one test."""

    sums: Floats  # [N, S, I]: for each seed, split and person the sum of the scores of its queries
    queries: Floats  # [S, I]: how many these are; a person may have none in a split
    key: str  # which trainings these are: groups of one key draw the same seeds

    @property
    def scores(self) -> Floats:
        """The score of each seed: [N]."""
        return _mean(self.sums.sum(2, keepdims=True), self.queries.sum(1, keepdims=True))[:, 0]


class Difference(NamedTuple):
    """A difference of two groups; fractions."""

    value: float
    interval: tuple[float, float]  # 95 %, over people, and over the seeds of a group that has several

    @property
    def verdict(self) -> str:
        """Whether the first group scores better: it holds if the whole interval is above 0."""
        low, high = self.interval
        return HOLDS if low > SAME else FAILS if high < -SAME else OPEN


def compare_groups(better: Group, worse: Group, resamples: int = RESAMPLES) -> Difference:
    """The difference of the mean scores of two groups with the same people, `better` - `worse`.

    A score is the mean over splits of the mean over queries. The interval lies between two order statistics of the
    resampled differences. A bootstrap of few seeds is too narrow by (N - 1) / N of their variance; what a draw of seeds
    adds is widened by as much. With one seed only people are drawn. Fewer than `FEWEST` people tell nothing: the
    interval is all of -1 to 1.

    Raises ValueError if the groups have different queries.
    """
    if not np.array_equal(better.queries, worse.queries):
        raise ValueError("the groups have different queries, expected the same people with the same queries")
    value = float(better.scores.mean() - worse.scores.mean())
    people = better.queries.shape[1]
    if people < FEWEST:
        return Difference(value, (-1.0, 1.0))
    drawn = np.sort(resample(better, resamples) - resample(worse, resamples))  # [resamples]
    outside = int(OUTSIDE * resamples)
    return Difference(value, (float(drawn[outside]), float(drawn[-1 - outside])))


def resample(group: Group, resamples: int) -> Floats:
    """The mean score of a group in every draw of people and seeds: [resamples]."""
    counts, weights = draw_people(group.queries.shape[1], resamples), draw_seeds(group, resamples)
    found = []
    for start in range(0, resamples, BLOCK):
        rows = slice(start, start + BLOCK)
        drawn = counts[rows].astype(np.float64).T  # [I, rows]
        scores = _mean(group.sums @ drawn, group.queries @ drawn)  # [N, rows]
        centre = scores.mean(0)  # [rows]
        found.append(centre + _widening(len(scores)) * ((weights[rows].T * scores).sum(0) - centre))
    return np.concatenate(found)


def _widening(seeds: int) -> float:
    return float(np.sqrt(seeds / (seeds - 1))) if seeds > 1 else 0.0


def _mean(sums: Floats, queries: Floats) -> Floats:
    """The mean over splits of sum / number: [N, S, draws] and [S, draws] -> [N, draws]."""
    # with few people, a draw can leave a split empty: then the other splits are averaged
    mean = np.divide(sums, queries, out=np.full_like(sums, np.nan), where=queries != 0)
    result: Floats = np.nanmean(mean, axis=1)
    return result


@lru_cache(maxsize=4)
def draw_people(people: int, resamples: int) -> NDArray[np.uint16]:
    """How often each person is in each draw: [resamples, people]; the same for all methods on these people."""
    which = _draw(f"people {people}", resamples, people)
    counts = np.zeros((resamples, people), np.uint16)
    np.add.at(counts, (np.arange(resamples)[:, None], which), 1)
    counts.flags.writeable = False  # it is cached
    return counts


def draw_seeds(group: Group, resamples: int) -> Floats:
    """The share of each seed of a group in each draw: [resamples, N]."""
    seeds = len(group.sums)
    which = _draw(f"seeds {group.key}", resamples, seeds)
    shares: Floats = (which[:, :, None] == np.arange(seeds)).mean(1)
    return shares


def _draw(purpose: str, rows: int, size: int) -> NDArray[np.int64]:
    """Numbers from 0 to size - 1, [rows, size], that depend on the purpose alone."""
    key = int.from_bytes(hashlib.sha256(purpose.encode()).digest()[:16])
    raw = np.random.Philox(key=key).random_raw(rows * size) >> np.uint64(32)
    # integers alone: 32 random bits times size, of which the upper part counts
    return (raw * np.uint64(size) >> np.uint64(32)).astype(np.int64).reshape(rows, size)


def coverage(seeds: int, spread: float, people: int = 100, worlds: int = 300) -> float:
    """How often the interval of two equal methods contains 0, as a share of simulated worlds.

    A person is easy or hard for both methods, and a little more so for one of them; scores also differ from seed to
    seed, by the standard deviation `spread` for all people alike.
    """
    random, inside = np.random.default_rng(0), 0
    for world in range(worlds):
        ease, queries = random.normal(0, 0.25, people), random.integers(1, 7, (1, people)).astype(np.float64)
        groups = []
        for method in "ab":
            own = 0.5 + ease + random.normal(0, 0.1, people)
            noise = random.normal(0, 0.08, (seeds, people)) + random.normal(0, spread, (seeds, 1))
            groups.append(Group((own + noise)[:, None] * queries, queries, f"{world} {method}"))
        one, other = groups
        inside += compare_groups(one, other, 1000).verdict == OPEN
    return inside / worlds


if __name__ == "__main__":
    for argument in sys.argv[1:]:
        shares = ", ".join(f"{coverage(int(argument), points / 100):.1%} ({points})" for points in (0, 1, 2, 4))
        sys.stdout.write(f"{argument} seeds: the 95 % interval holds the truth in {shares} of 300 worlds\n")
