"""What the clip ops mean: against loops over numbers, values worked by hand and what must not change them."""

from functools import partial

import clip_loop
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.autograd import gradcheck

from vreid_bench import ClipRule, clip_batch_hard, clip_distance
from vreid_bench.ops import clip_reference as reference

MODES = ("factored", "top", "pairwise", "learned")
E = 6


class Case:
    """Q tracklets of C clips against G of K, some not there, with weights for each mode."""

    def __init__(self, Q=4, G=3, C=3, K=2, seed=0, dtype=torch.float64):
        random = torch.Generator().manual_seed(seed)
        self.query, self.gallery = (torch.randn(n, c, E, generator=random, dtype=dtype) for n, c in ((Q, C), (G, K)))
        self.masks = tuple(torch.rand(n, c, generator=random) < 0.7 for n, c in ((Q, C), (G, K)))
        uniform, normal = (partial(of, generator=random, dtype=dtype) for of in (torch.rand, torch.randn))
        network = [normal(5, E), normal(5), normal(4, 5), normal(4), normal(1, 4), normal(1)]
        self.weights = {
            "factored": [uniform(Q, C), uniform(G, K)],
            "top": [],
            "pairwise": [uniform(Q, G, C, K)],
            "learned": network,
        }

    def batch(self, mode):
        """Weights of the queries as both sides."""
        return self.weights[mode][:1] if mode == "factored" else self.weights[mode]


def lists(*tensors):
    return [None if tensor is None else tensor.tolist() for tensor in tensors]


# values


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("normalize", [False, True])
@pytest.mark.parametrize(
    ("mode", "options"),
    [
        ("factored", {}),
        ("factored", {"divide": "count"}),
        ("factored", {"metric": "cosine"}),
        ("factored", {"metric": "euclidean", "divide": "count"}),
        ("factored", {"metric": "sqeuclidean"}),
        ("top", {}),
        ("top", {"top": 0.5}),
        ("top", {"top": 1.0}),
        ("pairwise", {}),
        ("pairwise", {"divide": "count"}),
        ("learned", {}),
    ],
)
def test_distance_is_its_definition(mode, options, normalize, masked):
    case = Case()
    masks = case.masks if masked else (None, None)
    rule = {"mode": mode, "normalize": normalize} | options
    got = clip_distance(case.query, case.gallery, case.weights[mode], *masks, rule=ClipRule(**rule))
    expected = clip_loop.distance(
        *lists(case.query, case.gallery), lists(*case.weights[mode]), *lists(*masks), **rule
    )  # fmt: skip
    torch.testing.assert_close(got, torch.tensor(expected, dtype=torch.float64), atol=1e-9, rtol=1e-9)


def test_worked_by_hand():
    # products of clips: [[1, 0], [0.6, 0.8]], and [[-1, 0], [-0.6, 0.8]] against the second tracklet
    query = torch.tensor([[[1.0, 0.0], [3.0, 4.0]]])
    gallery = torch.tensor([[[2.0, 0.0], [0.0, 1.0]], [[-1.0, 0.0], [0.0, 5.0]]])
    for rule, expected in (
        ({"mode": "factored"}, [0.4, 1.2]),
        ({"mode": "top", "top": 0.2}, [0.0, 0.2]),
        ({"mode": "top", "top": 0.5}, [0.1, 0.6]),
        ({"mode": "top", "top": 0.51}, [0.2, 1 - 0.2 / 3]),
    ):
        got = clip_distance(query, gallery, rule=ClipRule(**rule))
        torch.testing.assert_close(got, torch.tensor([expected]), atol=1e-6, rtol=0)
    weight = torch.tensor([[[[1.0, 0.0], [2.0, 0.0]], [[0.0, 0.0], [0.0, 0.0]]]])
    got = clip_distance(query, gallery, [weight], rule=ClipRule(mode="pairwise"))
    torch.testing.assert_close(got, torch.tensor([[1 - 2.2 / 3, 1.0]]))
    got = clip_distance(query, gallery, [weight], rule=ClipRule(mode="pairwise", divide="count"))
    torch.testing.assert_close(got, torch.tensor([[1 - 2.2 / 4, 1.0]]))


