"""Training and embedding on several processes: the mathematics of one, and of a test its bits."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from small_training import RECIPE, STAGE, Recorder, small_registry, training
from together import together
from torch.nn import functional as F

from vreid_bench import Clipping, Optimizer, Schedule
from vreid_bench.contracts.recipe import Train
from vreid_bench.modeling.embed import FrameReader, embed
from vreid_bench.modeling.joint_batch import divide, gather, joint_statistics
from vreid_bench.modeling.model import assemble
from vreid_bench.registry.registry import Registry
from vreid_bench.system.errors import InputError
from vreid_bench.system.processes import decide, processes
from vreid_bench.training import stages
from vreid_bench.training.checkpoint import Checkpoints
from vreid_bench.training.stages import Training
from vreid_plugins.datasets.mars.reader import Mars

pytestmark = pytest.mark.slow

SIZES = {"mean-pooling": (32, 16), "personvlad": (48, 24), "clip-average": (32, 16)}


class Exact(FrameReader):
    """A reader whose frames are in double precision."""

    def tensor(self, clips):
        return super().tensor(clips).double()


def one_step(name, people, root, out):
    """The gradients and buffers after one step of a method's first stage of training on clips, in double precision."""
    registry = Registry.installed()
    method = registry.values("methods")[name]("small")
    stage = next(each for each in method.stages if isinstance(each, Train) and not each.cached)
    clipping = replace(stage.clipping, T=min(stage.clipping.T, 4), clips=min(stage.clipping.clips, 2))
    schedule, optimizer = Schedule("constant", 1e-3), Optimizer("SGD", {})
    stage = replace(stage, clipping=clipping, steps=1, P=people, K=2, schedule=schedule, optimizer=optimizer)
    method = replace(method, stages=(stage,), size=SIZES[name])
    split = Mars().read(root).splits[0]
    parts = assemble(method, registry.factories(method), len({t.pid for t in split.train if t.pid > 0}))
    parts.model.double()
    parts.losses.double()
    stages._float = lambda features: features
    reader = Exact(root, method.size, torch.device("cpu"), 1, quiet=True)
    this = Training(parts, split.train, reader, seed=0)
    for each in this.module.modules():
        if isinstance(each, torch.nn.Dropout):
            each.p = 0.0  # its masks are drawn for the clips of a process
    this.run(Checkpoints(out / "c"), Recorder())
    gradients = {key: p.grad.numpy() for key, p in this.module.named_parameters() if p.grad is not None}
    return gradients, {key: value.numpy() for key, value in this.module.named_buffers()}


@pytest.mark.parametrize(
    ("name", "people", "total"),
    [("mean-pooling", 3, 2), ("personvlad", 4, 2), ("clip-average", 5, 3)],
)
def test_a_step_has_the_gradients_of_one_process(tiny_mars, tmp_path, name, people, total):
    """Batch statistics in 2D and 3D networks, OIM's table, weighted clips; uneven shares of people."""
    expected = one_step_alone(name, people, tiny_mars, tmp_path)
    for found in together(total, one_step, name, people, tiny_mars, tmp_path / "several"):
        for before, after in zip(expected, found, strict=True):
            assert before.keys() == after.keys()
            for key, value in before.items():
                np.testing.assert_allclose(after[key], value, rtol=1e-9, atol=1e-11, err_msg=key)
    assert expected[0]


def one_step_alone(*arguments):
    """The same in a process of its own, which keeps what it changes."""
    (found,) = together(1, one_step, *arguments)
    return found


def test_local_statistics_would_give_others(tiny_mars, tmp_path, monkeypatch):
    """The test above can fail: without joint statistics, gradients of the encoder are far off."""
    from contextlib import nullcontext

    expected = one_step_alone("mean-pooling", 4, tiny_mars, tmp_path)[0]
    monkeypatch.setattr(stages, "joint_statistics", nullcontext)
    found = together(2, one_step, "mean-pooling", 4, tiny_mars, tmp_path / "several")[0][0]
    key = next(key for key in expected if key.endswith("conv1.weight"))
    assert np.abs(found[key] - expected[key]).max() > 0.05 * np.abs(expected[key]).max()


def normalise(shape, sizes, affine):
    """Output, gradients and running statistics of a normalisation of random numbers, of this process's rows."""
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(shape, generator=generator, dtype=torch.float64).requires_grad_()
    weight = torch.rand(shape[1], generator=generator, dtype=torch.float64).requires_grad_() if affine else None
    bias = torch.rand(shape[1], generator=generator, dtype=torch.float64).requires_grad_() if affine else None
    factor = torch.randn(shape, generator=generator, dtype=torch.float64)
    mean, var = torch.zeros(shape[1], dtype=torch.float64), torch.ones(shape[1], dtype=torch.float64)
    first = sum(sizes[: processes().rank])
    mine = slice(first, first + sizes[processes().rank])
    with joint_statistics():
        y = F.batch_norm(x[mine], mean, var, weight, bias, True, 0.3, 1e-5)
    (y.sin() * factor[mine]).sum().backward()
    parameters = [weight.grad, bias.grad] if affine else []
    return [each.detach().numpy() for each in (y, x.grad[mine], mean, var, *parameters)]


