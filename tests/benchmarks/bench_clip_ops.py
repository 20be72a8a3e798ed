"""How fast the clip ops are, and in how much memory: `pytest tests/benchmarks/bench_clip_ops.py`.

Distances at the size of MARS, 1,980 queries and 9,330 gallery tracklets of 8 clips, E = 1,024 (`clip_top`: the first
960 of them), and batch-hard mining of 48 tracklets with pairwise weights that learn, forward and backward. Peers do
the same in eager torch, or with torch.compile. Each entry runs in a process of its own, prints with
`PYTHONPATH=tests python tests/benchmarks/bench_clip_ops.py clip_top`, and fails where a promised ratio is not kept.
"""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import marslike
import numpy as np
import pytest
import torch
from measure import broken, extra_mb, record, seconds
from torch import Tensor
from torch.nn import functional as F

import vreid_bench
from vreid_bench import ClipRule, clip_batch_hard, clip_distance
from vreid_bench.ops import clip_native

HERE = Path(__file__).resolve()
Q, G, C, E = marslike.QUERIES, marslike.GALLERY, 8, 1024
SHARE = 960
SHARED = {"PYTHONPATH": str(HERE.parents[1])}  # what tests and benchmarks have in common
THREADS = {"clip_batch_hard_t1": 1}

walled = partial(seconds, clock=time.perf_counter)  # by the wall clock: two threads share the work


def entry(ours_s: float, peers: dict[str, float], **more: Any) -> dict[str, Any]:
    """Seconds of ours and of each peer, and the ratio to each."""
    ratios = {f"ratio_{name}": taken / ours_s for name, taken in peers.items()}
    setting = {"threads": torch.get_num_threads(), "backend": clip_native.backend()}
    return {"ours_s": ours_s} | {f"{name}_s": taken for name, taken in peers.items()} | ratios | setting | more


def clips(count: int, seed: int) -> Tensor:
    """[count, C, E]."""
    return torch.randn(count, C, E, generator=torch.Generator().manual_seed(seed))


def clip_factored() -> dict[str, Any]:
    """Uniform weights, against the weighted sum of all products, 64 gallery tracklets at a time."""
    query, gallery = clips(Q, 1), clips(G, 2)

    def eager() -> Tensor:
        weight = query.new_full((Q, C), 1 / C)
        unit, found = F.normalize(query, dim=-1), []
        for part in F.normalize(gallery, dim=-1).split(64):
            product = torch.einsum("qae,gbe->qgab", unit, part)
            found.append(1 - torch.einsum("qgab,qa,gb->qg", product, weight, weight[:1].expand(len(part), C)))
        return torch.cat(found, 1)

    (ours_s,) = walled(5, lambda: clip_distance(query, gallery))
    found: list[Tensor] = []
    (eager_s,) = walled(1, lambda: found.append(eager()))
    difference = (clip_distance(query, gallery) - found[0]).abs().max().item()
    assert difference < 1e-6
    return entry(ours_s, {"eager": eager_s}, difference=difference)


def clip_top() -> dict[str, Any]:
    """The top 20 % of float32 clips, against the bare product of the same tiles."""
    query, gallery = clips(Q, 1), clips(SHARE, 2)
    ours_s, floor_s = walled(5, lambda: clip_distance(query, gallery, rule=ClipRule(mode="top")), bare(query, gallery))
    return entry(ours_s, {"floor": floor_s}, over_floor=ours_s / floor_s)


def clip_top_bf16() -> dict[str, Any]:
    """The same with bfloat16 operands, against the float32 product; and what that changes in mAP."""
    query, gallery = clips(Q, 1), clips(SHARE, 2)
    halves = query.bfloat16(), gallery.bfloat16()
    ours_s, floor_s, half_floor_s = walled(
        5, lambda: clip_distance(*halves, rule=ClipRule(mode="top")), bare(query, gallery), bare(*halves)
    )
    over = {"over_floor": ours_s / floor_s, "half_floor_s": half_floor_s, "mAP_shift": map_shift()}
    return entry(ours_s, {"floor": floor_s}, **over)


def bare(query: Tensor, gallery: Tensor) -> Callable[[], Any]:
    """The products of all clips, tile by tile, into one place."""
    rows, columns = query.flatten(0, 1).split(2048), gallery.flatten(0, 1).split(512)
    tiles = {(len(r), len(c)): torch.empty(len(r), len(c), dtype=r.dtype) for r in rows for c in columns}

    def run() -> None:
        for column in columns:
            for row in rows:
                torch.mm(row, column.T, out=tiles[len(row), len(column)])

    return run


