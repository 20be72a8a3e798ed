"""How the kernels are launched: on the caller's stream, without waiting, in a graph, with TF32 only where allowed."""

import pytest
import torch
from clip_cases import drawn

from vreid_bench import ClipRule, clip_batch_hard, clip_distance
from vreid_bench.ops import clip_reference as reference

MODES = ("factored", "top", "pairwise")
SHAPE = (48, 48, 8, 8, 72)


def problem(mode, gpu, seed=0):
    """Clips [N, C, E], the weights of a distance and the labels of 12 people."""
    query, _, weights, _ = drawn(SHAPE, mode, ragged=False, seed=seed, held=torch.float32)
    return query.float().to(gpu), [w.float().to(gpu) for w in weights], torch.arange(12, device=gpu).repeat(4)


def both_ops(clips, weights, pids, mode):
    """The results of both ops and the gradient."""
    clips = clips.detach().requires_grad_()
    own = weights[:1] if mode == "factored" else weights
    hardest = clip_batch_hard(clips, pids, own, rule=ClipRule(mode=mode))
    distance = clip_distance(clips, clips, weights, rule=ClipRule(mode=mode))
    (grad,) = torch.autograd.grad(distance.sum() + (hardest.positive - hardest.negative).sum(), clips)
    return *hardest, distance.detach(), grad


def agree(found, expected):
    for one, two in zip(found, expected, strict=True):
        torch.testing.assert_close(one, two)


@pytest.mark.parametrize("mode", MODES)
def test_the_callers_stream_is_followed_and_nothing_waits(mode, gpu):
    clips, weights, pids = problem(mode, gpu)
    late, side = torch.zeros_like(clips), torch.cuda.Stream()
    torch.cuda.synchronize()
    with torch.cuda.stream(side):
        expected = both_ops(clips, weights, pids, mode)  # also loads what is loaded once
        side.synchronize()
        torch.cuda._sleep(2_000_000_000)  # about a second: who does not wait for this stream reads zeros
        late.copy_(clips)
        torch.cuda.set_sync_debug_mode("error")
        try:
            found = both_ops(late, weights, pids, mode)
        finally:
            torch.cuda.set_sync_debug_mode("default")
        assert not side.query()  # the calls are back and the stream still sleeps
    side.synchronize()
    agree(found, expected)


@pytest.mark.parametrize("mode", MODES)
def test_a_captured_graph_computes_what_its_inputs_hold_by_then(mode, gpu):
    clips, weights, pids = problem(mode, gpu)
    side = torch.cuda.Stream()
    side.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(side):
        for _ in range(3):  # libraries take their workspace before the capture
            both_ops(clips, weights, pids, mode)
    torch.cuda.current_stream().wait_stream(side)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        found = both_ops(clips, weights, pids, mode)
    for seed in (1, 2):
        other, *_ = problem(mode, gpu, seed)
        clips.copy_(other)
        graph.replay()
        agree(found, both_ops(other, weights, pids, mode))


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("allow", ["set_float32_matmul_precision", "fp32_precision"])
def test_float32_is_rounded_to_tf32_only_where_torch_may(mode, allow, gpu):
    clips, weights, _ = problem(mode, gpu)
    exact = reference.clip_distance(
        clips.double(), clips.double(), [w.double() for w in weights], rule=ClipRule(mode=mode)
    )

    def error():
        return (clip_distance(clips, clips, weights, rule=ClipRule(mode=mode)) - exact).abs().max().item()

    strict, matmul = error(), torch.backends.cuda.matmul
    before = matmul.fp32_precision
    try:
        if allow == "fp32_precision":
            matmul.fp32_precision = "tf32"
        else:
            torch.set_float32_matmul_precision("high")
        rounded = error()
    finally:
        torch.set_float32_matmul_precision("highest")
        matmul.fp32_precision = before
    assert strict < 2e-6
    assert 8 * strict < rounded < 5e-3