SHAPES = [(7, 3), (7, 3, 4, 2), (7, 3, 2, 4, 2)]


def normalise_each(sizes):
    return [normalise(shape, sizes, affine) for shape in SHAPES for affine in (True, False)]


def test_joint_statistics_are_those_of_all_rows():
    (expected,) = together(1, normalise_each, (7,))
    found = together(3, normalise_each, (4, 1, 2))
    for whole, *parts in zip(expected, *found, strict=True):
        for at in (0, 1):  # output and gradient of the rows
            np.testing.assert_allclose(np.concatenate([part[at] for part in parts]), whole[at], rtol=1e-10, atol=1e-12)
        for at in (2, 3):
            for part in parts:
                np.testing.assert_allclose(part[at], whole[at], rtol=1e-12)
        for at in range(4, len(whole)):  # each process has the part of its rows
            np.testing.assert_allclose(sum(part[at] for part in parts), whole[at], rtol=1e-10)


def exchange():
    """What a gather gives and where its gradient goes, and what the first process decides."""
    sizes = [2, 0, 3]
    shares = [slice(0, 2), slice(2, 2), slice(2, 5)]
    part = torch.full((sizes[processes().rank], 2), float(processes().rank)).requires_grad_()
    whole = gather(part, shares)
    (whole * torch.arange(10.0).view(5, 2)).sum().backward()
    return whole.detach().tolist(), part.grad.tolist(), decide(lambda: processes().rank)


def test_a_gather_returns_gradients_to_the_process_they_belong_to():
    found = together(3, exchange)
    for whole, _, decided in found:
        assert whole == [[0, 0], [0, 0], [2, 2], [2, 2], [2, 2]]
        assert decided == 0
    assert [gradient for _, gradient, _ in found] == [[[0, 1], [2, 3]], [], [[4, 5], [6, 7], [8, 9]]]


def test_identities_stay_together(monkeypatch):
    def cuts(total, *arguments):
        monkeypatch.setattr("vreid_bench.modeling.joint_batch.processes", lambda: processes()._replace(total=total))
        return [(share.start, share.stop) for share in divide(*arguments)]

    assert cuts(1, [2] * 6, 3, 2) == [(0, 12)]
    assert cuts(2, [2] * 6, 3, 2) == [(0, 4), (4, 12)]
    assert cuts(3, [1, 2, 3, 4, 5, 6], 3, 2) == [(0, 3), (3, 10), (10, 21)]
    assert cuts(3, [1, 1, 1, 1, 5, 7], 2, 2) == [(0, 2), (2, 4), (4, 16)]  # two unlabelled tracklets
    with pytest.raises(InputError, match="a step has 2 identities"):
        cuts(3, [1] * 4, 2, 2)


def embed_seven(root):
    """The features of seven test tracklets by random weights, in groups of one, of some, and of all."""
    this = training(small_registry(), Mars().read(root).splits[0], root)
    test, clipping = Mars().read(root).splits[0].test[:7], Clipping("dense", 3)
    stores = [embed(this.parts.model, test, clipping, this.reader, budget=budget) for budget in (6, 12, 512)]
    return [(store.embedding.numpy(), store.importance.numpy(), store.counts) for store in stores]


@pytest.mark.parametrize("total", [2, 3, 4])
def test_seven_tracklets_have_the_bits_of_one_process(tiny_mars, total):
    """Where there are fewer groups than processes, some have none."""
    (expected,) = together(1, embed_seven, tiny_mars)
    for found in together(total, embed_seven, tiny_mars):
        np.testing.assert_equal(found, expected)


def run_steps(root, folder, most):
    """Train a small method until it is done or `most` steps were logged; returns its state."""
    split = Mars().read(root).splits[0]
    method = replace(RECIPE, stages=(RECIPE.stages[0], replace(STAGE, steps=8)))
    this = training(small_registry(), split, root, method)
    stages.EVERY = 1
    try:
        this.run(Checkpoints(folder / "c", every=0.0), Recorder(most))
    except Exception as stopped:  # as a kill between two steps
        if type(stopped).__name__ != "Interrupted":
            raise
    return {name: value.numpy() for name, value in this.module.state_dict().items()}


def test_a_training_goes_on_with_another_number_of_processes(tiny_mars, tmp_path):
    """To the bit with the same number: a checkpoint is that of one process, whoever wrote it."""
    whole = together(2, run_steps, tiny_mars, tmp_path / "whole", 100)
    together(2, run_steps, tiny_mars, tmp_path / "same", 5)
    again = together(2, run_steps, tiny_mars, tmp_path / "same", 100)
    for state in (*whole, *again):
        for name, value in whole[0].items():
            np.testing.assert_array_equal(state[name], value, err_msg=name)
    together(2, run_steps, tiny_mars, tmp_path / "other", 5)
    other = together(3, run_steps, tiny_mars, tmp_path / "other", 100)
    assert all(np.isfinite(value).all() for value in other[0].values())
    assert other[0]["loss.ce.seen"] == whole[0]["loss.ce.seen"]