def map_shift() -> float:
    """mAP by bfloat16 operands less mAP by float32, on features made like those of MARS, in points."""
    pids, camids = marslike.labels()
    random = np.random.default_rng(3)
    centre = marslike.features(pids, camids, width=256)
    x = torch.from_numpy(centre[:, None] + random.normal(size=(len(centre), C, 256)).astype(np.float32))
    found = []
    for side in (x, x.bfloat16()):
        distance = clip_distance(side[:Q], side[Q:], rule=ClipRule(mode="top")).numpy()
        query, gallery = ({"pid": pids[part], "camid": camids[part]} for part in (slice(Q), slice(Q, None)))
        report = vreid_bench.score(query, gallery, distance=distance, conventions=["torchreid"])
        found.append(report.metrics()["conventions"]["torchreid"]["mAP"])
    return 100 * (found[1] - found[0])


def clip_batch_hard_step() -> dict[str, Any]:
    """Batch-hard loss over 48 x 8 clips, 12 people, pairwise weights: value and gradients."""
    N = 48
    random = torch.Generator().manual_seed(0)
    x = torch.randn(N, C, E, generator=random).requires_grad_()
    weight = torch.rand(N, N, C, C, generator=random).requires_grad_()
    pids = torch.arange(12).repeat_interleave(4)
    same = pids[:, None] == pids

    def eager(x: Tensor, weight: Tensor) -> Tensor:
        unit = F.normalize(x, dim=-1).flatten(0, 1)
        product = (unit @ unit.T).view(N, C, N, C).permute(0, 2, 1, 3)
        distance = 1 - (weight * product).sum((2, 3)) / weight.sum((2, 3))
        positive, negative = distance.masked_fill(~same, -9).amax(1), distance.masked_fill(same, 9).amin(1)
        return F.relu(positive - negative + 0.3).mean()

    def fused(x: Tensor, weight: Tensor) -> Tensor:
        found = clip_batch_hard(x, pids, [weight], rule=ClipRule(mode="pairwise"))
        return F.relu(found.positive - found.negative + 0.3).mean()

    def step(loss: Callable[[Tensor, Tensor], Tensor]) -> Callable[[], list[Tensor]]:
        def run() -> list[Tensor]:
            return list(torch.autograd.grad(loss(x, weight), (x, weight)))

        return run

    compiled = torch.compile(eager)
    for one, two in zip(step(eager)(), step(fused)(), strict=True):
        torch.testing.assert_close(one, two, atol=1e-7, rtol=1e-5)
    step(compiled)()
    ours_s, eager_s, compile_s = walled(60, step(fused), step(eager), step(compiled))
    peaks = {"peak_mb": allocated_mb(step(fused)), "eager_peak_mb": allocated_mb(step(eager))}
    peaks["peak_share"] = peaks["peak_mb"] / peaks["eager_peak_mb"]
    found = entry(ours_s, {"eager": eager_s, "compile": compile_s}, **peaks)
    return found | (large() if torch.get_num_threads() > 1 else {})


def large() -> dict[str, float]:
    """4,096 tracklets at once: their 4,096^2 x 64 products would be 4,295 MB."""
    x = torch.randn(4096, C, 512, generator=torch.Generator().manual_seed(0))
    pids = torch.arange(1024).repeat_interleave(4)
    begin = time.perf_counter()
    extra, found = extra_mb(lambda: clip_batch_hard(x, pids, rule=ClipRule(mode="top")))
    assert (found.positive_index >= 0).all()
    return {"large_extra_mb": extra, "large_s": time.perf_counter() - begin}


def allocated_mb(run: Callable[[], Any]) -> float:
    """The most that torch's allocator held at once beyond what it held before, in MB."""
    with torch.profiler.profile(profile_memory=True) as profiled:
        run()
    events = [event for event in profiled.profiler.kineto_results.events() if event.name() == "[memory]"]
    held = most = 0
    for event in sorted(events, key=lambda event: event.start_ns()):
        held += event.nbytes()
        most = max(most, held)
    return most / 1e6


ENTRIES = {
    "clip_factored": clip_factored,
    "clip_top": clip_top,
    "clip_top_bf16": clip_top_bf16,
    "clip_batch_hard_t1": clip_batch_hard_step,
    "clip_batch_hard_t2": clip_batch_hard_step,
}


@pytest.mark.parametrize("name", ENTRIES)
def test_clip_ops(name: str) -> None:
    threads = {f"{library}_NUM_THREADS": str(THREADS.get(name, 2)) for library in ("OPENBLAS", "MKL", "OMP")}
    done = subprocess.run(
        [sys.executable, HERE, name], env={**os.environ, **threads, **SHARED}, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    record(name, found)
    print(name, done.stdout)
    assert not broken(name, found)


if __name__ == "__main__":
    sys.stdout.write(json.dumps(ENTRIES[sys.argv[1]](), indent=1, sort_keys=True))
