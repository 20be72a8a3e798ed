"""How fast the clip ops are on a GPU, and in how much memory: `pytest tests/gpu -o python_files='bench_*.py' -s`.

Distances at the size of MARS, 1,980 queries and 9,330 gallery tracklets of 8 clips, E = 1,024, batch-hard of 48
tracklets with pairwise weights that learn, forward and backward, and of 4,096 tracklets at once. Peers are eager torch,
torch.compile and the bare product of the same operands by cuBLAS; float32 is not rounded to TF32 for any of them. What
is further from the float64 reference than its dtype allows fails. Times are of CUDA events, each after the L2 cache was
overwritten; the functions take turns.
"""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import marslike
import torch
from kernel_report import RUNS, entry, file_name, report
from torch import Tensor
from torch.nn import functional as F

from vreid_bench import ClipRule, clip_batch_hard, clip_distance, clip_mean
from vreid_bench.ops import clip_reference as reference
from vreid_bench.ops.distance import batch_hard

FOLDER = Path(__file__).parents[2] / "leaderboard" / "kernels"
C = 8
KEPT = 13  # of 8 x 8 products, the largest 20 %
TILE = 512  # gallery tracklets that eager torch takes at a time
CHECKED = 64  # tracklets of a side that are compared with the reference
EXACT, HALVES = 1e-5, 2e-2  # how far from the reference, of its norm; plain torch rounds every product of halves


class Sizes(NamedTuple):
    """How large the problems are."""

    Q: int = marslike.QUERIES
    G: int = marslike.GALLERY
    N: int = 48
    E: int = 1024
    large_N: int = 4096
    large_E: int = 512


class Case(NamedTuple):
    """What is timed. Results are compared where `truth` is, with the leading part of each tensor."""

    ours: Callable[[], Sequence[Tensor]]
    peer: Callable[[Callable[..., Any]], Sequence[Tensor]]  # the same with `eager`, or `eager` compiled
    eager: Callable[..., Any]
    gemm: Callable[[], object]
    truth: Sequence[Tensor]  # float64
    tolerance: float = EXACT  # of the peers


def clips(N: int, E: int, device: torch.device, seed: int) -> Tensor:
    """[N, C, E]."""
    return torch.randn(N, C, E, generator=torch.Generator(device).manual_seed(seed), device=device)


def factored(device: torch.device, sizes: Sizes) -> Case:
    """Uniform weights; the peers weigh all products, the bare product is that of the means."""
    query, gallery = clips(sizes.Q, sizes.E, device, 1), clips(sizes.G, sizes.E, device, 2)

    def eager(query: Tensor, part: Tensor) -> Tensor:
        product = torch.einsum("qae,gbe->qgab", F.normalize(query, dim=-1), F.normalize(part, dim=-1))
        return 1 - product.mean((2, 3))

    means = clip_mean(query), clip_mean(gallery)
    return Case(
        lambda: [clip_distance(query, gallery)],
        partial(_tiled, query, gallery),
        eager,
        lambda: means[0] @ means[1].T,
        [reference.clip_distance(query[:CHECKED].double(), gallery[:CHECKED].double())],
    )


def top(device: torch.device, sizes: Sizes, dtype: torch.dtype) -> Case:
    """The top 20 %."""
    query, gallery = (clips(n, sizes.E, device, seed).to(dtype) for n, seed in ((sizes.Q, 1), (sizes.G, 2)))

    def eager(query: Tensor, part: Tensor) -> Tensor:
        product = torch.einsum("qae,gbe->qgab", F.normalize(query, dim=-1), F.normalize(part, dim=-1))
        return 1 - product.flatten(2).topk(KEPT).values.mean(2)

    def gemm() -> None:
        for part in gallery.split(TILE):
            query.flatten(0, 1) @ part.flatten(0, 1).T

    return Case(
        lambda: [clip_distance(query, gallery, rule=ClipRule(mode="top"))],
        partial(_tiled, query, gallery),
        eager,
        gemm,
        [reference.clip_distance(query[:CHECKED].double(), gallery[:CHECKED].double(), rule=ClipRule(mode="top"))],
        EXACT if dtype == torch.float32 else HALVES,
    )


def _tiled(query: Tensor, gallery: Tensor, distance: Callable[..., Any]) -> list[Tensor]:
    return [torch.cat([distance(query, part) for part in gallery.split(TILE)], 1)]


def step(device: torch.device, sizes: Sizes) -> Case:
    """Batch-hard loss of four tracklets of each person: gradients of the clips and the pairwise weights."""
    N = sizes.N
    x = clips(N, sizes.E, device, 0)
    weight = torch.rand(N, N, C, C, generator=torch.Generator(device).manual_seed(1), device=device)
    pids = torch.arange(N, device=device) // 4
    same = pids[:, None] == pids

    def hinge(positive: Tensor, negative: Tensor) -> Tensor:
        return F.relu(positive - negative + 0.3).mean()

    def eager(x: Tensor, weight: Tensor) -> Tensor:
        product = _products(x)
        distance = 1 - (weight * product).sum((2, 3)) / weight.sum((2, 3))
        return hinge(distance.masked_fill(~same, -9).amax(1), distance.masked_fill(same, 9).amin(1))

    def fused(x: Tensor, weight: Tensor) -> Tensor:
        return hinge(*clip_batch_hard(x, pids, [weight], rule=ClipRule(mode="pairwise"))[:2])

    def exact(x: Tensor, weight: Tensor) -> Tensor:
        return hinge(*reference.clip_batch_hard(x, pids, [weight], rule=ClipRule(mode="pairwise"))[:2])

    def gradients(loss: Callable[..., Any], *inputs: Tensor) -> list[Tensor]:
        learning = [one.detach().requires_grad_() for one in inputs]
        return list(torch.autograd.grad(loss(*learning), learning))

    return Case(
        lambda: gradients(fused, x, weight),
        lambda loss: gradients(loss, x, weight),
        eager,
        lambda: x.flatten(0, 1) @ x.flatten(0, 1).T,
        gradients(exact, x.double(), weight.double()),
    )


