"""Features of single frames, pooled into one vector for each tracklet without holding all of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from vreid_bench.importing.content import Array, refuse_masked
from vreid_bench.importing.numbering import check_whole
from vreid_bench.system.errors import InputError

Pool = Callable[[Array], Array]  # [T, E] -> [E]
AVERAGE = "average"  # the aggregator that is used unless another is named
READ = 1 << 12  # frames that are read together


class Spans(NamedTuple):
    """The index of MARS: the frames and the labels of each tracklet."""

    first: NDArray[np.int64]  # [N] counted from 0
    last: NDArray[np.int64]  # [N] not included
    pid: NDArray[np.int64]  # [N]
    camid: NDArray[np.int64]  # [N]


def read_spans(table: Any, source: str) -> Spans:
    """The columns of `track_test_info` [N, 4]: first and last frame, counted from 1, person, camera.

    Raises InputError for a table of another shape, or a span that ends before it begins.
    """
    array = np.asarray(table)
    if array.ndim != 2 or array.shape[1] != 4 or array.dtype.kind not in "iuf" or (array % 1).any():
        raise InputError(
            f"{source}: expected [N, 4] whole numbers, the first frame, last frame, person and camera of each "
            f"tracklet, got {array.dtype} {list(array.shape)}"
        )
    first, last, pid, camid = check_whole(array.reshape(-1), source).reshape(array.shape).T
    wrong = np.flatnonzero((first < 1) | (last < first))
    if wrong.size:
        row = int(wrong[0])
        raise InputError(f"{source}: row {row} has frames {first[row]} to {last[row]}; expected them counted from 1")
    return Spans(first - 1, last, pid, camid)


def pool_spans(features: Any, spans: Spans, pool: Pool, source: str) -> Array:
    """One vector for each tracklet [N, E], from frames [F, E], or [E, F] as MATLAB programs keep them.

    features: an array, or a `Rows` on disk, of which only the frames of some tracklets are in memory. The axis of the
    frames is the one that the spans reach to. Raises InputError if neither or either axis can be it.
    """
    refuse_masked(features, source)
    frames = int(spans.last.max())
    shape = features.shape
    fits = [axis for axis in (0, 1) if shape[axis] >= frames]
    exact = [axis for axis in fits if shape[axis] == frames]
    if len(fits) != 1 and len(exact) != 1:
        raise InputError(
            f"{source}: {list(shape)} does not fit tracklets of {frames:,} frames; expected [F, E] or [E, F] with F "
            "frames in the order of the names"
        )
    axis = (exact if len(exact) == 1 else fits)[0]
    order = np.argsort(spans.first, kind="stable")
    result: Array | None = None
    begin = end = 0
    block = np.zeros((0, shape[1 - axis]))
    for row in order:
        first, last = int(spans.first[row]), int(spans.last[row])
        if last > end or first < begin:
            begin, end = first, min(frames, max(last, first + READ))
            block = _read(features, axis, begin, end)
        pooled = pool(block[first - begin : last - begin])
        if result is None:
            result = np.zeros((len(order), len(pooled)), pooled.dtype)
        result[row] = pooled
    assert result is not None, "an index has at least one row"
    return result


def pool_groups(features: Array, group: NDArray[np.int64], pool: Pool) -> Array:
    """One vector for each group [N, E], from frames [F, E] and the group of each: 0 to N - 1."""
    order = np.argsort(group, kind="stable")
    parts = np.split(order, np.cumsum(np.bincount(group))[:-1])
    return np.stack([pool(features[part]) for part in parts])


def _read(features: Any, axis: int, first: int, last: int) -> Array:
    if hasattr(features, "whole"):
        return np.asarray(features.rows(first, last) if axis == 0 else features.columns(first, last))
    return np.asarray(features[first:last] if axis == 0 else features[:, first:last].T)


def find_groups(names: Array) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The group of each row by its name [F], in the order of first appearance, and the first row of each group [N]."""
    _, first, inverse = np.unique(names, return_index=True, return_inverse=True)
    order = np.argsort(first)
    place = np.empty(len(order), np.int64)
    place[order] = np.arange(len(order))
    return place[inverse.reshape(-1)], first[order]