def test_the_first_pair_has_importance_one_and_order_matters_to_learned():
    # a network that gives softplus(0) = log 2 whatever comes: sim = (s_1 + log 2 sum of the others) / (1 + 3 log 2)
    case = Case(Q=1, G=1, C=2, K=2)
    network = [torch.zeros_like(w) for w in case.weights["learned"]]
    x, y = (torch.nn.functional.normalize(t, dim=-1) for t in (case.query, case.gallery))
    s = (x[0] @ y[0].T).flatten()
    log2 = torch.tensor(2.0, dtype=torch.float64).log()
    expected = 1 - (s[0] + log2 * s[1:].sum()) / (1 + 3 * log2)
    got = clip_distance(case.query, case.gallery, network, rule=ClipRule(mode="learned"))
    torch.testing.assert_close(got[0, 0], expected)
    flipped = clip_distance(case.query.flip(1), case.gallery, network, rule=ClipRule(mode="learned"))
    assert (got - flipped).abs().item() > 1e-3


def test_top_counts_as_many_pairs_as_its_share_says():
    case = Case(Q=1, G=1, C=5, K=5)
    products = torch.einsum("qae,gbe->qgab", case.query, case.gallery).flatten().sort(descending=True).values
    assert 0.28 * 25 > 7  # in binary
    for share, expected in ((0.28, 7), (0.29, 8), (0.01, 1), (1.0, 25)):
        for op in (clip_distance, reference.clip_distance):
            got = op(case.query, case.gallery, rule=ClipRule(mode="top", top=share, normalize=False))
            torch.testing.assert_close(got[0, 0], 1 - products[:expected].mean())


@pytest.mark.parametrize("mode", MODES)
def test_tracklets_without_clips_are_similar_to_nothing(mode):
    case = Case()
    none = torch.zeros_like(case.masks[0])
    got = clip_distance(case.query, case.gallery, case.weights[mode], none, rule=ClipRule(mode=mode))
    torch.testing.assert_close(got, torch.ones_like(got))


@pytest.mark.parametrize("mode", MODES)
def test_padding_may_hold_anything(mode):
    case = Case()
    clean = clip_distance(case.query, case.gallery, case.weights[mode], *case.masks, rule=ClipRule(mode=mode))
    query = case.query.masked_fill(~case.masks[0][..., None], float("nan")).requires_grad_()
    got = clip_distance(query, case.gallery, case.weights[mode], *case.masks, rule=ClipRule(mode=mode))
    assert torch.equal(got, clean)
    (grad,) = torch.autograd.grad(got.sum(), query)
    assert grad.isfinite().all()
    assert not grad[~case.masks[0]].any()


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("shape", [(0, 3, 2, 2), (3, 0, 2, 2), (2, 3, 0, 2), (2, 3, 2, 0)])
def test_empty_inputs_give_empty_or_unlike(mode, shape):
    case = Case(*shape)
    got = clip_distance(case.query, case.gallery, case.weights[mode], rule=ClipRule(mode=mode))
    assert got.shape == shape[:2]
    assert (got == 1).all()


def test_no_tracklets_have_no_hardest():
    for mode in MODES:
        case = Case(0, 0, 3, 3)
        found = clip_batch_hard(
            case.query, torch.zeros(0, dtype=torch.long), case.batch(mode), rule=ClipRule(mode=mode)
        )
        assert [value.numel() for value in found] == [0, 0, 0, 0]


# batch-hard


