"""A matrix: wrong part x what is said about it before anything trains. Every message names part and distribution."""

import warnings
from dataclasses import replace
from types import SimpleNamespace

import pytest
import torch
from small_training import Mean
from torch import nn
from torch.nn import functional as F
from wrong_parts import METHOD, STAGE, WRONG, Net, Pool, assemble_with, good, plugin

from vreid_bench import ClipFeatures, Clipping, Clips, InputError, Part, part
from vreid_bench.contracts.hookspecs import hookimpl
from vreid_bench.modeling.model import assemble
from vreid_bench.planning.buildable import check_buildable
from vreid_bench.planning.method import MethodRequest, choose_method
from vreid_bench.registry.plugins import Plugin
from vreid_bench.registry.registry import Registry


def encoder(forward):
    """An encoder that changes the maps of a good one: forward(maps, clips, encoder)."""

    class Wrong(Net):
        def forward(self, clips):
            return forward(super().forward(clips), clips, self)

    return Wrong


def aggregator(forward):
    """An aggregator that changes the embedding [B, E] of a good one: forward(embedding, maps)."""

    class Wrong(Pool):
        def forward(self, maps):
            return forward(super().forward(maps), maps)

    return Wrong


def matcher(represent=lambda clips: clips, distance=lambda d, query, gallery: d):
    """A matcher that changes the clips before, or the distances after a good one has them."""

    class Wrong(Mean):
        def represent(self, clips):
            return super().represent(represent(clips))

        def distance(self, query, gallery):
            return distance(super().distance(query, gallery), query, gallery)

    return Wrong


def loss(forward):
    """A loss by a linear layer: forward(self, batch)."""

    class Wrong(nn.Module):
        def __init__(self, dims, identities):
            super().__init__()
            self.dims = dims
            self.linear = nn.Linear(dims["embedding"], identities)

    Wrong.forward = forward
    return Wrong


def raises(*_, **__):
    raise ValueError("not today")


def raises_in_lines(*_):
    raise ValueError("not\n  today")


def needs_two_frames(maps, clips, self):
    return F.avg_pool3d(maps.transpose(1, 2), (2, 1, 1), 1).transpose(1, 2)


def padded_mean(clips):
    return Clips.single(clips.embedding.mean(1))


class Silent(Pool):
    """Its parameters have no part in the output."""

    def __init__(self, shape):
        super().__init__(shape)
        self.unused = self.linear
        del self.linear

    def forward(self, maps):
        return maps.mean((1, 3, 4))


class Unused(Mean):
    def __init__(self, dim):
        super().__init__(dim)
        self.scale = nn.Parameter(torch.ones(dim))


class Ragged(Mean):
    def represent(self, clips):
        return super().represent(clips.with_embedding(clips.embedding[clips.valid].view(clips.embedding.shape)))


def with_extra(value):
    return aggregator(lambda e, maps: ClipFeatures(e, extra={"part": value(e)}))


def importance(value):
    return aggregator(lambda e, maps: ClipFeatures(e, value(e)))


class Needs(nn.Module):
    def __init__(self, dims, identities):
        super().__init__()
        self.linear = nn.Linear(dims["clip"], identities)


def constant_maps(maps, clips, self):
    return torch.ones_like(maps) * self.conv.bias[:, None, None]


