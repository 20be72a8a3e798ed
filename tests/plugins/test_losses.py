"""The in-tree losses against slow definitions in float64 and tables worked by hand."""

import math
from pathlib import Path

import pytest
import torch
from torch.nn import functional as F

from vreid_bench import Batch, Clips, InputError
from vreid_bench.training.checkpoint import load
from vreid_plugins.losses.cross_entropy import CrossEntropy
from vreid_plugins.losses.oim import Oim
from vreid_plugins.losses.triplet import Triplet
from vreid_plugins.matchers.mean import Mean


def batch_of(vectors, pids, metric="euclidean", extra=None):
    vectors = torch.as_tensor(vectors, dtype=torch.float64)
    clips = Clips.single(vectors)
    if extra is not None:
        clips = Clips(clips.embedding, clips.importance, clips.valid, {"before": extra[:, None]})
    pids = torch.as_tensor(pids)
    return Batch(clips, pids, torch.zeros_like(pids), Mean(vectors.shape[1], metric=metric))


def randn(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


# cross-entropy


@pytest.mark.parametrize("smoothing", [0.0, 0.1, 0.5])
def test_cross_entropy_is_its_formula(smoothing):
    loss = CrossEntropy({"embedding": 3}, 5, smoothing=smoothing).double()
    torch.nn.init.normal_(loss.classifier.weight, generator=torch.Generator().manual_seed(1))
    x, pids = randn(4, 3, seed=2), [0, 4, 4, 2]
    wanted = 0.0
    for row, pid in zip(x, pids, strict=True):
        logits = (loss.classifier.weight.detach() @ row).tolist()
        total = math.log(sum(math.exp(value) for value in logits))
        for identity, value in enumerate(logits):
            target = smoothing / 5 + (1 - smoothing) * (identity == pid)
            wanted -= target * (value - total) / 4
    assert loss(batch_of(x, pids)).item() == pytest.approx(wanted, abs=1e-12)


def test_cross_entropy_starts_undecided():
    torch.manual_seed(0)
    loss = CrossEntropy({"embedding": 64}, 80).double()
    for scale in (1, 10):
        assert loss(batch_of(scale * randn(32, 64), [0] * 32)).item() == pytest.approx(math.log(80), abs=0.02)


def test_cross_entropy_classifies_the_feature_it_is_told_to():
    before = randn(3, 7, seed=3)
    loss = CrossEntropy({"embedding": 2, "before": 7}, 4, on="before").double()
    wanted = F.cross_entropy(loss.classifier(before), torch.tensor([0, 1, 3]))
    torch.testing.assert_close(loss(batch_of(randn(3, 2), [0, 1, 3], extra=before)), wanted)


# triplet


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
    wanted = naive_triplet(x, PIDS, margin, METRICS[metric])
    loss = Triplet({"embedding": 4}, 4, margin=margin, metric=metric)(batch_of(x, PIDS))
    torch.testing.assert_close(loss, wanted)
    torch.testing.assert_close(torch.autograd.grad(loss, x)[0], torch.autograd.grad(wanted, x)[0])


def test_triplet_asks_the_matcher_unless_told_otherwise():
    x = randn(8, 4, seed=5)
    by_matcher = Triplet({"embedding": 4}, 4)
    for metric in METRICS:
        named = Triplet({"embedding": 4}, 4, metric=metric)
        torch.testing.assert_close(by_matcher(batch_of(x, PIDS, metric)), named(batch_of(x, PIDS, "euclidean")))


def test_triplet_on_another_feature():
    before = randn(8, 6, seed=6)
    loss = Triplet({"embedding": 4, "before": 6}, 4, metric="euclidean", on="before")
    wanted = naive_triplet(before, PIDS, 0.3, METRICS["euclidean"])
    torch.testing.assert_close(loss(batch_of(randn(8, 4), PIDS, extra=before)), wanted)


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


# online instance matching


def oim(identities, dim, table=None, queue=None, **options):
    loss = Oim({"embedding": dim}, identities, **options).double()
    if table is not None:
        loss.table.copy_(torch.as_tensor(table))
    if queue is not None:
        loss.queue = torch.zeros(loss.queue_size, dim, dtype=torch.float64)
        loss.queue[: len(queue)] = torch.as_tensor(queue, dtype=torch.float64)
        loss.queued.fill_(len(queue))
    return loss


def unit(*angles):
    """Vectors on the circle, by degrees."""
    turned = [[math.cos(math.radians(a)), math.sin(math.radians(a))] for a in angles]
    return torch.tensor(turned, dtype=torch.float64).reshape(-1, 2)


def test_oim_against_a_table_worked_by_hand():
    loss = oim(3, 2, table=unit(0, 60, 180), temperature=0.5, queue_size=4).eval()
    # v at 0 and at 60 degrees; cosines to the table (1, 1/2, -1) and (1/2, 1, -1/2); the lengths do not count
    x = unit(0, 60) * torch.tensor([[3.0], [0.1]])
    first = -2 + math.log(math.exp(2) + math.exp(1) + math.exp(-2))
    second = -2 + math.log(math.exp(1) + math.exp(2) + math.exp(-1))
    assert loss(batch_of(x, [0, 1])).item() == pytest.approx((first + second) / 2)


def test_oim_counts_the_filled_part_of_its_queue_only():
    x = unit(0)
    plain = oim(2, 2, table=unit(0, 90), queue_size=5).eval()(batch_of(x, [0])).item()
    empty = oim(2, 2, table=unit(0, 90), queue=unit(), queue_size=5).eval()(batch_of(x, [0])).item()
    filled = oim(2, 2, table=unit(0, 90), queue=unit(90, 180), queue_size=5).eval()(batch_of(x, [0])).item()
    assert plain == empty == pytest.approx(math.log1p(math.exp(-10)))
    assert filled == pytest.approx(math.log1p(2 * math.exp(-10) + math.exp(-20)))


def test_oim_leaves_identities_out_that_it_has_not_met():
    loss = oim(4, 2, table=[*unit(0, 90).tolist(), [0.0, 0.0], [0.0, 0.0]]).eval()
    assert loss(batch_of(unit(0), [0])).item() == pytest.approx(math.log1p(math.exp(-10)))
    # the second tracklet's identity has no row yet: it gives no loss
    assert loss(batch_of(unit(0, 45), [0, 3])).item() == pytest.approx(math.log1p(math.exp(-10)))
    assert loss(batch_of(unit(45), [3])).item() == 0


def test_oim_update_mixes_in_the_order_of_the_batch_and_renormalises():
    loss = oim(3, 2, table=unit(0, 90, 180), momentum=0.5)
    loss.train()(batch_of(unit(90, 0, 180), [0, 1, 0]))
    half = unit(45)  # 0 and 90 degrees in equal parts
    wanted = F.normalize(0.5 * half + 0.5 * unit(180), dim=1)
    torch.testing.assert_close(loss.table, torch.cat([wanted, unit(45), unit(180)]))


def test_oim_remembers_directions_and_momentum_is_the_share_of_the_old_one():
    loss = oim(1, 2, table=unit(0), momentum=0.75, queue_size=1)
    loss.train()(batch_of(torch.cat([4 * unit(90), 7 * unit(30)]), [0, -1]))
    wanted = torch.tensor([[3.0, 1.0]], dtype=torch.float64) / math.sqrt(10)
    torch.testing.assert_close(loss.table, wanted)
    torch.testing.assert_close(loss.queue, unit(30))


def test_oim_first_tracklet_fills_the_row_whatever_the_momentum():
    loss = oim(2, 2, momentum=0.9)
    value = loss.train()(batch_of(5 * unit(30), [1]))
    assert value.item() == 0
    torch.testing.assert_close(loss.table, torch.cat([torch.zeros(1, 2, dtype=torch.float64), unit(30)]))


def test_oim_learns_nothing_by_heart_in_evaluation():
    loss = oim(2, 2, table=unit(0, 90), queue=unit(180), queue_size=3).eval()
    before = {name: value.clone() for name, value in loss.state_dict().items()}
    loss(batch_of(unit(10, 20, 30), [0, 1, -1]))
    for name, value in loss.state_dict().items():
        assert torch.equal(value, before[name]), name


def test_oim_queue_wraps_and_forgets_the_oldest():
    loss = oim(1, 2, table=unit(0), queue_size=3).train()
    loss(batch_of(unit(10, 0, 20), [-1, 0, -1]))
    torch.testing.assert_close(loss.queue[:2], unit(10, 20))
    loss(batch_of(unit(30, 40), [-1, -1]))
    torch.testing.assert_close(loss.queue, unit(40, 20, 30))
    assert loss.queued == 4
    loss(batch_of(unit(50, 60, 70, 80, 90), [-1] * 5))  # more than there are places: the last three stay
    torch.testing.assert_close(loss.queue, unit(70, 80, 90))
    loss(batch_of(unit(100), [-1]))
    torch.testing.assert_close(loss.queue, unit(100, 80, 90))


def test_oim_without_a_queue_ignores_strangers():
    loss = oim(1, 2, table=unit(0), queue_size=0).train()
    value = loss(batch_of(unit(30, 40), [-1, -1]))
    assert value.item() == 0
    assert loss.queue.shape == (0, 2)


def test_oim_takes_no_memory_for_a_queue_that_nothing_enters():
    loss = oim(2, 2, table=unit(0, 90), queue_size=5000).train()
    loss(batch_of(unit(10, 20), [0, 1]))
    assert loss.state_dict()["queue"].shape == (0, 2)


@pytest.mark.parametrize("strangers", [0, 2])
def test_oim_state_survives_a_checkpoint(strangers):
    loss = oim(2, 2, table=unit(0, 90), queue_size=3).train()
    loss(batch_of(unit(10, 50, 70), [0, *[-1] * strangers, *[1] * (2 - strangers)]))
    fresh = oim(2, 2, queue=unit(5), queue_size=3) if not strangers else oim(2, 2, queue_size=3)
    load(fresh, loss.state_dict(), Path("checkpoint"))  # as a resumed run does
    for each in (loss, fresh):
        each.train()(batch_of(unit(80, 33), [1, -1]))
    for name, value in loss.state_dict().items():
        torch.testing.assert_close(fresh.state_dict()[name], value)


@pytest.mark.parametrize("subsample", [1, 3, 5])
def test_oim_subsample_keeps_the_true_identities(subsample):
    """Rows drawn: the batch's two identities always, others up to the number asked for."""
    table, queue = unit(0, 40, 80, 120, 160), unit(200, 240)
    loss = oim(5, 2, table=table, queue=queue, queue_size=2, subsample=subsample).eval()
    entering = set()
    for seed in range(30):
        torch.manual_seed(seed)
        rows = loss._entering(torch.tensor([3, 1, 3]))
        assert rows[1]
        assert rows[3]
        assert int(rows.sum()) == max(subsample, 2)
        entering.add(tuple(rows.nonzero()[:, 0].tolist()))
    assert len(entering) == {1: 1, 3: 5, 5: 10}[subsample]  # 5 over 0, 1 or 3: every choice comes up


def test_oim_subsampled_loss_is_that_of_the_rows_drawn():
    table = unit(0, 40, 80, 120, 160)
    loss = oim(5, 2, table=table, subsample=3).eval()
    x, pids = unit(30, 100), torch.tensor([3, 1])
    torch.manual_seed(9)
    rows = loss._entering(pids).nonzero()[:, 0].tolist()
    torch.manual_seed(9)
    value = loss(batch_of(x, pids)).item()
    wanted = 0.0
    for v, pid in zip(x, pids.tolist(), strict=True):
        logits = {row: float(table[row] @ v) / 0.1 for row in rows}
        wanted += math.log(sum(map(math.exp, logits.values()))) - logits[pid]
    assert value == pytest.approx(wanted / 2)


def test_oim_gradient_reaches_the_features_alone():
    loss = oim(4, 3, table=F.normalize(randn(4, 3, seed=10), dim=1), temperature=0.5).train()
    assert not list(loss.parameters())
    x = randn(5, 3, seed=11).requires_grad_()
    loss(batch_of(x, [0, 1, 1, 3, -1])).backward()  # the update after the loss must not disturb it
    assert x.grad[:4].abs().amin() > 0
    assert x.grad[4].abs().sum() == 0
    assert not loss.table.requires_grad
    assert torch.autograd.gradcheck(lambda y: loss.eval()(batch_of(y, [0, 1, 1, 3, -1])), x)


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: CrossEntropy({"embedding": 2}, 3, smoothing=1.0), "smoothing must be at least 0 and below 1"),
        (lambda: CrossEntropy({"embedding": 2}, 3, on="before"), "on must be one of embedding"),
        (lambda: Triplet({"embedding": 2}, 3, margin="hard"), 'margin must be a number or "soft"'),
        (lambda: Triplet({"embedding": 2}, 3, metric="manhattan"), "metric must be euclidean"),
        (lambda: Triplet({"embedding": 2}, 3, on="before"), "on must be one of embedding"),
        (lambda: Triplet({"embedding": 2, "clips": 2}, 3, on="clips"), "needs a metric"),
        (lambda: Oim({"embedding": 2}, 3, temperature=0.0), "temperature > 0"),
    ],
)
def test_losses_refuse_options_that_cannot_be_meant(build, message):
    with pytest.raises(InputError, match=message):
        build()


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
