"""Vectors in fewer bits, as a gallery stores them: 16-bit floats, or whole numbers of 8 bits with a scale a vector."""

from __future__ import annotations

from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from vreid_bench.scoring.array_files import Array
from vreid_bench.system.errors import InputError

Rounding = Literal["fp16", "int8"]
ROUNDINGS: tuple[Rounding, ...] = get_args(Rounding)

LARGEST = 127  # of int8, so that a vector and its negative are rounded alike
BITS = 16  # of a scale: its product with a whole number up to 127 is exact in float32


def round_vectors(vectors: Array, to: Rounding) -> Array:
    """The vectors [N, E] as they come back from storage, in the type that they have now.

    Rounding twice changes nothing. Raises InputError for a number that 16 bits do not hold.
    """
    if to == "fp16":
        return to_half(vectors, "embedding").astype(vectors.dtype)
    numbers, scale = to_int8(vectors)
    return from_int8(numbers, scale).astype(vectors.dtype)


def to_half(vectors: Array, origin: str) -> NDArray[np.float16]:
    """The vectors [N, E] in 16 bits. Raises InputError, which names the origin, for a number beyond 65,504."""
    with np.errstate(over="ignore"):
        half = vectors.astype(np.float16)
    lost = ~np.isfinite(half).all(1) & np.isfinite(vectors).all(1)
    if lost.any():
        row = int(lost.argmax())
        raise InputError(
            f"{origin}: row {row} has the number {np.abs(vectors[row]).max():g}, and 16 bits hold no number "
            "beyond 65,504; scale the vectors, or use int8"
        )
    return half


def to_int8(vectors: Array) -> tuple[NDArray[np.int8], NDArray[np.float32]]:
    """Whole numbers [N, E] from -127 to 127 and the scale [N] of each vector: the vectors are their product."""
    largest = np.abs(vectors).max(1).astype(np.float32)  # [N]
    fraction, exponent = np.frexp(largest / np.float32(LARGEST))
    scale = np.ldexp(np.rint(fraction * 2**BITS), exponent - BITS).astype(np.float32)
    divisor = np.where(scale > 0, scale, 1)[:, None]
    numbers = np.clip(np.rint(vectors / divisor), -LARGEST, LARGEST)
    return numbers.astype(np.int8), scale


def from_int8(numbers: NDArray[Any], scale: NDArray[Any]) -> NDArray[np.float32]:
    """The vectors [N, E] in float32."""
    vectors: NDArray[np.float32] = numbers.astype(np.float32) * scale.astype(np.float32)[:, None]
    return vectors
