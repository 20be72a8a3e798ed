"""Parts built without data: what is found of them is what `assemble` finds, and what they refuse is told."""

import numpy as np
import pytest
import torch
from torch import nn
from wrong_parts import HOOKS, METHOD, WRONG, Net, Pool, good, method_with, plugin

from vreid_bench import ClipFeatures, InputError, part
from vreid_bench.modeling.model import assemble
from vreid_bench.modeling.sizes import size_parts
from vreid_bench.registry.registry import Registry


class Wide(Pool):
    """Features of 6 numbers, and an extra of 8."""

    def forward(self, maps):
        return ClipFeatures(super().forward(maps), extra={"raw": maps.mean((1, 3, 4))})


def size_with(kind, wrong, method=None):
    registry = Registry([good(), plugin("wrong", WRONG, **{HOOKS[kind]: {"wrong": wrong}})])
    method = method or method_with(kind)
    return size_parts(method, registry.factories(method))


def test_the_widths_are_those_of_the_assembled_model():
    method = method_with("aggregator")
    registry = Registry([good(), plugin("wrong", WRONG, aggregators={"wrong": Wide})])
    expected = assemble(method, registry.factories(method), 5).model.dims
    sizes = size_parts(method, registry.factories(method))
    assert sizes.dims == expected == {"raw": 8, "clips": 6, "embedding": 6}


def refuses(*_, **__):
    raise ValueError("depth 9 is unknown")


@pytest.mark.parametrize("kind", [kind for kind in HOOKS if kind != "method"])
def test_a_part_that_refuses_its_options_is_named(kind):
    with pytest.raises(InputError, match=rf"{kind} 'wrong' of {WRONG} failed \(ValueError: depth 9 is unknown\)"):
        size_with(kind, refuses)


def test_a_part_that_is_built_and_does_not_work_is_left_to_the_checks():
    class Broken(Net):
        def forward(self, clips):
            raise RuntimeError("not today")

    assert size_with("encoder", Broken) is None


class Grouped(nn.Module):
    """A loss for at least so many people, all in groups of equal size."""

    def __init__(self, dims, identities, least=3, most=20_000):
        super().__init__()
        if not least <= identities <= most:
            raise ValueError(f"needs {least} to {most} people")


@pytest.mark.parametrize(("options", "message"), [({"least": 5_000}, ""), ({"least": 30_000}, "needs 30000")])
def test_a_loss_is_refused_only_if_no_number_of_people_suits_it(options, message):
    method = METHOD.with_loss(part("wrong", **options))
    if message:
        with pytest.raises(InputError, match=message):
            size_with("loss", Grouped, method)
    else:
        assert size_with("loss", Grouped, method)


def test_no_random_stream_moves():
    class Drawing(Net):
        def __init__(self):
            super().__init__()
            np.random.rand()

    before = torch.random.get_rng_state(), np.random.get_state()[1].copy()
    size_with("encoder", Drawing)
    assert torch.equal(before[0], torch.random.get_rng_state())
    assert (before[1] == np.random.get_state()[1]).all()
