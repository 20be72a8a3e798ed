"""Online instance matching against tables worked by hand."""

import math
from pathlib import Path

import pytest
import torch
from loss_cases import batch_of, randn
from torch.nn import functional as F

from vreid_bench.records.weights import load_state
from vreid_plugins.losses.oim import Oim


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
    expected = F.normalize(0.5 * half + 0.5 * unit(180), dim=1)
    torch.testing.assert_close(loss.table, torch.cat([expected, unit(45), unit(180)]))


def test_oim_remembers_directions_and_momentum_is_the_share_of_the_old_one():
    loss = oim(1, 2, table=unit(0), momentum=0.75, queue_size=1)
    loss.train()(batch_of(torch.cat([4 * unit(90), 7 * unit(30)]), [0, -1]))
    expected = torch.tensor([[3.0, 1.0]], dtype=torch.float64) / math.sqrt(10)
    torch.testing.assert_close(loss.table, expected)
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
    load_state(fresh, loss.state_dict(), Path("checkpoint"))  # as a resumed run does
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
    expected = 0.0
    for v, pid in zip(x, pids.tolist(), strict=True):
        logits = {row: float(table[row] @ v) / 0.1 for row in rows}
        expected += math.log(sum(map(math.exp, logits.values()))) - logits[pid]
    assert value == pytest.approx(expected / 2)


def test_oim_gradient_reaches_the_features_alone():
    loss = oim(4, 3, table=F.normalize(randn(4, 3, seed=10), dim=1), temperature=0.5).train()
    assert not list(loss.parameters())
    x = randn(5, 3, seed=11).requires_grad_()
    loss(batch_of(x, [0, 1, 1, 3, -1])).backward()  # the update after the loss must not disturb it
    assert x.grad[:4].abs().amin() > 0
    assert x.grad[4].abs().sum() == 0
    assert not loss.table.requires_grad
    assert torch.autograd.gradcheck(lambda y: loss.eval()(batch_of(y, [0, 1, 1, 3, -1])), x)
