"""The model assembled from its parts; every part is probed before training begins."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from vreid_bench.contracts.parts import (
    PLANES,
    Aggregator,
    Augmentation,
    ClipFeatures,
    Clips,
    Encoder,
    FitsClips,
    FitsMaps,
    Loss,
    Matcher,
)
from vreid_bench.contracts.recipe import Fit, Method, Train
from vreid_bench.modeling.clips import check_clipping
from vreid_bench.registry.factories import Factories, Factory
from vreid_bench.system.errors import InputError, suggestion

READABLE = {"rgb"}  # the planes that can be read from frames on disk


def _recurrent_layer(
    sequence: Sequence[int], into_gates: Sequence[int], between_gates: Sequence[int], *_: Any, **__: Any
) -> int:
    """Operations of one direction of one layer over a sequence [T, B, D]; torch does not count fused cells."""
    T, B = sequence[:2]
    return 2 * T * B * (into_gates[0] * into_gates[1] + between_gates[0] * between_gates[1])


RECURRENT = {torch.ops.aten.mkldnn_rnn_layer: _recurrent_layer}


class Model(nn.Module):
    """Encoder, aggregator and matcher; each is sized by the output of the one before for two black clips.

    `dims` maps what a loss may learn from ("embedding", "clips", an aggregator's extra) to its width.
    `multiply_adds` counts those of encoder and aggregator for one clip at test, in matrix products and convolutions.
    """

    def __init__(self, method: Method, factories: Factories) -> None:
        super().__init__()
        names = {kind: getattr(method, kind).name for kind in ("encoder", "aggregator", "matcher")}
        encoder = factories.encoder()
        self.planes = _planes(encoder, names["encoder"])
        self.encoder = _module(encoder, "encoder", names["encoder"], Encoder)
        black = torch.zeros(2, method.test.T or 4, sum(PLANES[p] for p in self.planes), *method.size)
        self.eval()
        counter = FlopCounterMode(display=False, custom_mapping=RECURRENT)
        with torch.no_grad():
            with counter:
                with factories.encoder.blame():
                    maps = self.encoder(black)
                _check_shape(maps, ("B", "T'", "D", "h", "w"), f"encoder {names['encoder']!r}: maps")
                built = factories.aggregator(tuple(maps.shape[2:]))
                self.aggregator = _module(built, "aggregator", names["aggregator"], Aggregator).eval()
                with factories.aggregator.blame():
                    features = self.aggregate(maps)
            # two clips were probed, and a multiplication with its addition counts as two operations
            self.multiply_adds = counter.get_total_flops() // 4
            _check_shape(features.embedding, ("B", "E"), f"aggregator {names['aggregator']!r}: embedding")
            if features.importance is not None:
                _check_shape(features.importance, ("B",), f"aggregator {names['aggregator']!r}: importance")
            width = features.embedding.shape[1]
            self.matcher = _matcher(factories.matcher(width), names["matcher"])
            with factories.matcher.blame():
                represented = self.matcher.represent(Clips.single(features.embedding))
                distance = self.matcher.distance(represented, represented)
            _check_shape(distance, ("Q", "G"), f"matcher {names['matcher']!r}: distance")
        self.dims = {name: value.shape[-1] for name, value in features.extra.items()}
        self.dims |= {"clips": width, "embedding": represented.embedding.shape[-1]}

    @property
    def embedding_width(self) -> int:
        """How many numbers the matcher stores for a tracklet now; a fitted matcher may project to fewer than before."""
        device = next(self.buffers(), next(self.parameters(), torch.zeros(0))).device
        with torch.no_grad():
            one = Clips.single(torch.zeros(1, self.dims["clips"], device=device))
            return int(self.matcher.represent(one).embedding.shape[-1])

    def aggregate(self, maps: Tensor) -> ClipFeatures:
        """maps [B, T', D, h, w] -> features of each clip."""
        features = self.aggregator(maps)
        return features if isinstance(features, ClipFeatures) else ClipFeatures(features)

    def features(self, clips: Tensor) -> ClipFeatures:
        """clips [B, T, P, H, W] in [0, 1] -> features of each clip."""
        return self.aggregate(self.encoder(clips))


@dataclass(frozen=True)
class Step:
    """A `Train` stage with its parts built: the matcher that it uses, and the augmentations in order."""

    recipe: Train
    matcher: Matcher
    augment: tuple[Augmentation, ...]


@dataclass(frozen=True)
class MethodParts:
    """All that is needed to train and test a method."""

    model: Model
    losses: nn.ModuleDict
    stages: tuple[Step | Fit, ...]


def assemble(method: Method, factories: Factories, identities: int) -> MethodParts:
    """Build and probe every part of a method for that number of training identities.

    Raises InputError, naming the plugin, for a shape that does not fit, an option that does not exist, or a stage with
    a loss that the method does not define.
    """
    check_clipping(method.test)
    model = Model(method, factories)
    losses = nn.ModuleDict()
    for name, part in method.losses.items():
        losses[name] = _module(factories.losses[name](model.dims, identities), "loss", part.name, Loss)
    trainings = iter(zip(factories.augment, factories.matchers, strict=True))
    stages: list[Step | Fit] = []
    for stage in method.stages:
        check_clipping(stage.clipping)
        for name in stage.losses if isinstance(stage, Train) else ():
            if name not in method.losses:
                raise InputError(f"a stage uses the loss {name!r}, which the method does not define")
        stages.append(_fit(stage, model, method) if isinstance(stage, Fit) else _step(stage, model, *next(trainings)))
    return MethodParts(model, losses, tuple(stages))


def _fit(stage: Fit, model: Model, method: Method) -> Fit:
    if isinstance(getattr(model, stage.part), FitsMaps | FitsClips):
        return stage
    name = getattr(method, stage.part).name
    raise InputError(f"{stage.part} {name!r} has no fit(), but a stage of this method calls it")


def _step(stage: Train, model: Model, augment: Sequence[Factory], replacing: Factory | None) -> Step:
    matcher: Any = model.matcher
    if replacing is not None:
        matcher = replacing(model.dims["clips"])
        if list(matcher.parameters()):
            name = replacing.entry.name
            raise InputError(f"matcher {name!r} has parameters, so it cannot be used in one stage only")
    return Step(stage, matcher, tuple(build() for build in augment))


def _planes(encoder: Any, name: str) -> tuple[str, ...]:
    planes = tuple(getattr(encoder, "planes", ("rgb",)))
    for plane in planes:
        if plane not in READABLE:
            raise InputError(
                f"encoder {name!r} needs the plane {plane!r}, which cannot be read from frames on disk; "
                f"readable: {', '.join(sorted(READABLE))}{suggestion(plane, READABLE)}"
            )
    return planes


def _module(part: object, kind: str, name: str, contract: type) -> nn.Module:
    if isinstance(part, nn.Module) and isinstance(part, contract):
        return part
    raise InputError(f"{kind} {name!r}: expected a torch.nn.Module, got {type(part).__name__}")


def _matcher(part: object, name: str) -> Any:
    if isinstance(part, nn.Module) and isinstance(part, Matcher):
        return part.eval()
    expected = "a torch.nn.Module with represent() and distance()"
    raise InputError(f"matcher {name!r}: expected {expected}, got {type(part).__name__}")


def _check_shape(value: object, axes: Sequence[str], what: str) -> None:
    """Raise InputError unless `value` is a tensor with these axes; B, Q and G are the two clips probed."""
    shape = list(value.shape) if isinstance(value, Tensor) else []
    probed = [size == 2 for axis, size in zip(axes, shape, strict=False) if axis in "BQG"]
    if not isinstance(value, Tensor) or len(shape) != len(axes) or not all(probed):
        found = str(shape) if isinstance(value, Tensor) else type(value).__name__
        raise InputError(f"{what}: expected [{', '.join(axes)}] for {axes[0]} = 2, got {found}")
