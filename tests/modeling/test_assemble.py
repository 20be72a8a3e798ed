"""Assembling a method: the checks leave every number as it would be without them."""

import random
from dataclasses import replace
from functools import reduce
from typing import ClassVar

import numpy as np
import pytest
import torch
from method_checks import without_checks
from small_training import Mean
from torch import nn
from wrong_parts import METHOD, STAGE, WRONG, Net, Pool, assemble_with, good, plugin

from vreid_bench import ClipFeatures, Clipping, InputError
from vreid_bench.modeling.model import assemble
from vreid_bench.modeling.probe import begin_stream
from vreid_bench.registry.registry import Registry

IDENTITIES = 7
# Each has another kind of state: batch statistics, a table, words placed by k-means, a learned matcher, an RNN.
STATEFUL = ("personvlad", "clip-learned", "ica-bn-neck", "lstm", "tacan", "personvlad-xqda", "c3d-baseline")


@pytest.fixture(scope="module")
def registry():
    return Registry.installed()


def streams():
    """The next number of each global random stream."""
    return torch.rand(1).item(), np.random.rand(), random.random()


def seed():
    torch.manual_seed(0)
    np.random.seed(0)
    random.seed(0)


def build(place, factory, *given):
    begin_stream(0, place)
    return factory(*given)


def states(parts):
    return {**parts.model.state_dict(prefix="model."), **parts.losses.state_dict(prefix="loss.")}


@pytest.mark.slow
@pytest.mark.parametrize("name", STATEFUL)
def test_checks_change_neither_a_state_nor_a_random_stream(registry, name):
    """Against the same parts built by hand, each from its own stream, and never called."""
    method = registry.resolve_method(registry.get("methods", name)("small"))
    factories = registry.factories(method)
    seed()
    found = assemble(method, factories, IDENTITIES)
    drawn = streams()
    seed()
    dims = found.model.dims
    expected = {
        "model.encoder": build("encoder", factories.encoder),
        "model.aggregator": build("aggregator", factories.aggregator, found.model.map_shape[1:]),
        "model.matcher": build("matcher", factories.matcher, dims["clips"]),
        **{f"loss.{n}": build(f"loss.{n}", factory, dims, IDENTITIES) for n, factory in factories.losses.items()},
    }
    assert streams() == drawn
    expected = {f"{at}.{n}": value for at, built in expected.items() for n, value in built.state_dict().items()}
    state = states(found)
    assert state.keys() == expected.keys()
    assert all(torch.equal(state[n], expected[n]) for n in state)


def test_checks_leave_no_gradient_and_no_mode_behind(registry):
    method = registry.resolve_method(registry.get("methods", "personvlad")("small"))
    parts = assemble(method, registry.factories(method), IDENTITIES)
    assert all(p.grad is None and p.requires_grad for p in (*parts.model.parameters(), *parts.losses.parameters()))
    assert not parts.model.training
    assert parts.losses.training


class Counts(nn.Module):
    """A loss that counts its calls outside its state, in a list that all copies would share if they were shallow."""

    def __init__(self, dims, identities):
        super().__init__()
        self.linear = nn.Linear(dims["embedding"], identities)
        self.calls = []

    def forward(self, batch):
        self.calls.append(1)
        return nn.functional.cross_entropy(self.linear(batch.embedding), batch.pids)


def test_a_loss_is_tried_as_a_copy():
    assert assemble_with("loss", Counts).losses["loss"].calls == []


def test_a_part_that_cannot_be_copied_is_built_again():
    class Uncopied(Counts):
        def __deepcopy__(self, memo):
            raise TypeError("cannot pickle a lock")

    assert assemble_with("loss", Uncopied).losses["loss"].calls == []


@pytest.mark.slow
def test_every_method_passes_at_preset_small(registry):
    for entry in registry.entries("methods"):
        method = registry.resolve_method(entry.value("small"))
        assert assemble(method, registry.factories(method), IDENTITIES).stages, entry.name


@pytest.mark.parametrize("identities", [1, 2])
def test_a_training_of_few_people_is_assembled(identities):
    registry = Registry([good()])
    assert assemble(METHOD, registry.factories(METHOD), identities)


def test_without_checks_the_same_method_has_the_same_size(registry):
    method = registry.resolve_method(registry.get("methods", "ica")("small"))
    checked = assemble(method, registry.factories(method), IDENTITIES)
    with without_checks():
        plain = assemble(method, registry.factories(method), IDENTITIES)
    assert (checked.model.dims, checked.model.multiply_adds) == (plain.model.dims, plain.model.multiply_adds)


