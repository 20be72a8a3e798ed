"""How fast re-ranking is at the size of MARS, and in how much memory: `pytest tests/benchmarks/bench_rerank.py`.

11,310 items (1,980 queries, 9,330 gallery), E = 1,024, one thread, figures in processor seconds. The peer is the
published algorithm over N x N matrices, in the quicker of its two forms (a partition for the nearest, not a sort).
Fails if results differ or a promised ratio is not kept.
`python tests/benchmarks/bench_rerank.py rerank_features` prints one entry. Each entry runs in a process of its own.
"""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

HERE = Path(__file__).resolve()
sys.path.insert(0, str(HERE.parents[1]))

import marslike  # noqa: E402
import published  # noqa: E402
from measure import broken, extra_mb, record, seconds  # noqa: E402

from vreid_bench.items import Computed  # noqa: E402
from vreid_bench.neighbours import backend  # noqa: E402
from vreid_plugins.rerankers.k_reciprocal import Zhong  # noqa: E402

QUERIES = marslike.QUERIES


def compared(ours: Any, distance: Any, floor: Any) -> dict[str, Any]:
    """One entry of bench.json; distance: () -> [N, N]. Raises AssertionError if the results differ."""
    extra, got = extra_mb(ours)  # of the first call: what it leaves to the allocator would hide a second one's needs
    peer, wanted = dense(distance())
    np.testing.assert_allclose(got, wanted, atol=1e-6)
    ours_s, floor_s = seconds(9, ours, floor)
    return {
        "ours_s": ours_s,
        "peer": "the published algorithm over N x N matrices, NumPy",
        "peer_s": peer,
        "floor_s": floor_s,
        "ratio_peer": peer / ours_s,
        "ratio_floor": ours_s / floor_s,
        "extra_mb": extra,
        "threads": 1,
        "backend": backend(),
    }


def dense(distance: Any) -> tuple[float, Any]:
    """Processor seconds of the published algorithm on distances [N, N], the better of two, and its result."""
    found: list[Any] = []
    (taken,) = seconds(2, lambda: found.append(published.zhong(distance, QUERIES, stable=False)))
    return taken, found[0]


def rerank_distance() -> dict[str, Any]:
    """From given distances; the floor is one look at them."""
    unit = features()
    distance = whole(Computed(unit[:QUERIES], unit[QUERIES:], "euclidean"))
    parts = [distance[:QUERIES, :QUERIES], distance[:QUERIES, QUERIES:], distance[QUERIES:, QUERIES:]]
    given = [np.ascontiguousarray(part) for part in parts]
    del distance, parts
    return compared(
        lambda: Zhong().rerank(*given, "euclidean", threads=1),
        lambda: published.whole(*given),
        lambda: [part.max() for part in given],
    )


def rerank_features() -> dict[str, Any]:
    """From features; the floor is the product of all with all, of which NumPy, too, computes one half only.

    The peer is given the distances, so its time is without their computation.
    """
    unit = features()
    query, gallery = unit[:QUERIES], unit[QUERIES:]
    return compared(
        lambda: Zhong().from_features(query, gallery, "euclidean", threads=1),
        lambda: whole(Computed(query, gallery, "euclidean")),
        lambda: unit @ unit.T,
    )


def features() -> Any:
    """Unit vectors [N, E]."""
    raw = marslike.features(*marslike.labels())
    return raw / np.linalg.norm(raw, axis=1, keepdims=True)


def whole(items: Computed) -> Any:
    """The matrix [N, N] of the very tiles that `from_features` sees, so that both rank the same numbers."""
    result = np.empty([sum(items.shape)] * 2, np.float32)
    for rows, columns, tile in items.tiles(1024):
        result[rows, columns] = tile
        result[columns, rows] = tile.T
    return result


@pytest.mark.parametrize("name", ["rerank_distance", "rerank_features"])
def test_re_ranking(name: str) -> None:
    one = {f"{library}_NUM_THREADS": "1" for library in ("OPENBLAS", "MKL", "OMP")}
    done = subprocess.run([sys.executable, HERE, name], env={**os.environ, **one}, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    entry = json.loads(done.stdout)
    record(name, entry)
    print(name, json.dumps(entry, indent=1))  # noqa: T201
    assert not broken(name, entry)


if __name__ == "__main__":
    sys.stdout.write(
        json.dumps({"rerank_distance": rerank_distance, "rerank_features": rerank_features}[sys.argv[1]]())
    )