@pytest.mark.parametrize("mode", MODES)
def test_batch_hard_is_its_definition(mode):
    case = Case(Q=9, G=9, C=2, K=2, seed=3)
    pids = torch.tensor([5, 5, -1, 5, 7, -1, 0, 7, 7])
    found = clip_batch_hard(case.query, pids, case.batch(mode), case.masks[0], rule=ClipRule(mode=mode))
    both = case.batch(mode) * (2 if mode == "factored" else 1)
    far = clip_loop.distance(
        *lists(case.query, case.query), lists(*both), *lists(case.masks[0], case.masks[0]), mode=mode
    )
    for got, expected in zip(found, zip(*clip_loop.batch_hard(far, pids.tolist()), strict=True), strict=True):
        torch.testing.assert_close(got, torch.tensor(expected, dtype=got.dtype))


def test_ties_go_to_the_lowest_index():
    x = torch.eye(4)[[0, 1, 1, 2, 2, 3]][:, None]  # two positives and two negatives of the first are equally far
    found = clip_batch_hard(x, torch.tensor([0, 0, 0, 1, 1, 1]))
    assert found.positive_index.tolist() == [1, 0, 0, 5, 5, 3]
    assert found.negative_index.tolist() == [3, 3, 3, 0, 0, 0]


def test_the_same_clips_twice_are_a_positive():
    found = clip_batch_hard(
        torch.ones(2, 1, 3), torch.tensor([4, 4]), rule=ClipRule(metric="euclidean", normalize=False)
    )
    assert found.positive_index.tolist() == [1, 0]
    assert found.negative_index.tolist() == [-1, -1]


def test_what_an_anchor_lacks_is_zero_and_moves_nothing():
    x = Case(Q=3).query.requires_grad_()
    alone = clip_batch_hard(x, torch.tensor([1, 2, 3]), rule=ClipRule(mode="top"))
    assert alone.positive.tolist() == [0, 0, 0]
    assert alone.positive_index.tolist() == [-1, -1, -1]
    assert (alone.negative > 0).all()
    (grad,) = torch.autograd.grad(alone.positive.sum(), x)
    assert not grad.any()
    together = clip_batch_hard(x, torch.tensor([1, 1, 1]), rule=ClipRule(mode="top"))
    assert together.negative.tolist() == [0, 0, 0]
    assert together.negative_index.tolist() == [-1, -1, -1]


# gradients


@pytest.mark.parametrize("mode", MODES)
def test_gradients_of_distance_are_those_of_its_value(mode):
    case = Case(Q=2, G=2, C=2, K=3)
    inputs = [x.requires_grad_() for x in (case.query, case.gallery, *case.weights[mode])]
    assert gradcheck(lambda q, g, *w: clip_distance(q, g, w, *case.masks, rule=ClipRule(mode=mode)), inputs)


@pytest.mark.parametrize("metric", ["cosine", "euclidean", "sqeuclidean"])
def test_gradients_of_vector_metrics(metric):
    case = Case(Q=3, G=2)
    inputs = [x.requires_grad_() for x in (case.query, case.gallery, *case.weights["factored"])]
    assert gradcheck(lambda q, g, *w: clip_distance(q, g, w, rule=ClipRule(metric=metric, divide="count")), inputs)


@pytest.mark.parametrize("mode", MODES)
def test_gradients_of_batch_hard_are_those_of_the_dense_reference(mode):
    case = Case(Q=7, G=7, C=2, K=2, seed=1)
    pids = torch.tensor([0, 0, 1, 1, 2, 1, 0])
    inputs = [x.requires_grad_() for x in (case.query, *case.batch(mode))]
    assert gradcheck(lambda x, *w: clip_batch_hard(x, pids, w, case.masks[0], rule=ClipRule(mode=mode))[:2], inputs)
    grads = []
    for op in (clip_batch_hard, reference.clip_batch_hard):
        found = op(case.query, pids, inputs[1:], case.masks[0], rule=ClipRule(mode=mode))
        grads.append(torch.autograd.grad((2 * found.positive - found.negative).sum(), inputs))
    for sparse, dense in zip(*grads, strict=True):
        torch.testing.assert_close(sparse, dense)


