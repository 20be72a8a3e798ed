"""The clip ops on the device: values and gradients no further from float64 than twice what plain torch is there."""

import clip_loop
import pytest
import torch
from clip_cases import CASES, SHAPES, drawn, in_dtype, with_gradients
from torch.nn import functional as F

from vreid_bench import ClipRule, clip_batch_hard, clip_distance
from vreid_bench.ops import clip_native
from vreid_bench.ops import clip_reference as reference

QUICK = {name: SHAPES[name] for name in ("one", "odd", "lanes", "many-clips")}
LONG = {"deep": (40, 33, 8, 8, 1024), "most-clips": (3, 2, *clip_native.MOST_CLIPS, 40)}
BEYOND = {"query-clips": (2, 3, 129, 5, 16), "gallery-clips": (3, 2, 5, 65, 16)}  # plain torch has to stand in
DTYPES = {torch.float32: 1e-4, torch.float16: 2e-3, torch.bfloat16: 2e-2}  # and how exact a gradient in it can be
MODES = ("factored", "top", "pairwise")

shapes = pytest.mark.parametrize(
    "shape",
    [pytest.param(shape, id=name, marks=pytest.mark.small) for name, shape in QUICK.items()]
    + [pytest.param(shape, id=name) for name, shape in (LONG | BEYOND | {"tiles": SHAPES["tiles"]}).items()],
)


def problem(shape, mode, masks, dtype, device):
    """Arguments of clip_distance on the device, in float64; masks: `none`, `ragged`, or `bare` for no clip at all."""
    query, gallery, weights, valid = drawn(shape, mode, ragged=masks != "none", held=dtype)
    if masks == "bare":
        valid[0][0] = valid[1][-1] = False
    moved = [mask if mask is None else mask.to(device) for mask in valid]
    return query.to(device), gallery.to(device), [w.to(device) for w in weights], moved


def network(E, device):
    """Layers of `learned`, in float64."""
    random = torch.Generator().manual_seed(2)
    sizes = ((5, E), (5,), (4, 5), (4,), (1, 4), (1,))
    return [torch.randn(*size, generator=random).bfloat16().double().to(device) for size in sizes]


def as_exact_as_plain_torch(monkeypatch, dtype, given, rule):
    query, gallery, weights, masks = given
    truth = with_gradients(reference.clip_distance, *given, rule)
    rounded = query.to(dtype), gallery.to(dtype), [w.to(dtype) for w in weights], masks, rule
    ours = with_gradients(clip_distance, *rounded)
    monkeypatch.setattr(reference, "prepare", in_dtype)
    plain = with_gradients(reference.clip_distance, *rounded)
    for i, (got, other, exact) in enumerate(zip(ours, plain, truth, strict=True)):
        error = (other - exact).abs().nan_to_num(0, 0)  # plain torch in float16 returns NaN at a distance of 0
        rounding = 4e-7 if i == 0 else max(4e-7, torch.finfo(dtype).eps / 2)  # a gradient has the dtype
        allowed = 2 * error.max() + rounding * exact.abs().max().clamp_min(1)
        found = (got - exact).abs().max()
        assert found <= allowed, f"{'value' if i == 0 else f'gradient {i}'}: {found:.3g}, allowed {allowed:.3g}"


@shapes
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("masks", ["none", "ragged", "bare"])
@pytest.mark.parametrize(("mode", "options"), CASES)
def test_distance_is_as_exact_as_plain_torch(shape, mode, options, masks, dtype, device, monkeypatch):
    given = problem(shape, mode, masks, dtype, device)
    as_exact_as_plain_torch(monkeypatch, dtype, given, {"mode": mode} | options)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("masks", ["none", "ragged", "bare"])
@pytest.mark.parametrize("shape", QUICK)
def test_learned_is_as_exact_as_plain_torch(shape, masks, dtype, device, monkeypatch):
    query, gallery, _, valid = problem(QUICK[shape], "learned", masks, dtype, device)
    given = query, gallery, network(query.shape[2], device), valid
    as_exact_as_plain_torch(monkeypatch, dtype, given, {"mode": "learned"})


