"""Cross-entropy against its formula."""

import math

import pytest
import torch
from loss_cases import batch_of, randn
from torch.nn import functional as F

from vreid_plugins.losses.cross_entropy import CrossEntropy


@pytest.mark.parametrize("smoothing", [0.0, 0.1, 0.5])
def test_cross_entropy_is_its_formula(smoothing):
    loss = CrossEntropy({"embedding": 3}, 5, smoothing=smoothing).double()
    torch.nn.init.normal_(loss.classifier.weight, generator=torch.Generator().manual_seed(1))
    x, pids = randn(4, 3, seed=2), [0, 4, 4, 2]
    expected = 0.0
    for row, pid in zip(x, pids, strict=True):
        logits = (loss.classifier.weight.detach() @ row).tolist()
        total = math.log(sum(math.exp(value) for value in logits))
        for identity, value in enumerate(logits):
            target = smoothing / 5 + (1 - smoothing) * (identity == pid)
            expected -= target * (value - total) / 4
    assert loss(batch_of(x, pids)).item() == pytest.approx(expected, abs=1e-12)


def test_cross_entropy_starts_undecided():
    torch.manual_seed(0)
    loss = CrossEntropy({"embedding": 64}, 80).double()
    for scale in (1, 10):
        assert loss(batch_of(scale * randn(32, 64), [0] * 32)).item() == pytest.approx(math.log(80), abs=0.02)


def test_cross_entropy_classifies_the_feature_it_is_told_to():
    before = randn(3, 7, seed=3)
    loss = CrossEntropy({"embedding": 2, "before": 7}, 4, on="before").double()
    expected = F.cross_entropy(loss.classifier(before), torch.tensor([0, 1, 3]))
    torch.testing.assert_close(loss(batch_of(randn(3, 2), [0, 1, 3], extra=before)), expected)


def test_a_neck_lets_the_classifier_see_what_lies_close_together():
    """Features that differ by a thousandth of their size: normalised over the batch, they are as far apart as any."""
    x = (100 + 0.1 * torch.randn(8, 4, generator=torch.Generator().manual_seed(0))).double()
    pids = torch.arange(8) % 2
    plain = CrossEntropy({"embedding": 4}, 2, neck=True).double().train()
    with torch.no_grad():
        plain.classifier.weight.normal_()
    standard = (x - x.mean(0)) / (x.var(0, correction=0) + 1e-5).sqrt()
    logits = standard @ plain.classifier.weight.T + plain.classifier.bias
    expected = torch.nn.functional.cross_entropy(logits, pids)
    torch.testing.assert_close(plain(batch_of(x, pids)), expected, rtol=1e-6, atol=1e-8)
