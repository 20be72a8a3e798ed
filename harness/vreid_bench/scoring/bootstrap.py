"""Intervals by resampling people, and how often they cover the truth.

An interval is about *other people in front of the same cameras*: it says where the score of the same model would lie if
the test identities were drawn anew from the same population, with the same gallery, distractors and cameras. It does
not cover another training run (see the spread over seeds), another division of the data (see the spread over splits),
another gallery or another place.

`coverage` measures in a simulated population how often it holds: `python -m vreid_bench.scoring.bootstrap 60`.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri, stdtrit

from vreid_bench.records.per_query import PerQuery

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

OUTSIDE = 0.025  # at either end of a 95 % interval


def interval(
    per_query: Floats, pids: Ints, splits: Ints | None = None, *, seed: int = 0, resamples: int = 1000
) -> tuple[float, float]:
    """95 % bootstrap interval of the mean over splits of the means over queries.

    per_query: [Q], NaN where the query does not count; pids: [Q]; splits: [Q], by default all one. Identities are
    drawn with all their queries in all splits, because these rise and fall together; drawing single queries would
    make the interval too narrow. The ends are the BCa quantiles (Efron, JASA 1987) of the resampled means, which
    correct bias and skewness, moved a little further out where identities are few (Hesterberg, The American
    Statistician 2015, "expanded percentile").
    """
    total, number = sum_by_person(per_query, pids, np.zeros_like(pids) if splits is None else splits)  # [S, I]
    size = total.shape[1]
    draw = np.random.default_rng(seed).integers(size, size=(resamples, size))  # [resamples, I]
    means = _mean(*(np.stack([row[draw].sum(1) for row in table]) for table in (total, number)))  # [resamples]
    if means.min() == means.max():  # all equal, or only one identity: no spread
        return float(means[0]), float(means[0])
    sums, counts = total.sum(1, keepdims=True), number.sum(1, keepdims=True)  # [S, 1]
    without = _mean(sums - total, counts - number)  # [I], each identity left out in turn
    low, high = np.quantile(means, _ends(means, float(_mean(sums, counts)[0]), without))
    return float(low), float(high)


def _mean(sums: Floats, counts: Floats) -> Floats:
    """[S, ...] sums and counts of the queries -> the mean over splits of their means: [...]."""
    # with few identities, a draw can leave a split empty: then the other splits are averaged
    mean = np.divide(sums, counts, out=np.full_like(sums, np.nan), where=counts != 0)
    result: Floats = np.nanmean(mean, axis=0)
    return result


def _ends(means: Floats, estimate: float, without: Floats) -> list[float]:
    """At which quantiles of the resampled means the interval ends."""
    size = len(without)
    outside = stdtrit(size - 1, OUTSIDE) * (size / (size - 1)) ** 0.5  # expanded, as a normal deviate
    below = (np.sum(means < estimate) + np.sum(means == estimate) / 2) / len(means)
    bias = ndtri(np.clip(below, 1 / len(means), 1 - 1 / len(means)))
    pull = np.nanmean(without) - without  # [I]
    spread = np.sum(pull**2) ** 1.5  # 0 if it makes no difference who is left out
    skewness = np.sum(pull**3) / (6 * spread) if spread else 0.0  # at most 1/6, so that the divisor stays above 0
    return [float(ndtr(bias + (bias + z) / (1 - skewness * (bias + z)))) for z in (outside, -outside)]


def sum_by_person(per_query: Floats, pids: Ints, splits: Ints) -> tuple[Floats, Floats]:
    """Sum and number of the queries that count, for each split and identity: [S, I] each, sorted."""
    counted = ~np.isnan(per_query)
    _, person = np.unique(pids[counted], return_inverse=True)
    _, split = np.unique(splits[counted], return_inverse=True)
    shape = int(split.max()) + 1, int(person.max()) + 1
    place = np.ravel_multi_index((split, person), shape)
    total = np.bincount(place, weights=per_query[counted], minlength=shape[0] * shape[1])
    number = np.bincount(place, minlength=shape[0] * shape[1])
    return np.asarray(total, np.float64).reshape(shape), np.asarray(number, np.float64).reshape(shape)


def tabulate_people(kept: PerQuery, convention: str) -> list[dict[str, list[Any]]]:
    """For each split, the sums over the queries of each identity, as a record stores them (`record.People`)."""
    scores = kept.scores[convention]
    (total, number), (hits, _) = (
        sum_by_person(values, kept.pid, kept.split) for values in (scores.average_precision, scores.hits(1))
    )  # [S, I] each
    columns = (("queries", number.astype(int)), ("AP", total), ("R1", hits.astype(int)))
    return [{name: table[split].tolist() for name, table in columns} for split in range(len(total))]


def coverage(identities: int, worlds: int = 500, seed: int = 0) -> dict[str, float]:
    """How often the interval covers the truth of a simulated population, for mAP and R1: shares of the worlds.

    Each world draws that number of identities. A person has one to six queries and is hard or easy for the model in
    all of the queries; hard persons have fewer queries, like people who are tracked badly.
    """
    random = np.random.default_rng(seed)
    truth = [float(np.mean(values)) for values, _ in _draw(random, 1_000_000)]
    inside = np.zeros(2)
    for world in range(worlds):
        for metric, (values, pids) in enumerate(_draw(random, identities)):
            low, high = interval(values, pids, seed=world)
            inside[metric] += low <= truth[metric] <= high
    return dict(zip(("mAP", "R1"), (inside / worlds).tolist(), strict=True))


def _draw(random: np.random.Generator, identities: int) -> Iterator[tuple[Floats, Ints]]:
    """Average precision, then hits at rank 1, of the queries of people drawn from the population: [Q], pids [Q]."""
    ease = random.beta(4, 1.5, identities)  # [I]
    pids = np.repeat(np.arange(identities), 1 + random.binomial(5, 0.2 + 0.4 * ease))  # [Q]
    precision = np.clip(ease[pids] + 0.15 * random.normal(size=len(pids)), 0, 1)  # [Q]
    yield precision, pids
    yield (precision > 0.5).astype(np.float64), pids


if __name__ == "__main__":
    for argument in sys.argv[1:]:
        shares = ", ".join(f"{name} {share:.1%}" for name, share in coverage(int(argument)).items())
        sys.stdout.write(f"{argument} identities: the 95 % interval covers the truth in {shares} of 500 worlds\n")