# what must not change them

cases = st.builds(
    Case, Q=st.integers(1, 5), G=st.integers(1, 4), C=st.integers(1, 4), K=st.integers(1, 4), seed=st.integers(0, 99)
)
modes = st.sampled_from(MODES)


@settings(deadline=None, max_examples=40)
@given(cases, modes, st.randoms())
def test_permuting_tracklets_permutes_the_output(case, mode, random):
    order = torch.tensor(random.sample(range(len(case.query)), len(case.query)))
    weights = case.weights[mode]
    moved = [w[order] if i == 0 and mode in ("factored", "pairwise") else w for i, w in enumerate(weights)]
    got = clip_distance(
        case.query[order], case.gallery, moved, case.masks[0][order], case.masks[1], rule=ClipRule(mode=mode)
    )
    expected = clip_distance(case.query, case.gallery, weights, *case.masks, rule=ClipRule(mode=mode))[order]
    torch.testing.assert_close(got, expected)


@settings(deadline=None, max_examples=40)
@given(cases, st.sampled_from(["factored", "top", "pairwise"]), st.randoms())
def test_permuting_clips_changes_nothing(case, mode, random):
    order = torch.tensor(random.sample(range(case.query.shape[1]), case.query.shape[1]))
    weights = list(case.weights[mode])
    if weights:
        weights[0] = weights[0][:, order] if mode == "factored" else weights[0][:, :, order]
    got = clip_distance(
        case.query[:, order], case.gallery, weights, case.masks[0][:, order], case.masks[1], rule=ClipRule(mode=mode)
    )
    torch.testing.assert_close(
        got, clip_distance(case.query, case.gallery, case.weights[mode], *case.masks, rule=ClipRule(mode=mode))
    )


@settings(deadline=None, max_examples=40)
@given(cases, st.sampled_from(["factored", "pairwise"]))
def test_a_clip_twice_with_half_the_weight_changes_nothing(case, mode):
    weights = list(case.weights[mode])
    axis = 1 if mode == "factored" else 2
    half = weights[0].clone()
    half.narrow(axis, 0, 1).mul_(0.5)
    weights[0] = torch.cat([half, half.narrow(axis, 0, 1)], axis)
    query, valid = (torch.cat([x, x[:, :1]], 1) for x in (case.query, case.masks[0]))
    got = clip_distance(query, case.gallery, weights, valid, case.masks[1], rule=ClipRule(mode=mode))
    torch.testing.assert_close(
        got, clip_distance(case.query, case.gallery, case.weights[mode], *case.masks, rule=ClipRule(mode=mode))
    )


@settings(deadline=None, max_examples=40)
@given(cases, st.sampled_from(["weights", "count"]))
def test_factored_is_pairwise_with_the_product_of_its_weights(case, divide):
    u, v = case.weights["factored"]
    product = torch.einsum("qa,gb->qgab", u, v)
    one = clip_distance(case.query, case.gallery, [u, v], *case.masks, rule=ClipRule(divide=divide))
    other = clip_distance(
        case.query, case.gallery, [product], *case.masks, rule=ClipRule(mode="pairwise", divide=divide)
    )
    torch.testing.assert_close(one, other)


