"""What is checked of the stages of training before the first begins: augmentations, losses, and that gradients arrive.

All work is done on copies of the parts. It costs a frame through the encoder with its gradients, and a step of
aggregator and losses on at most eight clips. Only if no gradient seems to reach the encoder, two whole clips follow.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn

from vreid_bench.contracts.parts import PLANES, ClipFeatures
from vreid_bench.contracts.recipe import Train
from vreid_bench.modeling.loss_checks import Reach, Size, Trial, try_losses
from vreid_bench.modeling.parameter_names import name_parameters
from vreid_bench.modeling.probe import check_numbers, draw_clips, draw_like, duplicate
from vreid_bench.registry.factories import Factories, Factory
from vreid_bench.system.errors import InputError

MOST = 4  # people, and tracklets of each, in the larger batch of a loss that cannot do with two
FRAMES = 2  # of the clips on which augmentations are tried


class Network(NamedTuple):
    """The assembled parts, which are copied before they are tried, and what sizes their input."""

    encoder: nn.Module
    aggregator: nn.Module
    matcher: nn.Module
    losses: Mapping[str, nn.Module]
    planes: tuple[str, ...]
    map_shape: tuple[int, ...]  # [T', D, h, w]
    map_range: tuple[float, float]
    dims: Mapping[str, int]

    def parameters(self) -> dict[str, list[str]]:
        """Names of the parameters of each part: `encoder`, `aggregator`, `matcher` and `loss.<name>`."""
        parts = {"encoder": self.encoder, "aggregator": self.aggregator, "matcher": self.matcher}
        parts |= {f"loss.{name}": loss for name, loss in self.losses.items()}
        return name_parameters(parts)


class Stage(NamedTuple):
    """A training stage as the checks need it."""

    recipe: Train
    matcher: nn.Module
    factory: Factory  # of the matcher

    def size(self, most: int, identities: int) -> Size:
        """The batch that is tried: two people and two tracklets of each, or up to `most` of the stage's own numbers."""
        people = max(2, min(self.recipe.P, most, identities))
        return Size(people, max(2, min(self.recipe.K, most)), min(self.recipe.clipping.clips, 2))


class Flow(NamedTuple):
    """Through which outputs of the aggregator a gradient arrives."""

    own: frozenset[str]  # at its parameters
    through: frozenset[str]  # at the maps


def check_augmentations(factories: Sequence[Factory], planes: tuple[str, ...], size: tuple[int, int]) -> None:
    """Apply the augmentations of a stage, one after another, to two random clips [2, T, P, H, W].

    Raises InputError that names the first one that fails or does not return finite clips of the same shape.
    """
    clips = draw_clips(2, FRAMES, sum(PLANES[plane] for plane in planes), size)
    for factory in factories:
        augment = factory()
        with factory.blame():
            result = augment(clips.clone(), torch.Generator().manual_seed(0), planes)
        title = factory.entry.title
        if not isinstance(result, Tensor) or result.shape != clips.shape:
            found = list(result.shape) if isinstance(result, Tensor) else type(result).__name__
            raise InputError(
                f"{title}: expected clips of the same shape, {list(clips.shape)}, got {found}; fill what is cut away, "
                "and return the clips"
            )
        check_numbers(result, f"{title}: clips")
        clips = result


def check_training(
    network: Network, stages: Sequence[Stage], factories: Factories, size: tuple[int, int], identities: int
) -> None:
    """Try the losses of every stage, and follow their gradients to each part that learns.

    Raises InputError that names the guilty part: a loss whose output cannot be trained on, or a part that learns in
    some stage although no gradient reaches it in any.
    """
    if not stages:
        return
    flow, features = _try_aggregator(network, factories.aggregator, max(s.size(2, identities).total for s in stages))
    losses = {
        name: Trial(duplicate(loss, factories.losses[name], network.dims, identities).train(), factories.losses[name])
        for name, loss in network.losses.items()
    }
    reaches = []
    for stage in stages:
        try:
            reaches.append(_try_stage(stage, losses, features, stage.size(2, identities), identities))
        except InputError:  # a loss may compare more people than two
            larger = stage.size(MOST, identities)
            if larger == stage.size(2, identities):
                raise
            _, more = _try_aggregator(network, factories.aggregator, larger.total)
            reaches.append(_try_stage(stage, losses, more, larger, identities))
    for part, names in network.parameters().items():
        concerned = [
            (stage, reach)
            for stage, reach in zip(stages, reaches, strict=True)
            if any(stage.recipe.trains(name) for name in names)
            and (not part.startswith("loss.") or part.removeprefix("loss.") in stage.recipe.losses)
        ]
        if not concerned:
            continue
        used = frozenset[str]().union(*(reach.features for _, reach in concerned))
        through = {"encoder": flow.through, "aggregator": flow.own}.get(part)
        if through is None:
            if any(part in reach.parts for _, reach in concerned):
                continue
        elif used & through and (part != "encoder" or _reaches_encoder(network, factories.encoder, size)):
            continue
        first = next(name for name in names if any(stage.recipe.trains(name) for stage, _ in concerned))
        raise InputError(_describe(part, first, factories, _find_guilty(part, used, through, concerned, factories)))