ENCODERS = {
    "none": (encoder(lambda maps, *_: None), "maps: expected .* got NoneType"),
    "no time": (encoder(lambda maps, *_: maps.mean(1)), r"maps: expected \[B, T', D, h, w\]"),
    "lost clip": (encoder(lambda maps, *_: maps[:1]), r"maps: expected .* got \[1, 3, 8, 15, 7\]"),
    "raises": (encoder(raises), r"failed \(ValueError: not today\)"),
    "not built": (raises, r"failed \(ValueError: not today\)"),
    "no module": (lambda: lambda clips: clips, "expected a torch.nn.Module, got function"),
    "unknown plane": (type("Wrong", (Net,), {"planes": ("depth",)}), "needs the plane 'depth'"),
    "plane with a near name": (type("Wrong", (Net,), {"planes": ("flows",)}), r"did you mean flow\? Set planes ="),
    "planes of the network alone": (
        lambda: type("Wrong", (Net,), {"planes": ("rgb", "flow")})(),
        "reads the planes rgb, flow, but its factory says rgb",
    ),
    "integers": (encoder(lambda maps, *_: (9 * maps).long()), "maps: expected floating-point numbers, got torch.int64"),
    "nan": (encoder(lambda maps, *_: maps / 0 * 0), "maps: expected finite numbers"),
    "neighbours": (
        encoder(lambda maps, *_: maps - maps.mean(0)),
        "a different output if it stands beside another clip",
    ),
    "batch statistics": (
        encoder(lambda maps, *_: F.batch_norm(maps.transpose(1, 2), None, None, training=True).transpose(1, 2)),
        "use no statistics of the batch unless self.training",
    ),
    "dropout": (encoder(lambda maps, *_: F.dropout(maps, 0.1)), "two different outputs for the same input"),
    "constant": (encoder(constant_maps), "the same maps for two different clips"),
    "one frame": (encoder(needs_two_frames), "for a clip of one frame"),
    "one frame, other size": (
        encoder(lambda maps, clips, _: maps[:, :, : 1 + clips.shape[1]]),
        "for a clip of one frame: maps: expected",
    ),
    "one frame, nan": (
        encoder(lambda maps, *_: maps + maps.std(1, keepdim=True)),
        "for a clip of one frame: maps: expected finite numbers",
    ),
    "planes as text": (type("Wrong", (Net,), {"planes": "rgb"}), "has the planes 'rgb', expected a tuple of names"),
    "no planes": (type("Wrong", (Net,), {"planes": None}), "has the planes None, expected a tuple of names"),
    "in place": (encoder(lambda maps, clips, _: maps + clips.mul_(0.5).mean()), "changes its input; expected"),
    "no gradient": (
        encoder(lambda maps, *_: maps.detach()),
        "no gradient reaches.*encoder.conv.weight, because its parameters are not used with a gradient",
    ),
    "rounded": (encoder(lambda maps, *_: maps.mul(99).round()), "no gradient reaches.*encoder.conv.weight"),
}

AGGREGATORS = {
    "none": (aggregator(lambda e, maps: None), "embedding: expected .* got NoneType"),
    "tuple": (aggregator(lambda e, maps: (e, e)), "embedding: expected .* got tuple"),
    "three axes": (aggregator(lambda e, maps: e[:, None]), r"embedding: expected \[B, E\] .* got \[2, 1, 6\]"),
    "lost clip": (aggregator(lambda e, maps: e[:1]), r"embedding: expected .* got \[1, 6\]"),
    "raises": (aggregator(raises), r"failed \(ValueError: not today\)"),
    "integers": (aggregator(lambda e, maps: (99 * e).int()), "embedding: expected floating-point numbers"),
    "infinite": (aggregator(lambda e, maps: e / 0), "embedding: expected finite numbers"),
    "neighbours": (aggregator(lambda e, maps: e - e.mean(0)), "a different output if it stands beside another clip"),
    "dropout": (aggregator(lambda e, maps: F.dropout(e)), "two different outputs for the same input"),
    "constant": (aggregator(lambda e, maps: e * 0 + 1), "the same embeddings for two different clips"),
    "one frame": (aggregator(lambda e, maps: maps.mean((3, 4)).std(1)), "for a clip of one frame: embedding"),
    "one frame, other width": (aggregator(lambda e, maps: maps.mean((2, 3, 4))), "for a clip of one frame: embedding"),
    "one frame, importance": (
        aggregator(lambda e, maps: ClipFeatures(e, maps.mean((2, 3, 4)).std(1))),
        "for a clip of one frame: importance: expected finite numbers",
    ),
    "importance of frames": (importance(lambda e: e), r"importance: expected \[B\]"),
    "importance is nan": (importance(lambda e: e[:, 0] * torch.nan), "importance: expected finite numbers"),
    "importance by neighbours": (importance(lambda e: e[:, 0].softmax(0)), "beside another clip"),
    "in place": (aggregator(lambda e, maps: e + maps.mul_(2).mean((1, 2, 3, 4))[:, None]), "changes its input; expec"),
    "no numbers": (aggregator(lambda e, maps: e[:, :0]), r"embedding: expected \[B, E\] for B = 2, got \[2, 0\]"),
    "extra without clips": (with_extra(lambda e: e.mean()), "extra 'part': expected a tensor"),
    "extra is a list": (with_extra(list), "extra 'part': expected a tensor .* got list"),
    "extra is nan": (with_extra(lambda e: e * torch.nan), "extra 'part': expected finite numbers"),
    "no gradient": (
        aggregator(lambda e, maps: e.detach()),
        "aggregator 'wrong' of vreid-wrong passes none on",
    ),
    "rounded": (aggregator(lambda e, maps: (1e4 * e).round()), "no gradient reaches"),
    "unused parameters": (
        Silent,
        "no gradient reaches aggregator 'wrong' of vreid-wrong.*aggregator.unused.weight, because its parameters",
    ),
}

