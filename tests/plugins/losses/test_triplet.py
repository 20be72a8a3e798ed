"""The batch-hard triplet loss against a slow loop."""

import pytest
import torch
from loss_cases import batch_of, randn
from torch.nn import functional as F

from vreid_plugins.losses.triplet import Triplet


def naive_triplet(x, pids, margin, distance):
    """Every triplet by itself: for each anchor the worst positive and the worst negative."""
    losses = []
    for a in range(len(x)):
        positives = [distance(x[a], x[p]) for p in range(len(x)) if pids[p] == pids[a] and p != a]
        negatives = [distance(x[a], x[n]) for n in range(len(x)) if pids[n] != pids[a]]
        if positives and negatives:
            gap = max(positives) - min(negatives)
            losses.append(torch.log1p(gap.exp()) if margin == "soft" else (margin + gap).clamp_min(0))
    return torch.stack(losses).mean()


METRICS = {
    "euclidean": lambda a, b: (a - b).square().sum().sqrt(),
    "sqeuclidean": lambda a, b: (a - b).square().sum(),
    "cosine": lambda a, b: 1 - F.cosine_similarity(a, b, dim=0),
}
PIDS = [0, 0, 1, 1, 1, 2, 3, 3]  # 2 has no positive


@pytest.mark.parametrize("margin", [0.3, 2.0, "soft"])
@pytest.mark.parametrize("metric", METRICS)
def test_triplet_is_the_naive_loop(metric, margin):
    x = randn(8, 4, seed=4).requires_grad_()
    expected = naive_triplet(x, PIDS, margin, METRICS[metric])
    loss = Triplet({"embedding": 4}, 4, margin=margin, metric=metric)(batch_of(x, PIDS))
    torch.testing.assert_close(loss, expected)
    torch.testing.assert_close(torch.autograd.grad(loss, x)[0], torch.autograd.grad(expected, x)[0])


def test_triplet_asks_the_matcher_unless_told_otherwise():
    x = randn(8, 4, seed=5)
    by_matcher = Triplet({"embedding": 4}, 4)
    for metric in METRICS:
        named = Triplet({"embedding": 4}, 4, metric=metric)
        torch.testing.assert_close(by_matcher(batch_of(x, PIDS, metric)), named(batch_of(x, PIDS, "euclidean")))


def test_triplet_on_another_feature():
    before = randn(8, 6, seed=6)
    loss = Triplet({"embedding": 4, "before": 6}, 4, metric="euclidean", on="before")
    expected = naive_triplet(before, PIDS, 0.3, METRICS["euclidean"])
    torch.testing.assert_close(loss(batch_of(randn(8, 4), PIDS, extra=before)), expected)


@pytest.mark.parametrize("pids", [[0, 1, 2], [1, 1, 1]], ids=["no positives", "no negatives"])
@pytest.mark.parametrize("margin", [0.3, "soft"])
def test_triplet_without_any_triplet_is_zero_and_finite(pids, margin):
    x = randn(3, 4, seed=7).requires_grad_()
    loss = Triplet({"embedding": 4}, 3, margin=margin)(batch_of(x, pids))
    assert loss.item() == 0
    assert torch.autograd.grad(loss, x)[0].abs().sum() == 0


@pytest.mark.parametrize("metric", METRICS)
def test_triplet_gradient_in_double_precision(metric):
    loss = Triplet({"embedding": 4}, 4, margin="soft", metric=metric)
    assert torch.autograd.gradcheck(lambda x: loss(batch_of(x, PIDS)), randn(8, 4, seed=8).requires_grad_())


def test_triplet_of_equal_vectors_has_a_finite_gradient():
    x = torch.ones(4, 3, dtype=torch.float64, requires_grad=True)
    loss = Triplet({"embedding": 3}, 2)(batch_of(x, [0, 0, 1, 1]))
    assert loss.item() == pytest.approx(0.3)
    assert torch.autograd.grad(loss, x)[0].isfinite().all()
