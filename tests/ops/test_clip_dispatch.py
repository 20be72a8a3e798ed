"""The kernels of the clip ops against their reference: at most twice as far from float64 as plain torch is."""

import os
import subprocess
import sys

import pytest
import torch
from clip_cases import CASES, SHAPES, drawn, in_dtype, with_gradients
from places import SUPPORT
from torch.nn import functional as F

from vreid_bench import ClipRule, clip_batch_hard, clip_distance
from vreid_bench.ops import clip_dispatch, clip_native
from vreid_bench.ops import clip_reference as reference
from vreid_bench.system import native

native_only = pytest.mark.skipif(native.load("clip_cpu") is None, reason="the native kernels were not built")


@pytest.mark.slow
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16])
@pytest.mark.parametrize("ragged", [False, True])
@pytest.mark.parametrize(("mode", "options"), CASES)
@pytest.mark.parametrize("shape", SHAPES)
def test_distance_is_as_exact_as_plain_torch(shape, mode, options, ragged, dtype, monkeypatch):
    query, gallery, weights, masks = drawn(SHAPES[shape], mode, ragged)
    rule = {"mode": mode} | options
    truth = with_gradients(reference.clip_distance, query, gallery, weights, masks, rule)
    given = query.to(dtype), gallery.to(dtype), [w.to(dtype) for w in weights], masks, rule
    ours = with_gradients(clip_distance, *given)
    monkeypatch.setattr(reference, "prepare", in_dtype)
    plain = with_gradients(reference.clip_distance, *given)
    for name, got, other, exact in zip(("value", "query", "gallery", "weight", ""), ours, plain, truth, strict=False):
        allowed = 2 * (other - exact).abs().max() + 4e-7 * exact.abs().max().clamp_min(1)
        assert (got - exact).abs().max() <= allowed, name