MATCHERS = {
    "no methods": (lambda dim: nn.Identity(), r"expected a torch.nn.Module with represent\(\) and distance\(\)"),
    "row": (matcher(distance=lambda d, *_: d[0]), r"distance: expected \[Q, G\]"),
    "raises": (matcher(raises), r"failed \(ValueError: not today\)"),
    "nan": (matcher(distance=lambda d, *_: d * torch.nan), "distance: expected finite numbers"),
    "integers": (matcher(distance=lambda d, *_: d.int()), "distance: expected floating-point numbers"),
    "neighbours": (
        matcher(lambda clips: clips.with_embedding(clips.embedding - clips.embedding.mean(0))),
        "a different distance if other tracklets stand in the batch",
    ),
    "ranked": (
        matcher(distance=lambda d, *_: d / d.max()),
        "a different distance if other tracklets stand in the batch",
    ),
    "padding": (matcher(padded_mean), "leave out the clips where `valid` is False"),
    "similarity": (matcher(distance=lambda d, *_: -d), "a larger distance to itself than to any other"),
    "transposed": (matcher(distance=lambda d, *_: d.T), r"expected \[Q, G\] for Q = 1 and G = 3, got \[3, 1\]"),
    "ragged": (Ragged, "for tracklets with different numbers of clips, failed"),
    "dropout": (matcher(distance=lambda d, *_: F.dropout(d)), "two different distances"),
    "constant": (matcher(lambda clips: clips.with_embedding(clips.embedding * 0)), "two different tracklets"),
    "no gradient": (
        matcher(lambda clips: clips.with_embedding(clips.embedding.detach())),
        "no gradient reaches|returns values without a gradient",
    ),
    "unused parameters": (Unused, "no gradient reaches matcher 'wrong' of vreid-wrong.*matcher.scale"),
}

