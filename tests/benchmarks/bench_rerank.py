"""How fast re-ranking is at the size of MARS, and in how much memory: `pytest tests/benchmarks/bench_rerank.py`.

11,310 items (1,980 queries, 9,330 gallery), E = 1,024, one thread, figures in processor seconds. The peer is the
published algorithm over N x N matrices as code bases ship it, with a sort of every row. An evaluation is run once, so
what is compared is each side's first call in the process. Its quicker form, a partition for the nearest, comes second,
when the memory of the first is there to be used again. Fails if results differ or a promised ratio is not kept.
`PYTHONPATH=tests python tests/benchmarks/bench_rerank.py rerank_features` prints one entry, which runs in a process of
its own.
"""

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import marslike
import numpy as np
import published
import pytest
from measure import broken, extra_mb, record, seconds

from vreid_bench.scoring.rerank.items import FromFeatures
from vreid_bench.scoring.rerank.neighbours import backend
from vreid_plugins.rerankers.k_reciprocal import Zhong

HERE = Path(__file__).resolve()
QUERIES = marslike.QUERIES
SHARED = {"PYTHONPATH": str(HERE.parents[1])}  # what tests and benchmarks have in common


def compared(ours: Any, distance: Any, floor: Any) -> dict[str, Any]:
    """One entry of bench.json; distance: () -> [N, N]. Raises AssertionError if the results differ."""
    # extra memory of the first call: what it leaves to the allocator would hide a second one's needs
    extra, (ours_s, got) = extra_mb(lambda: timed(ours))
    peer_s, partition_s = dense(distance, got)
    again_s, floor_s = seconds(9, ours, floor)
    return {
        "ours_s": ours_s,
        "peer": "the published algorithm over N x N matrices, NumPy: full argsort, as torchreid has it",
        "peer_s": peer_s,
        "partition_s": partition_s,
        "again_s": again_s,  # the floor is no first call either
        "floor_s": floor_s,
        "ratio_peer": peer_s / ours_s,
        "ratio_partition": partition_s / again_s,
        "ratio_floor": again_s / floor_s,
        "extra_mb": extra,
        "threads": 1,
        "backend": backend(),
    }


def dense(distance: Any, got: Any) -> list[float]:
    """Processor seconds of the published algorithm, from the input that ours has: with a sort, with a partition."""
    taken = []
    for form in ("sort", "partition"):
        seconds_of_it, expected = timed(lambda form=form: published.zhong(distance(), QUERIES, form=form))
        np.testing.assert_allclose(got, expected, atol=1e-6)
        taken.append(seconds_of_it)
    return taken


def timed(function: Any) -> tuple[float, Any]:
    """Processor seconds of one call, and what it returns."""
    begin = time.process_time()
    result = function()
    return time.process_time() - begin, result


def rerank_distance() -> dict[str, Any]:
    """From given distances; the floor is one look at them."""
    unit = features()
    distance = whole(FromFeatures(unit[:QUERIES], unit[QUERIES:], "euclidean"))
    parts = [distance[:QUERIES, :QUERIES], distance[:QUERIES, QUERIES:], distance[QUERIES:, QUERIES:]]
    given = [np.ascontiguousarray(part) for part in parts]
    del distance, parts
    return compared(
        lambda: Zhong().rerank(*given, "euclidean", threads=1),
        lambda: published.whole(*given),
        lambda: [part.max() for part in given],
    )


def rerank_features() -> dict[str, Any]:
    """From features; the floor is the product of all with all, of which NumPy, too, computes one half only."""
    unit = features()
    query, gallery = unit[:QUERIES], unit[QUERIES:]
    return compared(
        lambda: Zhong().from_features(query, gallery, "euclidean", threads=1),
        lambda: whole(FromFeatures(query, gallery, "euclidean")),
        lambda: unit @ unit.T,
    )


def features() -> Any:
    """Unit vectors [N, E]."""
    raw = marslike.features(*marslike.labels())
    return raw / np.linalg.norm(raw, axis=1, keepdims=True)


def whole(items: FromFeatures) -> Any:
    """The matrix [N, N] of the very tiles that `from_features` sees, so that both rank the same numbers."""
    result = np.empty([sum(items.shape)] * 2, np.float32)
    for rows, columns, tile in items.tiles(1024):
        result[rows, columns] = tile
        result[columns, rows] = tile.T
    return result


@pytest.mark.parametrize("name", ["rerank_distance", "rerank_features"])
def test_re_ranking(name: str) -> None:
    one = {f"{library}_NUM_THREADS": "1" for library in ("OPENBLAS", "MKL", "OMP")}
    done = subprocess.run(
        [sys.executable, HERE, name], env={**os.environ, **one, **SHARED}, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    entry = json.loads(done.stdout)
    record(name, entry)
    print(name, json.dumps(entry, indent=1))
    assert not broken(name, entry)


if __name__ == "__main__":
    sys.stdout.write(
        json.dumps({"rerank_distance": rerank_distance, "rerank_features": rerank_features}[sys.argv[1]]())
    )
