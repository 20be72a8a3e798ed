"""Does one test set separate two models? A paired test over its people, and the interval that belongs to it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

FLIPS = 9999
SIGNIFICANT = 0.05
FEWEST = 6  # people; of fewer, the two sign vectors of one sign alone are over 5 % of all


class SignFlip(NamedTuple):
    """The result of a sign-flip permutation test of a difference."""

    difference: float
    p: float  # how often chance alone makes a difference at least as large
    smallest: float  # the smallest difference whose p is below 0.05: what this test set can show


def shares(total: Floats, number: Floats) -> Floats:
    """What each identity adds to the mean over splits of the means over queries: [I]; from `sum_by_person`."""
    result: Floats = (total / number.sum(1, keepdims=True)).mean(0)
    return result


def sign_flip(gaps: Floats) -> SignFlip:
    """Test the sum of what each identity adds to a difference: gaps [I].

    Were the two models alike, which of the two did better for a person would be a coin toss. Signs are drawn from
    SHAKE-256 rather than a random generator, so that tables stay the same, byte for byte, under any NumPy.
    """
    difference = float(gaps.sum())
    chance = np.abs(np.concatenate([2 * (signs @ gaps) - difference for signs in _coins(len(gaps))]))  # [FLIPS]
    reached = chance >= abs(difference) - _slack(difference)
    p = (1 + int(reached.sum())) / (1 + FLIPS)
    return SignFlip(difference, p, float(np.quantile(chance, 1 - SIGNIFICANT)))


def shift_interval(gaps: Floats, weights: Floats) -> tuple[float, float]:
    """The 95 % interval of a difference by the same test: every shift of all queries that `sign_flip` does not reject.

    gaps: [I], as in `sign_flip`. weights: [I], what each identity adds to a shift of 1 of every query; their sum is 1.
    Were A better by `shift` in every query, the gaps without it, `gaps - shift * weights`, would be a coin toss: the
    interval holds the shifts whose p is at least 0.05 (Tritchler, "On inverting permutation tests", JASA 1984). So 0
    lies in it exactly if p of `sign_flip` is at least 0.05. It lies between -1 and 1, as the difference of two shares
    does; of fewer than `FEWEST` people it is all of that, because such a test rejects nothing.
    """
    difference, lows, highs = float(gaps.sum()), [], []
    for signs in _coins(len(gaps)):
        chance, share = 2 * (signs @ gaps) - difference, 2 * (signs @ weights) - weights.sum()  # [rows] each
        # these signs reach the shifts with |difference - shift| <= |chance - shift share|: those between two roots
        tops = np.stack([difference - chance, difference + chance])  # [2, rows]
        tops[np.abs(tops) <= _slack(difference)] = 0
        bottoms = np.stack([1 - share, 1 + share])
        open_ended = (bottoms <= 1e-12).any(0)  # all signs alike: every shift is reached
        roots = np.divide(tops, bottoms, out=np.zeros_like(tops), where=bottoms > 1e-12)
        lows.append(np.where(open_ended, -np.inf, roots.min(0)))
        highs.append(np.where(open_ended, np.inf, roots.max(0)))
    last = round(SIGNIFICANT * (1 + FLIPS)) - 2  # counted from 0: with one shift fewer, p is below 0.05
    low, high = np.partition(np.concatenate(lows), last)[last], -np.partition(-np.concatenate(highs), last)[last]
    return max(float(low), -1.0), min(float(high), 1.0)


def _slack(difference: float) -> float:
    """How much sums of the same numbers in another order may differ."""
    return abs(difference) * 1e-9 + 1e-15


def _coins(size: int, rows: int = 500) -> Iterator[Floats]:
    """FLIPS rows of 0 and 1, [rows, size] at a time."""
    width = size // 8 + 1  # bytes a row
    stream = hashlib.shake_256(b"sign flips").digest(FLIPS * width)
    coins = np.frombuffer(stream, np.uint8).reshape(FLIPS, width)
    for start in range(0, FLIPS, rows):
        yield np.unpackbits(coins[start : start + rows], axis=1, count=size).astype(np.float64)