LOSSES = {
    "none": (loss(lambda self, batch: None), "returned NoneType, expected a tensor with one number"),
    "float": (loss(lambda self, batch: batch.embedding.mean().item()), "returned float"),
    "float, with a warning": (loss(lambda self, batch: float(batch.embedding.mean())), "returned float"),
    "vector": (loss(lambda self, batch: batch.embedding.mean(1)), r"shape \[4\].*take the mean"),
    "integer": (loss(lambda self, batch: batch.pids.sum()), "type int64, expected a floating-point scalar"),
    "detached": (loss(lambda self, batch: batch.embedding.mean().detach()), "values without a gradient"),
    "nan": (loss(lambda self, batch: batch.embedding.mean() * torch.nan), "returned nan for random features"),
    "infinite": (loss(lambda self, batch: batch.embedding.mean() / 0), "returned -?inf for random features"),
    "unknown feature": (loss(lambda self, batch: batch.select("part").mean()), "reads 'part'.*clips, embedding"),
    "unknown extra": (loss(lambda self, batch: batch.clips.extra["befor"].mean()), "reads 'befor'"),
    "unknown width": (Needs, r"reads 'clip'.*it gives clips, embedding; did you mean clips\? VREID_TRACEBACK=1"),
    "unknown field": (loss(lambda self, batch: batch.labels.sum()), "AttributeError.*labels"),
    "raises": (loss(raises), r"failed \(ValueError: not today\)"),
    "raises in lines": (loss(raises_in_lines), r"failed \(ValueError: not today\)"),
    "shape": (loss(lambda self, batch: batch.embedding @ self.linear.weight), "failed .RuntimeError"),
    "gradient": (loss(lambda self, batch: (batch.embedding * 0).sum().sqrt()), "its gradient is NaN or infinite"),
    "unused parameters": (loss(lambda self, batch: batch.embedding.mean()), "no gradient reaches.*loss.loss.linear"),
    "detached features": (
        loss(lambda self, batch: F.cross_entropy(self.linear(batch.embedding.detach()), batch.pids)),
        "no gradient reaches encoder 'net' of vreid-good.*because loss 'wrong' of vreid-wrong passes none on",
    ),
    "labels from one on": (
        loss(lambda self, batch: F.cross_entropy(self.linear(batch.embedding), batch.pids + 1)),
        "failed .IndexError: Target 5 is out of bounds",
    ),
    "no module": (lambda dims, identities: lambda batch: batch.embedding.mean(), "expected a torch.nn.Module"),
}

AUGMENTATIONS = {
    "none": (lambda: lambda clips, generator, planes: None, "clips of the same shape.*got NoneType"),
    "cut": (
        lambda: lambda clips, generator, planes: clips[..., 1:],
        r"clips of the same shape.*got \[2, 2, 3, 32, 15\]",
    ),
    "bytes": (lambda: lambda clips, generator, planes: clips.mul(255).byte(), "expected floating-point numbers"),
    "nan": (lambda: lambda clips, generator, planes: clips / 0 * 0, "expected finite numbers"),
    "raises": (lambda: raises, r"failed \(ValueError: not today\)"),
    "arguments": (lambda: lambda clips: clips, r"failed \(TypeError"),
    "not built": (raises, r"failed \(ValueError: not today\)"),
}


def cells(kind, wrong):
    return [pytest.param(kind, *cell, id=f"{kind}: {name}") for name, cell in wrong.items()]


MATRIX = [
    *cells("encoder", ENCODERS),
    *cells("aggregator", AGGREGATORS),
    *cells("matcher", MATCHERS),
    *cells("loss", LOSSES),
    *cells("augmentation", AUGMENTATIONS),
]


@pytest.mark.parametrize(("kind", "wrong", "message"), MATRIX)
def test_a_wrong_part_is_told_before_anything_trains(kind, wrong, message, recwarn):
    with pytest.raises(InputError, match=message) as told:
        assemble_with(kind, wrong)
    assert f"{kind} 'wrong' of {WRONG}" in str(told.value)
    assert "\n" not in str(told.value)
    assert "; " in str(told.value)  # then it says what to do
    assert not recwarn.list  # torch warns of some, before the sentence


def test_a_warning_of_a_part_that_works_is_shown():
    def warn(embedding, maps):
        warnings.warn("slow", RuntimeWarning, stacklevel=1)
        return embedding

    with pytest.warns(RuntimeWarning, match="slow"):
        assemble_with("aggregator", aggregator(warn))


def test_its_author_sees_the_traceback_of_a_part(monkeypatch):
    monkeypatch.setenv("VREID_TRACEBACK", "1")
    with pytest.raises(ValueError, match="not today"):
        assemble_with("loss", loss(raises))