def _find_guilty(
    part: str,
    used: frozenset[str],
    through: frozenset[str] | None,
    concerned: Sequence[tuple[Stage, Reach]],
    factories: Factories,
) -> str:
    """The title of the part that passes no gradient to `part`."""
    cut = concerned[0][1].cut
    if part.startswith("loss."):
        return factories.losses[part.removeprefix("loss.")].entry.title
    if part == "matcher":
        return cut or factories.matcher.entry.title
    if not used:
        return cut
    if part == "aggregator" or not used & (through or frozenset()):
        return factories.aggregator.entry.title
    return factories.encoder.entry.title


def _describe(part: str, first: str, factories: Factories, guilty: str) -> str:
    loss = part.startswith("loss.")
    factory = factories.losses[part.removeprefix("loss.")] if loss else getattr(factories, part)
    own = guilty == factory.entry.title
    why = "its parameters are not used with a gradient in what it returns" if own else f"{guilty} passes none on"
    what = (
        "use them there, remove detach(), no_grad() or rounding"
        if own
        else "remove detach(), no_grad() or rounding there"
    )
    return (
        f"no gradient reaches {factory.entry.title}, whose first parameter is {first}, because {why}; {what}, or "
        f'freeze "{part}.*"'
    )


def _try_aggregator(network: Network, factory: Factory, count: int) -> tuple[Flow, ClipFeatures]:
    """Features of `count` random maps in training, and which outputs pass gradients on."""
    trial = Trial(duplicate(network.aggregator, factory, network.map_shape[1:]).train(), factory)
    low, high = network.map_range
    sample = torch.tensor([low, high]).view(2, 1, 1, 1, 1).expand(2, *network.map_shape)
    maps = draw_like(sample, count).requires_grad_(True)
    inputs = [maps, *trial.parameters]
    with factory.blame():
        output = trial.part(maps)
        features = output if isinstance(output, ClipFeatures) else ClipFeatures(output)
        named = {"embedding": features.embedding, "importance": features.importance, **features.extra}
        own, through = set(), set()
        for name, value in named.items():
            if value is None or not value.requires_grad:
                continue
            gradients = _follow(value, inputs)
            if any(gradient is not None and gradient.any() for gradient in gradients):
                own |= {name} if any(gradient is not None for gradient in gradients[1:]) else set()
                through |= {name} if gradients[0] is not None else set()
    return Flow(frozenset(own), frozenset(through)), features


def _try_stage(stage: Stage, losses: Mapping[str, Trial], features: ClipFeatures, size: Size, identities: int) -> Reach:
    width, rows = features.embedding.shape[1], size.total
    matcher = Trial(duplicate(stage.matcher, stage.factory, width).train(), stage.factory)
    importance = None if features.importance is None else features.importance[:rows]
    # a stage with a cache of features has no extras
    extra = {} if stage.recipe.cached else {name: value[:rows] for name, value in features.extra.items()}
    given = ClipFeatures(features.embedding[:rows], importance, extra)
    return try_losses({n: losses[n] for n in stage.recipe.losses}, matcher, given, size, identities)


def _reaches_encoder(network: Network, factory: Factory, size: tuple[int, int]) -> bool:
    """Does a gradient reach a parameter of the encoder? Tried on one frame, then on two clips as in training."""
    trial = Trial(duplicate(network.encoder, factory).eval(), factory)
    channels = sum(PLANES[plane] for plane in network.planes)
    for count, frames in ((1, 1), (2, max(network.map_shape[0], 4))):
        clips = draw_clips(count, frames, channels, size)
        with factory.blame():
            maps = trial.part(clips)
            if maps.requires_grad and any(g is not None and g.any() for g in _follow(maps, trial.parameters)):
                return True
        trial.part.train()
    return False


def _follow(value: Tensor, inputs: Sequence[Tensor]) -> Sequence[Tensor | None]:
    """Gradients of a random weighted sum of `value` with respect to the inputs; None where there is no path."""
    weight = torch.rand(value.shape, generator=torch.Generator().manual_seed(0)).to(value.dtype)
    return torch.autograd.grad(value, list(inputs), weight, retain_graph=True, allow_unused=True)
