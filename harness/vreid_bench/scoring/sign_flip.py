"""Does one test set separate two models? A paired test over its people."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

FLIPS = 9999
SIGNIFICANT = 0.05


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
    # sums of the same numbers in another order may differ in their last digits
    reached = chance >= abs(difference) * (1 - 1e-9) - 1e-15
    p = (1 + int(reached.sum())) / (1 + FLIPS)
    return SignFlip(difference, p, float(np.quantile(chance, 1 - SIGNIFICANT)))


def _coins(size: int, rows: int = 500) -> Iterator[Floats]:
    """FLIPS rows of 0 and 1, [rows, size] at a time."""
    width = size // 8 + 1  # bytes a row
    stream = hashlib.shake_256(b"sign flips").digest(FLIPS * width)
    coins = np.frombuffer(stream, np.uint8).reshape(FLIPS, width)
    for start in range(0, FLIPS, rows):
        yield np.unpackbits(coins[start : start + rows], axis=1, count=size).astype(np.float64)