VALUES = {
    "method: finished": ("methods", METHOD, "expected a function of the preset that returns a method"),
    "encoder: finished": ("encoders", Net(), "expected a factory of the encoder"),
    "aggregator: finished": ("aggregators", Pool((8, 1, 1)), "got a finished Pool"),
    "matcher: finished": ("matchers", Mean(6), "got a finished Mean"),
    "loss: finished": ("losses", nn.MSELoss(), "got a finished MSELoss"),
    "loss: none": ("losses", None, "expected a factory of the loss.* got None"),
    "augmentation: finished": (
        "augmentations",
        lambda clips, generator, planes: clips,
        r"\(clips, generator, planes\)",
    ),
    "re-ranker: finished": ("rerankers", SimpleNamespace(rerank=1), "expected a factory of the re-ranker"),
}


@pytest.mark.parametrize(("hook", "value", "message"), VALUES.values(), ids=VALUES)
def test_a_finished_part_is_not_taken_for_its_factory(hook, value, message):
    with pytest.raises(InputError, match=message) as told:
        Registry([plugin("wrong", WRONG, **{hook: {"wrong": value}})])
    assert f"'wrong' of {WRONG}" in str(told.value)


def no_preset(): ...
def preset_and_seed(preset, seed): ...
def preset_alone(*, preset): ...
def swapped(identities, dims): ...
def options_first(words=3, shape=None): ...
def option_alone(mix=0.5): ...
def no_identities(dims, *, margin=0.3): ...


class NoShape(nn.Module):
    def __init__(self): ...


SHAPE = "takes one argument before its options: shape, the sizes (D, h, w) of the encoder's maps; found "
LOSS = "takes 2 arguments before its options: dims, the widths of what it can learn from, and identities, the number of"
PRESET = "takes one argument: preset, which is 'paper' or 'small'; found "
ARGUMENTS = {
    "method without preset": ("methods", no_preset, f"{PRESET}no_preset(); write def no_preset(preset)"),
    "method with a seed": ("methods", preset_and_seed, f"{PRESET}preset_and_seed(preset, seed); write def preset_and"),
    "method with a named preset": ("methods", preset_alone, f"{PRESET}preset_alone(preset); write def preset_alone(pr"),
    "method as lambda": ("methods", lambda: METHOD, f"{PRESET}(); write def build(preset)"),
    "aggregator without shape": ("aggregators", NoShape, f"{SHAPE}NoShape(); write def __init__(self, shape, ...)"),
    "aggregator's options first": ("aggregators", options_first, f"{SHAPE}options_first(words, shape); write def opt"),
    "aggregator with an option alone": ("aggregators", option_alone, f"{SHAPE}option_alone(mix); write def option_"),
    "loss as aggregator": (
        "aggregators",
        Needs,
        "takes dims and identities like the factories of vreid_losses, expected shape; provide it there, or rename its",
    ),
    "matcher without dim": ("matchers", no_preset, "takes one argument before its options: dim, the width of the"),
    "loss without identities": (
        "losses",
        no_identities,
        f"{LOSS} people to train on; found no_identities(dims, margin)",
    ),
    "loss, swapped": ("losses", swapped, f"{LOSS} people to train on; found swapped(identities, dims); write def swap"),
}


@pytest.mark.parametrize(("hook", "value", "message"), ARGUMENTS.values(), ids=ARGUMENTS)
def test_a_factory_that_does_not_take_what_it_is_given_is_told_how_to_write_it(hook, value, message):
    with pytest.raises(InputError) as told:
        Registry([plugin("wrong", WRONG, **{hook: {"wrong": value}})])
    assert f"'wrong' of {WRONG} {message}" in str(told.value)


METHODS = {
    "none": (lambda preset: None, "returned None at preset 'small', expected a vreid_bench.Method"),
    "dictionary": (lambda preset: {}, "returned a dict at preset"),
    "raises": (raises, r"failed \(ValueError: not today\)"),
}


