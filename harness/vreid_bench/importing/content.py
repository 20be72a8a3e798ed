"""What one file holds: arrays by key, before anybody asked what they mean."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from vreid_bench.system.errors import InputError

Array = NDArray[Any]

SHOWN = 8  # keys that a sentence lists
EXAMPLE = (
    "expected features or distances with their labels, for instance an .npz or .mat with query_f [Q, E], query_label "
    "[Q], query_cam [Q], gallery_f [G, E], gallery_label [G] and gallery_cam [G]"
)


class Rows(Protocol):
    """A matrix on disk that is read some rows or some columns at a time."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Rows and columns."""
        ...

    @property
    def dtype(self) -> np.dtype[Any]:
        """The type of its numbers."""
        ...

    def rows(self, first: int, last: int) -> Array:
        """Some rows."""
        ...

    def columns(self, first: int, last: int) -> Array:
        """Some columns, as rows."""
        ...

    def whole(self) -> Array:
        """All of it, in memory."""
        ...


@dataclass(frozen=True)
class Content:
    """The arrays of one file, by key."""

    origin: str  # the file's name in messages
    form: str  # what kind of file it is, in words
    arrays: Mapping[str, Any]  # key -> array, `Rows`, or a list of numbers or texts
    sha256: str = field(default="", compare=False)
    stem: str = ""  # the name of the file without its ending; the key of an array that has none

    def describe(self) -> str:
        """What it holds, in words: `a MATLAB file with a [3, 4], b [5]`."""
        return f"{self.form} with {describe_arrays(self.arrays)}"


def describe_arrays(arrays: Mapping[str, Any]) -> str:
    """The first keys with the shapes of their arrays."""
    words = [describe_array(key, value) for key, value in list(arrays.items())[:SHOWN]]
    more = [f"{len(arrays) - SHOWN} more"] if len(arrays) > SHOWN else []
    return ", ".join(words + more) or "nothing in it"


def describe_array(key: str, value: Any) -> str:
    """A key with its shape, or with the type of what is no array."""
    if hasattr(value, "shape"):
        return f"{key} {list(value.shape)}"
    return f"{key} [{len(value)}]" if isinstance(value, list | tuple) else f"{key} ({type(value).__name__})"


def flatten(value: Any, key: str = "") -> Iterator[tuple[str, Any]]:
    """The leaves of nested mappings, each under its path with dots."""
    if isinstance(value, Mapping):
        for name, inner in value.items():
            yield from flatten(inner, f"{key}.{name}" if key else str(name))
    else:
        yield key, value


class Column(NamedTuple):
    """An array whose meaning is known."""

    value: Any
    source: str  # file and key, in messages


def refuse_masked(value: Any, what: str) -> None:
    """Raise InputError for an array of `numpy.ma` with masked places: what is behind a mask is not to be read."""
    if np.ma.is_masked(value):
        mask = np.ma.getmaskarray(value)
        raise InputError(
            f"{what} is masked at {np.count_nonzero(mask):,} of {mask.size:,} places, expected an array without a "
            "mask; fill these places, or leave their rows out"
        )


def find_precision(dtype: np.dtype[Any]) -> type[np.float32] | type[np.float64]:
    """The floating type for numbers of a type, in either order of bytes: float32 if it has them all, else float64."""
    return np.float32 if np.can_cast(dtype, np.float32) else np.float64


def find_shape(value: Any) -> tuple[int, ...]:
    """The shape of an array, or of a list as an array; of rows that differ in length, their number alone."""
    try:
        return tuple(np.shape(value))
    except ValueError:
        return (len(value),)


def to_array(column: Column) -> Array:
    """The array itself, in memory. Raises InputError for rows of several lengths, and for a mask."""
    value = column.value
    refuse_masked(value, column.source)
    if hasattr(value, "detach"):
        value = value.detach().cpu()
        value = (value.float() if str(value.dtype) == "torch.bfloat16" else value).numpy()
    if hasattr(value, "whole"):
        value = value.whole()
    try:
        return np.asarray(value)
    except ValueError as fault:
        raise InputError(f"{column.source}: its rows differ in length; expected an array") from fault