def large(device: torch.device, sizes: Sizes) -> Case:
    """Batch-hard by the top 20 %: the 4,096^2 x 64 products, which the peers write, are 4.3 GB."""
    x = clips(sizes.large_N, sizes.large_E, device, 0)
    pids = torch.arange(sizes.large_N, device=device) // 4

    def eager(x: Tensor) -> Sequence[Tensor]:
        distance = 1 - _products(x).flatten(2).topk(KEPT).values.mean(2)
        same = pids[:, None] == pids
        itself = torch.eye(len(x), dtype=torch.bool, device=x.device)
        return distance.masked_fill(~same | itself, -9).amax(1), distance.masked_fill(same, 9).amin(1)

    some = reference.clip_distance(x[:CHECKED].double(), x.double(), rule=ClipRule(mode="top"))
    return Case(
        lambda: clip_batch_hard(x, pids, rule=ClipRule(mode="top"))[:2],
        lambda hardest: hardest(x),
        eager,
        lambda: x.flatten(0, 1) @ x.flatten(0, 1).T,
        batch_hard(some, pids)[:2],
    )


def _products(x: Tensor) -> Tensor:
    """All products of clips of unit length: [N, N, C, C]."""
    unit = F.normalize(x, dim=-1).flatten(0, 1)
    return (unit @ unit.T).view(len(x), C, len(x), C).transpose(1, 2)


CASES: dict[str, Callable[[torch.device, Sizes], Case]] = {
    "clip_factored": factored,
    "clip_top": partial(top, dtype=torch.float32),
    "clip_top_bf16": partial(top, dtype=torch.bfloat16),
    "clip_batch_hard": step,
    "clip_batch_hard_large": large,
}


def check(name: str, found: Sequence[Tensor], truth: Sequence[Tensor], tolerance: float) -> None:
    """Raise AssertionError where a result is too far from the reference's. A NaN is."""
    for got, exact in zip(found, truth, strict=True):
        part = got[tuple(slice(size) for size in exact.shape)].double()
        error = (torch.linalg.vector_norm(part - exact) / torch.linalg.vector_norm(exact)).item()
        assert error <= tolerance, f"{name} is {error:.3g} of its norm from the reference, allowed {tolerance}"


def measured(case: Case) -> dict[str, float]:
    """Check, time and weigh one case."""
    compiled = torch.compile(case.eager, dynamic=False)
    results = {
        "ours": case.ours,
        "eager": lambda: case.peer(case.eager),
        "compile": lambda: case.peer(compiled),
    }
    for name, run in results.items():
        check(name, run(), case.truth, EXACT if name == "ours" else case.tolerance)
    functions = results | {"gemm": case.gemm}
    return entry(milliseconds(functions), {name: peak_mb(run) for name, run in functions.items()})


def milliseconds(functions: Mapping[str, Callable[[], object]], warm: int = 5) -> dict[str, list[float]]:
    """Of every run of each function, by CUDA events."""
    cache = torch.empty(1 << 28, dtype=torch.uint8, device="cuda")  # larger than any L2
    events: dict[str, list[tuple[torch.cuda.Event, torch.cuda.Event]]] = {name: [] for name in functions}
    for _ in range(warm + RUNS):
        for name, function in functions.items():
            begin, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
            cache.zero_()
            begin.record()
            function()
            end.record()
            events[name].append((begin, end))
    torch.cuda.synchronize()
    return {name: [begin.elapsed_time(end) for begin, end in pairs[warm:]] for name, pairs in events.items()}


def peak_mb(function: Callable[[], object]) -> float:
    """The most that torch held on the GPU at once beyond what it held before; the result is part of it."""
    torch.cuda.synchronize()
    before = torch.cuda.memory_allocated()
    torch.cuda.reset_peak_memory_stats()
    function()
    torch.cuda.synchronize()
    return (torch.cuda.max_memory_allocated() - before) / 1e6


def machine() -> dict[str, str]:
    """What the numbers were measured on."""
    query = ["nvidia-smi", "--query-gpu=driver_version", "--format=csv,noheader"]
    driver = subprocess.run(query, check=True, capture_output=True, text=True).stdout.split()[0]
    versions = {"driver": driver, "cuda": str(torch.version.cuda), "torch": torch.__version__}
    return {"gpu": torch.cuda.get_device_name(), "date": datetime.now(UTC).date().isoformat(), **versions}


def test_clip_ops(gpu: torch.device) -> None:
    entries = {}
    for name, case in CASES.items():
        torch.compiler.reset()
        entries[name] = measured(case(gpu, Sizes()))
    text = report(machine(), entries)
    FOLDER.mkdir(exist_ok=True)
    (FOLDER / file_name(torch.cuda.get_device_name())).write_text(text)
    print(text)