@pytest.mark.parametrize("ragged", [False, True])
@pytest.mark.parametrize(("mode", "options"), CASES)
@pytest.mark.parametrize("shape", [(1, 1, 1), (7, 3, 19), (40, 8, 64), (150, 8, 24), (9, 13, 40)])
def test_batch_hard_selects_and_differentiates_as_the_reference(shape, mode, options, ragged):
    N, C, E = shape
    clips, _, weights, masks = drawn((N, N, C, C, E), mode, ragged)
    pids = torch.randint(0, max(1, N // 3), (N,), generator=torch.Generator().manual_seed(1))
    weights = [w.float() for w in (weights[:1] if mode == "factored" else weights)]
    inputs = [x.float().requires_grad_() for x in (clips, *weights)]
    rule = {"mode": mode} | options
    ours = clip_batch_hard(inputs[0], pids, inputs[1:], masks[0], rule=ClipRule(**rule))
    exact = [x.detach().double().requires_grad_() for x in inputs]
    truth = reference.clip_batch_hard(exact[0], pids, exact[1:], masks[0], rule=ClipRule(**rule))
    for got, expected in zip(ours, truth, strict=True):
        torch.testing.assert_close(got.to(expected.dtype), expected, atol=2e-5, rtol=2e-5)
    grads = [
        torch.autograd.grad((1.5 * f.positive - f.negative.square()).sum(), x)
        for f, x in ((ours, inputs), (truth, exact))
    ]
    for got, expected in zip(*grads, strict=True):
        torch.testing.assert_close(got.double(), expected, atol=1e-4, rtol=1e-4)


# Reads lines "NAME=VALUE;code" and runs each code in a process of its own, where the variable NAME is set before the
# kernels are loaded. They are forked from one that has imported torch, which takes seconds.
FORKS = """
import os, sys
import clip_cases
for line in sys.stdin:
    variable, _, code = line.strip().partition(";")
    if not (child := os.fork()):
        os.environ.update([variable.split("=")])
        import test_clip_dispatch as tests
        exec(code)
        sys.stdout.flush()
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0, line
"""


def fork(*lines):
    """What each line prints, as FORKS runs them."""
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([os.path.dirname(__file__), str(SUPPORT), *sys.path])}
    done = subprocess.run(
        [sys.executable, "-c", FORKS], input="\n".join(lines), env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def agree_with_the_reference():
    """Every op with the native kernels; prints which ran."""
    for shape in SHAPES.values():
        for mode, options in CASES:
            query, gallery, weights, masks = drawn(shape, mode, ragged=True)
            rule = {"mode": mode} | options
            ours = with_gradients(
                clip_distance, query.float(), gallery.float(), [w.float() for w in weights], masks, rule
            )
            for got, expected in zip(
                ours, with_gradients(reference.clip_distance, query, gallery, weights, masks, rule), strict=True
            ):
                torch.testing.assert_close(got, expected, atol=1e-5, rtol=1e-5)
    for case in CASES:
        test_batch_hard_selects_and_differentiates_as_the_reference((40, 5, 37), *case, ragged=True)
    sys.stdout.write(f"{clip_native.backend()}\n")


@pytest.mark.slow
@native_only
def test_every_instruction_set_agrees_with_the_reference():
    sets = native.load("ranks").instruction_sets()
    ran = fork(*(f"VREID_INSTRUCTION_SET={each};tests.agree_with_the_reference()" for each in sets))
    assert ran == [f"native-{each}" for each in sets]


@pytest.mark.parametrize("mode", ["factored", "top", "pairwise"])
def test_without_native_kernels_torch_computes_the_same(mode, monkeypatch):
    query, gallery, weights, masks = drawn((40, 30, 5, 6, 16), mode, ragged=True)
    given = query.float(), gallery.float(), [w.float() for w in weights], *masks
    native_result = clip_distance(*given, rule=ClipRule(mode=mode))
    monkeypatch.setenv("VREID_NATIVE", "0")
    assert clip_native.backend() == "torch"
    monkeypatch.setattr(clip_dispatch, "TILE", 30 * 30 * 7)  # so that there are several tiles of torch's, too
    torch.testing.assert_close(clip_distance(*given, rule=ClipRule(mode=mode)), native_result, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("mode", ["factored", "top", "pairwise"])
def test_strides_do_not_matter(mode):
    query, gallery, weights, masks = drawn((6, 9, 3, 4, 10), mode, ragged=True)
    given = [query.float(), gallery.float(), [w.float() for w in weights], *masks]
    strided = [x.transpose(0, 1).contiguous().transpose(0, 1) for x in given[:2]]
    weights = [w.transpose(0, 1).contiguous().transpose(0, 1) for w in given[2]]
    masks = [m.t().contiguous().t() for m in masks]
    assert not strided[0].is_contiguous()
    got = clip_distance(*strided, weights, *masks, rule=ClipRule(mode=mode))
    assert torch.equal(got, clip_distance(*given, rule=ClipRule(mode=mode)))


@pytest.mark.parametrize("normalize", [False, True])
@pytest.mark.parametrize("mode", ["factored", "top", "pairwise", "learned"])
def test_a_clip_that_is_no_number_is_not_lost(mode, normalize):
    query, gallery, weights, _ = drawn((3, 5, 8, 4, 16), mode, ragged=False)
    query[1, 2, 3] = float("nan")
    if mode == "learned":
        weights = [torch.ones(size) for size in ((4, 16), 4, (3, 4), 3, (1, 3), 1)]
    got = clip_distance(
        query.float(), gallery.float(), [w.float() for w in weights], rule=ClipRule(mode=mode, normalize=normalize)
    )
    assert got.isnan().tolist() == [[False] * 5, [True] * 5, [False] * 5]
    if mode in ("top", "factored"):
        found = clip_batch_hard(query.float(), torch.tensor([0, 0, 1]), rule=ClipRule(mode=mode, normalize=normalize))
        assert found.positive.isnan().tolist() == [True, True, False]
        assert found.negative_index.tolist() == [2, 2, 1]


@pytest.mark.slow
def test_tf32_is_known_whichever_way_it_was_allowed():
    """Torch has an older and a newer way, and its older getter raises where the newer one was used."""
    ways = {
        "matmul.fp32_precision = 'tf32'": "True",
        "matmul.allow_tf32 = True": "True",
        "matmul.fp32_precision = 'ieee'": "False",
    }
    use = "clips = tests.torch.ones(2, 2, 8); tests.clip_distance(clips, clips, rule=tests.ClipRule(mode='top'))"
    told = "print(tests.clip_native._tf32())"
    found = fork(*(f"VREID_NATIVE=1;tests.torch.backends.cuda.{way}; {use}; {told}" for way in ways))
    assert found == list(ways.values())


def test_threads_change_nothing_but_rounding():
    query, gallery, _, masks = drawn((50, 40, 8, 8, 32), "top", ragged=True)
    threads = torch.get_num_threads()
    found = []
    try:
        for count in (1, 3):
            torch.set_num_threads(count)
            found.append(clip_distance(query.float(), gallery.float(), [], *masks, rule=ClipRule(mode="top")))
    finally:
        torch.set_num_threads(threads)
    torch.testing.assert_close(*found)


@pytest.mark.slow
@pytest.mark.parametrize("mode", ["factored", "top", "pairwise"])
def test_torch_can_check_and_compile_the_ops(mode):
    query, gallery, weights, masks = drawn((6, 5, 3, 3, 8), mode, ragged=True)
    inputs = [x.float().requires_grad_() for x in (query, gallery, *weights)]
    options = {"mode": mode, "top": 0.5}
    torch.library.opcheck(torch.ops.vreid.clip_distance.default, (*inputs[:2], inputs[2:], *masks), options)
    _, _, own, _ = drawn((6, 6, 3, 3, 8), mode, ragged=False)
    own = [w.float().requires_grad_() for w in (own[:1] if mode == "factored" else own)]
    pids = torch.tensor([0, 0, 1, 1, 2, 1])
    torch.library.opcheck(torch.ops.vreid.clip_batch_hard.default, (inputs[0], pids, own, masks[0]), options)

    def loss(clips, *weights):
        found = clip_batch_hard(clips, pids, weights, masks[0], rule=ClipRule(**options))
        near = clip_distance(clips, gallery.float(), inputs[2:], *masks, rule=ClipRule(**options))
        return F.relu(0.3 + found.positive - found.negative).sum() + near.square().sum()

    compiled = torch.compile(loss, fullgraph=True, backend="aot_eager")
    eager, other = (torch.autograd.grad(run(inputs[0], *own), (inputs[0], *own)) for run in (loss, compiled))
    for one, two in zip(eager, other, strict=True):
        torch.testing.assert_close(one, two)