# what does not fit


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"query": torch.zeros(4, 6)}, "clip_distance: query must be [Q, C, E], got [4, 6]"),
        ({"gallery": torch.zeros(3, 2, 5)}, "clip_distance: gallery must be [G, K, E] with E = 6, got [3, 2, 5]"),
        ({"query": torch.zeros(4, 3, 6, dtype=torch.int32)},
         "clip_distance: query must be float16 or bfloat16 or float32 or float64, got int32"),
        ({"gallery": torch.zeros(3, 2, 6, dtype=torch.bfloat16)},
         "clip_distance: gallery must be float32 as the first argument, got bfloat16"),
        ({"query_valid": torch.ones(3, 5, dtype=torch.bool)},
         "clip_distance: query_valid must be [Q, C] = [4, 3], got [3, 5]"),
        ({"gallery_valid": torch.ones(3, 2)}, "clip_distance: gallery_valid must be bool, got float32"),
        ({"rule": ClipRule(mode="topmost")},
         "clip_distance: mode must be one of factored, top, pairwise, learned, got 'topmost'"),
        ({"rule": ClipRule(mode="top", top=0.0)}, "clip_distance: top must be above 0 and at most 1, got 0.0"),
        ({"rule": ClipRule(mode="top", metric="cosine")},
         "clip_distance: metric must be dot where mode is top, got 'cosine'"),
        ({"rule": ClipRule(mode="top", divide="count")},
         "clip_distance: divide must be weights where mode is top, got 'count'"),
        ({"rule": ClipRule(mode="pairwise")}, "clip_distance: weights must be 1 tensors, mode pairwise; got 0"),
        ({"weights": [torch.ones(4, 3)]}, "clip_distance: weights must be 0 or 2 tensors, mode factored; got 1"),
        ({"weights": [torch.ones(4, 2), torch.ones(3, 2)]},
         "clip_distance: weights[0] must be [Q, C] = [4, 3], got [4, 2]"),
        ({"rule": ClipRule(mode="pairwise"), "weights": [torch.ones(4, 3, 2, 3)]},
         "clip_distance: weights[0] must be [Q, G, C, K] = [4, 3, 3, 2], got [4, 3, 2, 3]"),
        ({"rule": ClipRule(mode="learned"), "weights": [torch.ones(n) for n in ((5, 6), 5, (4, 5), 4, (1, 3), 1)]},
         "clip_distance: weights[4] must be [1, J] = [1, 4], got [1, 3]"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_named(change, message):
    arguments = {"query": torch.zeros(4, 3, 6), "gallery": torch.zeros(3, 2, 6)} | change
    with pytest.raises(ValueError, match=r"^clip_distance") as told:
        clip_distance(**arguments)
    assert str(told.value) == message


def test_labels_must_be_one_number_a_tracklet():
    for pids, got in ((torch.zeros(3, dtype=torch.long), "[N] = [4], got [3]"), (torch.zeros(4), "int64, got float32")):
        with pytest.raises(ValueError, match="clip_batch_hard: pids must be") as told:
            clip_batch_hard(torch.zeros(4, 3, 6), pids)
        assert str(told.value).endswith(got)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(("C", "K"), [(0, 2), (3, 0), (0, 0)])
def test_without_clips_on_a_side_the_gradient_is_zero(mode, C, K):
    query, gallery, one = (torch.ones(N, n, 6, requires_grad=True) for N, n in ((4, C), (3, K), (4, min(C, K))))
    weights = {
        "factored": [(4, C), (3, K)],
        "top": [],
        "pairwise": [(4, 3, C, K)],
        "learned": [(5, 6), (5,), (4, 5), (4,), (1, 4), (1,)],
    }
    given = [torch.ones(shape, requires_grad=True) for shape in weights[mode]]
    distance = clip_distance(query, gallery, given, rule=ClipRule(mode=mode))
    assert (distance == 1).all()
    distance.sum().backward()
    for tensor in (query, gallery, *given):
        assert tensor.grad.shape == tensor.shape
        assert not tensor.grad.any()
    shapes = {**weights, "factored": [(4, 0)], "pairwise": [(4, 4, 0, 0)]}
    given = [torch.ones(shape, requires_grad=True) for shape in shapes[mode]]
    hardest = clip_batch_hard(one, torch.tensor([1, 1, 2, 2]), given, rule=ClipRule(mode=mode))
    (hardest[0] + hardest[1]).sum().backward()
    assert all(tensor.grad.shape == tensor.shape and not tensor.grad.any() for tensor in (one, *given))