def test_the_sampler_of_whole_tracklets_is_assembled():
    whole = replace(METHOD, test=Clipping("all", 0), stages=(replace(STAGE, clipping=Clipping("all", 0)),))
    registry = Registry([good()])
    assert assemble(whole, registry.factories(whole), 3).model.map_shape[0] == 4


class Calls(Net):
    """How many frames each call had."""

    frames: ClassVar = []

    def forward(self, clips):
        Calls.frames.append(clips.shape[0] * clips.shape[1])
        return super().forward(clips)


def test_a_good_encoder_sees_three_clips_and_two_frames():
    Calls.frames.clear()
    assemble_with("encoder", Calls)
    T = METHOD.test.T
    assert Calls.frames == [2 * T, T, 1, 1]


def test_a_part_that_amplifies_rounding_is_not_taken_for_one_that_depends_on_its_neighbours():
    """In single precision a row beside another differs by rounding, which this encoder turns into whole numbers."""

    class Chaotic(Net):
        def forward(self, clips):
            alone = len(clips) == 1 and clips.dtype == torch.float32
            return super().forward(clips) * (1.001 if alone else 1)

    assert assemble_with("encoder", Chaotic)


def shake(rows, few):
    """The rounding of the sum of each row [N, M], made large; the order of the sum depends on the batch."""
    total = reduce(torch.add, (rows.flip(1) if few else rows).unbind(1))
    return 100 * (total - rows.double().sum(1).to(rows.dtype))


class Shaky(Net):
    def forward(self, clips):
        return super().forward(clips) + shake(clips.flatten(1)[:, :300], len(clips) == 1)[:, None, None, None, None]


class ShakyMean(Mean):
    def distance(self, query, gallery):
        rows = query.mean().repeat(1, 50)
        return super().distance(query, gallery) + shake(rows, len(rows) == 1)[:, None]


def cast(kind):
    """The same part, which goes back to single precision whatever it is given."""

    class Wrong(kind):
        def double(self):
            return self

        def forward(self, clips):
            return super().forward(clips.float())

        def represent(self, clips):
            return super().represent(clips.with_embedding(clips.embedding.float()))

    return Wrong


def refuse(kind):
    """The same part, which fails in double precision."""

    class Wrong(kind):
        def double(self):
            raise TypeError("float expected")

    return Wrong


def centre(kind):
    """The same part, with a part of the output that depends on the batch."""

    class Wrong(kind):
        def forward(self, clips):
            return super().forward(clips) + 99 * clips.mean((0, 1, 2, 3, 4))

        def distance(self, query, gallery):
            return super().distance(query, gallery) + 99 * query.mean().mean()

    return Wrong


@pytest.mark.parametrize("part", [("encoder", Shaky), ("matcher", ShakyMean)], ids=["encoder", "matcher"])
@pytest.mark.parametrize("limit", [lambda kind: kind, cast, refuse], ids=["any precision", "casts", "refuses double"])
def test_rounding_that_grows_is_told_from_the_neighbours_in_any_precision(part, limit):
    kind, sound = part
    assert assemble_with(kind, limit(sound))
    with pytest.raises(InputError, match=r"if it stands beside another clip|if other tracklets stand in the batch"):
        assemble_with(kind, limit(centre(sound)))


class Quadruplet(nn.Module):
    """Compares three people; a batch of two gives it nothing."""

    def __init__(self, dims, identities):
        super().__init__()

    def forward(self, batch):
        people = len(batch.pids.unique())
        assert people != 2, "needs three people"
        return batch.distance.sum() / people


def test_a_loss_that_needs_more_than_two_people_is_tried_on_more():
    assert assemble_with("loss", Quadruplet, replace(STAGE, P=4))
    with pytest.raises(InputError, match=r"loss 'wrong' of vreid-wrong failed .*needs three people"):
        assemble_with("loss", Quadruplet)


class Indexed(Pool):
    """Also says which frame was the brightest and how bright it was: a whole number and one number of each clip."""

    def forward(self, maps):
        best = maps.mean((2, 3, 4)).max(1)
        return ClipFeatures(super().forward(maps), extra={"brightest": best.indices, "level": best.values})


class Reads(Counts):
    def forward(self, batch):
        assert batch.clips.extra["brightest"].dtype == torch.int64
        assert batch.clips.extra["level"].shape == batch.clips.valid.shape
        return super().forward(batch)


def test_an_extra_may_hold_one_whole_number_of_each_clip():
    values = {"encoders": {"net": Net}, "matchers": {"mean": Mean}}
    mine = plugin("mine", WRONG, **values, aggregators={"pool": Indexed}, losses={"classify": Reads})
    assert assemble(METHOD, Registry([mine]).factories(METHOD), 5)
