"""Laws of re-rankers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from unittest import SkipTest

import numpy as np
from numpy.typing import NDArray

from vreid_bench.contracts.parts import Reranker
from vreid_bench.registry.value_checks import check_value
from vreid_bench.system.errors import InputError
from vreid_bench.testing.options import check_annotations
from vreid_bench.testing.subject import Subject

QUERIES, GALLERY, WIDTH = 5, 40, 8
METRIC: Any = "cosine"  # every re-ranker takes it
MEMORY = 1 << 26  # bytes


def check_provided(subject: Subject) -> None:
    """A hook may provide it: a factory that takes its options alone, with defaults of the types it declares."""
    check_value(subject.entry)


def check_builds(subject: Subject) -> None:
    """It is built from its options and has rerank() and from_features()."""
    built = subject.build()
    if not isinstance(built, Reranker):
        raise InputError(f"{subject.title}: it built {type(built).__name__}, expected rerank() and from_features()")


def check_shapes(subject: Subject) -> None:
    """Both methods return finite float32 numbers [Q, G], and leave what they are given as it is."""
    query, gallery, blocks = _draw()
    kept = [each.copy() for each in (query, gallery, *blocks)]
    for name, found in _rerank(subject, query, gallery, blocks):
        if found.shape != (QUERIES, GALLERY) or found.dtype != np.float32 or not np.isfinite(found).all():
            raise InputError(
                f"{subject.title}: {name}() returned {list(found.shape)} of {found.dtype}, expected finite float32 "
                f"[Q, G] = [{QUERIES}, {GALLERY}]; return result.astype(np.float32)"
            )
    if any(not np.array_equal(before, now) for before, now in zip(kept, (query, gallery, *blocks), strict=True)):
        raise InputError(f"{subject.title} changes the distances or features that it is given; copy them first")


def check_same_bits(subject: Subject) -> None:
    """Repeated, and on more threads, it returns the same bits."""
    query, gallery, blocks = _draw()
    for threads in (1, 2):
        again = _rerank(subject, query, gallery, blocks, threads)
        for (name, first), (_, second) in zip(_rerank(subject, query, gallery, blocks, 1), again, strict=True):
            if not np.array_equal(first, second):
                raise InputError(
                    f"{subject.title}: {name}() returned other numbers with {threads} threads, expected the same "
                    "bits; add numbers in an order that does not depend on threads"
                )


def check_both_alike(subject: Subject) -> None:
    """Distances and the features that they are made of lead to the same order."""
    query, gallery, blocks = _draw()
    found = dict(_rerank(subject, query, gallery, blocks))
    if len(found) < 2:
        raise SkipTest("it takes only one of distances and features")
    first, second = found.values()
    if np.abs(first - second).max() > 1e-3 * np.abs(first).max():
        raise InputError(
            f"{subject.title}: rerank() and from_features() differ by {np.abs(first - second).max():.2g} for the same "
            "items, expected rounding alone; compute one by the other"
        )


RERANKER = (check_provided, check_annotations, check_builds, check_shapes, check_same_bits, check_both_alike)


def _draw() -> tuple[NDArray[np.float32], NDArray[np.float32], list[NDArray[np.float32]]]:
    """Features of unit length of queries and gallery, and their cosine distances [Q, Q], [Q, G] and [G, G]."""
    random = np.random.default_rng(0)
    query, gallery = (random.normal(size=(n, WIDTH)).astype(np.float32) for n in (QUERIES, GALLERY))
    query, gallery = (each / np.linalg.norm(each, axis=1, keepdims=True) for each in (query, gallery))
    pairs = ((query, query), (query, gallery), (gallery, gallery))
    return query, gallery, [1 - one @ other.T for one, other in pairs]


def _rerank(
    subject: Subject, query: Any, gallery: Any, blocks: list[Any], threads: int = 1
) -> list[tuple[str, NDArray[np.float32]]]:
    """What each method returns; one that refuses with a sentence is left out, unless both do."""
    reranker = subject.build()
    found, refused = [], []
    calls: dict[str, Callable[[], Any]] = {
        "rerank": lambda: reranker.rerank(*blocks, METRIC, threads=threads),
        "from_features": lambda: reranker.from_features(query, gallery, METRIC, memory=MEMORY, threads=threads),
    }
    for name, call in calls.items():
        try:
            found.append((name, np.asarray(call())))
        except InputError as fault:
            refused.append(fault)
    if not found:
        raise refused[0]
    return found