@pytest.mark.parametrize(("function", "message"), METHODS.values(), ids=METHODS)
def test_a_method_function_that_returns_no_method_is_named(function, message):
    registry = Registry([good(), plugin("wrong", WRONG, methods={"wrong": function})])
    with pytest.raises(InputError, match=message) as told:
        choose_method(registry, MethodRequest("wrong", "small", 0), (), None)
    assert f"method 'wrong' of {WRONG}" in str(told.value)


RECIPES = {
    "encoder as class": ({"encoder": Net}, "recipe: encoder is the class Net, expected a part"),
    "unknown encoder": ({"encoder": part("tinny")}, "no encoder is named 'tinny'"),
    "no steps": ({"stages": (replace(STAGE, steps=0),)}, "recipe: stages.0.steps is 0, expected a whole number above"),
    "unknown sampler": ({"test": Clipping("denze", 3)}, "unknown clip sampler 'denze'"),
}


@pytest.mark.parametrize(("fields", "message"), RECIPES.values(), ids=RECIPES)
def test_a_fault_of_a_recipe_names_its_method(fields, message):
    registry = Registry([good(), plugin("wrong", WRONG, methods={"wrong": lambda preset: replace(METHOD, **fields)})])
    with pytest.raises(InputError) as told:
        check_buildable(registry, choose_method(registry, MethodRequest("wrong", "small", 0), (), None))
    assert str(told.value).startswith(f"method 'wrong' of {WRONG}: {message}")


def test_a_hook_without_its_mark_is_named():
    def vreid_losses():
        return {}

    marked = SimpleNamespace(vreid_losses=hookimpl(lambda: {}))
    Registry([Plugin("right", marked, WRONG, "1")])
    with pytest.raises(InputError, match=rf"plugin 'wrong' of {WRONG}: vreid_losses\(\) lacks @hookimpl"):
        Registry([Plugin("wrong", SimpleNamespace(vreid_losses=vreid_losses), WRONG, "1")])


def test_an_imported_function_needs_no_mark():
    def vreid_losses():
        return {}

    module = SimpleNamespace(__name__="vreid_wrong", vreid_losses=vreid_losses)
    assert not list(Registry([Plugin("right", module, WRONG, "1")]).entries())


def test_an_extra_is_refused_where_features_come_from_a_cache():
    """A cached stage stores embeddings only, so a loss on an extra would fail at its first step."""
    kinds = {"encoders": {"net": Net}, "aggregators": {"wrong": with_extra(lambda e: e)}, "matchers": {"mean": Mean}}
    losses = {"wrong": loss(lambda self, batch: self.linear(batch.select("part")).mean())}
    registry = Registry([plugin("wrong", WRONG, **kinds, losses=losses)])
    stage = replace(STAGE, cached=1, train=("loss.*",))
    method = replace(METHOD, aggregator=part("wrong"), losses={"loss": part("wrong")})
    assemble(method, registry.factories(method), 5)
    method = replace(method, stages=(stage,))
    with pytest.raises(InputError, match=r"loss 'wrong' of vreid-wrong reads 'part'.*clips, embedding"):
        assemble(method, registry.factories(method), 5)


def test_a_frozen_part_needs_no_gradient():
    assert assemble_with("aggregator", Silent, replace(STAGE, freeze=("aggregator.*",)))
    cut = encoder(lambda maps, *_: maps.detach())
    assert assemble_with("encoder", cut, replace(STAGE, freeze=("encoder.*",)))


class Fitted(Mean):
    def fit(self, represented):
        raise NotImplementedError


def test_a_fit_that_takes_other_arguments_is_told_before_the_training():
    registry = Registry([good(), plugin("wrong", WRONG, matchers={"wrong": Fitted})])
    method = METHOD.with_part("matcher", Part("wrong"), fits=True)
    with pytest.raises(
        InputError, match=rf"matcher 'wrong' of {WRONG}: its fit.. takes .* fit.represented, pids, camids"
    ):
        assemble(method, registry.factories(method), 5)


def test_the_matrix_has_cells_of_every_kind():
    assert len(MATRIX) + len(VALUES) + len(ARGUMENTS) + len(METHODS) + 1 >= 60