def test_kernels_serve_whatever_fits_a_tile(gpu):
    for shape in (*SHAPES.values(), *LONG.values(), *BEYOND.values()):
        query, gallery, _, _ = problem(shape, "top", "none", torch.float32, gpu)
        fits = shape not in BEYOND.values()
        assert clip_native.reduces_pairs(query.float(), gallery.float(), ClipRule("top")) is fits, shape


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("masks", ["none", "ragged"])
@pytest.mark.parametrize(("mode", "options"), CASES)
@pytest.mark.parametrize(
    "shape",
    [
        pytest.param((1, 1, 1), marks=pytest.mark.small),
        pytest.param((7, 3, 19), marks=pytest.mark.small),
        pytest.param((40, 8, 64), marks=pytest.mark.small),
        (150, 8, 24),
        (9, 65, 16),
    ],
)
def test_batch_hard_selects_and_differentiates_as_the_reference(shape, mode, options, masks, dtype, device):
    N, C, E = shape
    clips, _, weights, valid = problem((N, N, C, C, E), mode, masks, dtype, device)
    pids = torch.randint(0, max(1, N // 3), (N,), generator=torch.Generator().manual_seed(1)).to(device)
    weights = weights[:1] if mode == "factored" else weights
    rule = {"mode": mode} | options
    found = []
    for op, to in ((clip_batch_hard, dtype), (reference.clip_batch_hard, torch.float64)):
        inputs = [x.to(to).requires_grad_() for x in (clips, *weights)]
        hardest = op(inputs[0], pids, inputs[1:], valid[0], rule=ClipRule(**rule))
        mixture = (1.5 * hardest.positive - hardest.negative.square()).sum()
        found.append((hardest, torch.autograd.grad(mixture, inputs)))
    for got, exact in zip(found[0][0], found[1][0], strict=True):
        torch.testing.assert_close(got.to(exact.dtype), exact, atol=2e-5, rtol=2e-5)
    for got, exact in zip(found[0][1], found[1][1], strict=True):
        torch.testing.assert_close(got.double(), exact, atol=DTYPES[dtype], rtol=DTYPES[dtype])


@pytest.mark.small
@pytest.mark.parametrize("mode", MODES)
def test_batch_hard_is_its_definition(mode, device):
    """Against loops over numbers, which know nothing of the reference."""
    clips, _, weights, valid = problem((9, 9, 3, 3, 12), mode, "bare", torch.float32, device)
    weights = weights[:1] if mode == "factored" else weights
    pids = torch.tensor([5, 5, -1, 5, 7, -1, 0, 7, 7], device=device)
    found = clip_batch_hard(clips.float(), pids, [w.float() for w in weights], valid[0], rule=ClipRule(mode=mode))
    mask, both = valid[0].tolist(), [w.tolist() for w in weights] * (2 if mode == "factored" else 1)
    far = clip_loop.distance(clips.tolist(), clips.tolist(), both, mask, mask, mode=mode)
    for got, expected in zip(found, zip(*clip_loop.batch_hard(far, pids.tolist()), strict=True), strict=True):
        torch.testing.assert_close(got.cpu(), torch.tensor(expected, dtype=got.dtype), atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("mode", ["factored", "top"])
def test_ties_go_to_the_lowest_index(mode, device):
    """Over many tiles, whose blocks come in any order."""
    clips = torch.randn(1, 8, 64, generator=torch.Generator().manual_seed(0)).expand(600, 8, 64).to(device)
    found = clip_batch_hard(clips, torch.arange(600, device=device) // 300, rule=ClipRule(mode=mode))
    assert found.positive_index.tolist() == [1] + [0] * 299 + [301] + [300] * 299
    assert found.negative_index.tolist() == [300] * 300 + [0] * 300


@pytest.mark.parametrize("mode", MODES)
def test_what_an_anchor_lacks_is_zero_and_moves_nothing(mode, device):
    clips, _, weights, _ = problem((6, 6, 3, 3, 8), mode, "none", torch.float32, device)
    clips, weights = clips.float().requires_grad_(), [w.float() for w in weights][: 1 if mode == "factored" else None]
    alone = clip_batch_hard(clips, torch.arange(6, device=device), weights, rule=ClipRule(mode=mode))
    assert alone.positive.tolist() == [0] * 6
    assert alone.positive_index.tolist() == [-1] * 6
    assert not torch.autograd.grad(alone.positive.sum(), clips)[0].any()
    together = clip_batch_hard(
        clips, torch.zeros(6, dtype=torch.long, device=device), weights, rule=ClipRule(mode=mode)
    )
    assert together.negative.tolist() == [0] * 6
    assert together.negative_index.tolist() == [-1] * 6


@pytest.mark.small
@pytest.mark.parametrize("mode", MODES)
def test_a_clip_that_is_no_number_is_not_lost(mode, device):
    query, gallery, weights, _ = problem((3, 5, 8, 4, 16), mode, "none", torch.float32, device)
    query[1, 2, 3] = float("nan")
    got = clip_distance(query.float(), gallery.float(), [w.float() for w in weights], rule=ClipRule(mode=mode))
    assert got.isnan().tolist() == [[False] * 5, [True] * 5, [False] * 5]


@pytest.mark.parametrize("mode", MODES)
def test_strides_do_not_matter(mode, device):
    query, gallery, weights, masks = problem((6, 9, 3, 4, 10), mode, "ragged", torch.float32, device)
    given = query.float(), gallery.float(), [w.float() for w in weights], masks
    strided = [x.transpose(0, 1).contiguous().transpose(0, 1) for x in (*given[:2], *given[2], *masks)]
    assert not any(x.is_contiguous() for x in strided)
    got = clip_distance(*strided[:2], strided[2:-2], *strided[-2:], rule=ClipRule(mode=mode))
    torch.testing.assert_close(got, clip_distance(*given[:3], *masks, rule=ClipRule(mode=mode)), atol=1e-6, rtol=0)


@pytest.mark.small
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("shape", [(0, 3, 2, 2), (3, 0, 2, 2), (2, 3, 0, 2), (2, 3, 2, 0)])
def test_empty_inputs_give_empty_or_unlike(mode, shape, device):
    query, gallery, weights, _ = problem((*shape, 8), mode, "none", torch.float32, device)
    got = clip_distance(query.float(), gallery.float(), [w.float() for w in weights], rule=ClipRule(mode=mode))
    assert got.shape == shape[:2]
    assert (got == 1).all()


@pytest.mark.parametrize("mode", MODES)
def test_the_same_call_gives_the_same_bits(mode, device):
    """In the deterministic mode of training, which also fills new memory with NaN: nothing is left unwritten."""
    query, gallery, weights, masks = problem((150, 70, 8, 8, 72), mode, "ragged", torch.float32, device)
    given = query.float(), gallery.float(), [w.float() for w in weights], masks, {"mode": mode}
    torch.use_deterministic_algorithms(True, warn_only=True)
    try:
        first, *others = (with_gradients(clip_distance, *given) for _ in range(5))
    finally:
        torch.use_deterministic_algorithms(False)
    for other in others:
        assert all(torch.equal(one, two) for one, two in zip(first, other, strict=True))


@pytest.mark.parametrize("mode", MODES)
def test_torch_can_check_and_compile_the_ops(mode, device):
    query, gallery, weights, masks = problem((6, 6, 3, 3, 8), mode, "ragged", torch.float32, device)
    query, gallery, *weights = (x.float().requires_grad_() for x in (query, gallery, *weights))
    own, options = weights[: 1 if mode == "factored" else None], {"mode": mode, "top": 0.5}
    pids = torch.tensor([0, 0, 1, 1, 2, 1], device=device)
    torch.library.opcheck(torch.ops.vreid.clip_distance.default, (query, gallery, weights, *masks), options)
    torch.library.opcheck(torch.ops.vreid.clip_batch_hard.default, (query, pids, own, masks[0]), options)

    def loss(query, gallery, *weights):
        found = clip_batch_hard(query, pids, weights[: len(own)], masks[0], rule=ClipRule(**options))
        near = clip_distance(query, gallery, weights, *masks, rule=ClipRule(**options))
        return F.relu(0.3 + found.positive - found.negative).sum() + near.square().sum()

    inputs = query, gallery, *weights
    eager, compiled = (torch.autograd.grad(run(*inputs), inputs) for run in (loss, torch.compile(loss, fullgraph=True)))
    for one, two in zip(eager, compiled, strict=True):
        torch.testing.assert_close(one, two)
