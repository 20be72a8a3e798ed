"""The model assembled from its parts; every part is probed before training begins."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

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
from vreid_bench.modeling.evaluation_checks import check_aggregator, check_encoder, check_matcher
from vreid_bench.modeling.layout import lay_out
from vreid_bench.modeling.loss_checks import build_loss
from vreid_bench.modeling.probe import begin_stream, draw_clips, duplicate, hold_warnings, keep_streams
from vreid_bench.modeling.training_checks import Network, Stage, check_augmentations, check_training
from vreid_bench.registry.entry import Entry, blame
from vreid_bench.registry.factories import Factories, Factory
from vreid_bench.registry.inspection import accepts_call
from vreid_bench.system.errors import InputError, suggestion

# What to do about an output of another shape.
MAPS = (
    "return the maps of each clip's frames; `maps.unflatten(0, clips.shape[:2])` puts those of single frames together"
)
EMBEDDING = "return a row of numbers for each clip; `maps.mean((1, 3, 4))` is the simplest"
IMPORTANCE = "return one number for each clip"
DISTANCE = "return a number for each pair of a query and a gallery tracklet; `torch.cdist` makes them from vectors"


def _recurrent_layer(
    sequence: Sequence[int], into_gates: Sequence[int], between_gates: Sequence[int], *_: Any, **__: Any
) -> int:
    """Operations of one direction of one layer over a sequence [T, B, D]; torch does not count fused cells."""
    T, B = sequence[:2]
    return 2 * T * B * (into_gates[0] * into_gates[1] + between_gates[0] * between_gates[1])


RECURRENT = {torch.ops.aten.mkldnn_rnn_layer: _recurrent_layer}


def _count() -> FlopCounterMode:
    """Counts the operations within a `with` block."""
    return FlopCounterMode(display=False, custom_mapping=RECURRENT)


class Model(nn.Module):
    """Encoder, aggregator and matcher; each is sized by the output of the one before for two random clips.

    Each is checked in evaluation, as `evaluation_checks` describes, before the next one is built.

    seed: decides the initial weights, of each part by itself: they stay the same when another part changes.

    `titles` says who provides each of the three, for messages.
    `dims` maps what a loss may learn from ("embedding", "clips", an aggregator's extra) to its width.
    `map_shape` is [T', D, h, w] of the encoder's maps for a test clip, `map_range` their smallest and largest value.
    `weighs_clips` is True if the aggregator gives each clip an importance.
    `multiply_adds` counts those of encoder and aggregator for one clip at test, in matrix products and convolutions.
    """

    def __init__(self, method: Method, factories: Factories, seed: int = 0) -> None:
        super().__init__()
        titles = {kind: getattr(factories, kind).entry.title for kind in ("encoder", "aggregator", "matcher")}
        self.titles = titles
        begin_stream(seed, "encoder")
        encoder = factories.encoder()
        self.planes = _planes(encoder, factories.encoder.entry)
        self.encoder = _module(encoder, titles["encoder"], Encoder)
        lay_out(self.encoder)
        channels = sum(PLANES[p] for p in self.planes)
        clips = draw_clips(2, method.test.T or 4, channels, method.size)
        self.eval()
        with torch.no_grad():
            with _count() as encoder_work, factories.encoder.blame():
                maps = self.encoder(clips)
            _check_shape(maps, ("B", "T'", "D", "h", "w"), f"{titles['encoder']}: maps", MAPS)
            with keep_streams(), factories.encoder.blame():
                trial = duplicate(self.encoder, factories.encoder).eval()
                short, self.map_range = check_encoder(trial, titles["encoder"], clips, maps)
            shape = tuple(maps.shape[2:])
            begin_stream(seed, "aggregator")
            built = factories.aggregator(shape)
            self.aggregator = _module(built, titles["aggregator"], Aggregator).eval()
            lay_out(self.aggregator)
            with _count() as aggregator_work, factories.aggregator.blame():
                features = self.aggregate(maps)
            # two clips were probed, and a multiplication with its addition counts as two operations
            self.multiply_adds = (encoder_work.get_total_flops() + aggregator_work.get_total_flops()) // 4
            _check_shape(features.embedding, ("B", "E"), f"{titles['aggregator']}: embedding", EMBEDDING)
            if features.importance is not None:
                _check_shape(features.importance, ("B",), f"{titles['aggregator']}: importance", IMPORTANCE)
            with keep_streams(), factories.aggregator.blame():
                trial = duplicate(self.aggregator, factories.aggregator, shape).eval()
                check_aggregator(trial, titles["aggregator"], maps, features, short)
            width = features.embedding.shape[1]
            begin_stream(seed, "matcher")
            self.matcher = _matcher(factories.matcher(width), titles["matcher"])
            with factories.matcher.blame():
                represented = self.matcher.represent(Clips.single(features.embedding))
                distance = self.matcher.distance(represented, represented)
            _check_shape(distance, ("Q", "G"), f"{titles['matcher']}: distance", DISTANCE)
            with keep_streams(), factories.matcher.blame():
                check_matcher(duplicate(self.matcher, factories.matcher, width), titles["matcher"], features)
        self.map_shape = tuple(maps.shape[1:])
        self.weighs_clips = features.importance is not None
        self.dims = {name: value.shape[-1] for name, value in features.extra.items()}
        self.dims |= {"clips": width, "embedding": represented.embedding.shape[-1]}

    def _apply(self, fn: Any, recurse: bool = True) -> Model:
        super()._apply(fn, recurse)  # type: ignore[no-untyped-call]  # torch has no types for it
        lay_out(self)  # `fn` may have moved it to another device
        return self

    @property
    def embedding_width(self) -> int:
        """How many numbers the matcher stores for a tracklet now; a fitted matcher may project to fewer than before."""
        device = next(self.buffers(), next(self.parameters(), torch.zeros(0))).device
        with torch.no_grad():
            one = Clips.single(torch.zeros(1, self.dims["clips"], device=device))
            return int(self.matcher.represent(one).embedding.shape[-1])

    def aggregate(self, maps: Tensor) -> ClipFeatures:
        """maps [B, T', D, h, w] -> features of each clip. Raises InputError that names a failing aggregator."""
        with blame(self.titles["aggregator"]):
            features = self.aggregator(maps)
        return features if isinstance(features, ClipFeatures) else ClipFeatures(features)

    def features(self, clips: Tensor) -> ClipFeatures:
        """clips [B, T, P, H, W] in [0, 1] -> features of each clip."""
        return self.aggregate(self.encode(clips))

    def encode(self, clips: Tensor) -> Tensor:
        """clips [B, T, P, H, W] in [0, 1] -> maps [B, T', D, h, w]. Raises InputError that names a failing encoder."""
        with blame(self.titles["encoder"]):
            maps: Tensor = self.encoder(clips)
            return maps


@dataclass(frozen=True)
class Step:
    """A `Train` stage with its parts built: the matcher that it uses, and the augmentations in order.

    titles: who provides each part of the stage, for messages; the keys are `encoder`, `aggregator`, `matcher`,
        `loss.<name>`, and `augmentation` for all of them.
    """

    recipe: Train
    matcher: Matcher
    augment: tuple[Augmentation, ...]
    titles: Mapping[str, str]


@dataclass(frozen=True)
class MethodParts:
    """All that is needed to train and test a method."""

    model: Model
    losses: nn.ModuleDict
    stages: tuple[Step | Fit, ...]


def assemble(method: Method, factories: Factories, identities: int, seed: int = 0) -> MethodParts:
    """Build every part of a method for that number of training identities, and check it before anything trains.

    seed: of the initial weights, as of `Model`.

    The checks try copies, so all parts keep their initial state, and they leave the global random streams as they are.
    In time they cost a clip through the network, two frames, one of them with gradients, and a step of the aggregator
    and the losses on four tracklets. Raises InputError, naming the plugin and its distribution, for a part that fails
    a check, an option that does not exist, or a stage with a loss that the method does not define.
    """
    with hold_warnings():
        return _assemble(method, factories, identities, seed)


def _assemble(method: Method, factories: Factories, identities: int, seed: int) -> MethodParts:
    check_clipping(method.test)
    model = Model(method, factories, seed)
    losses = nn.ModuleDict()
    for name in method.losses:
        factory = factories.losses[name]
        begin_stream(seed, f"loss.{name}")
        losses[name] = _module(build_loss(factory, model.dims, identities), factory.entry.title, Loss)
    trainings = iter(zip(factories.augment, factories.matchers, strict=True))
    stages: list[Step | Fit] = []
    tried: list[Stage] = []
    for stage in method.stages:
        check_clipping(stage.clipping)
        if isinstance(stage, Fit):
            stages.append(_fit(stage, model, factories))
        else:
            augment, replacing = next(trainings)
            with keep_streams():
                check_augmentations(augment, model.planes, method.size)
            step = _step(stage, model, augment, replacing, factories)
            stages.append(step)
            tried.append(Stage(stage, cast(nn.Module, step.matcher), replacing or factories.matcher))
    with keep_streams(), torch.enable_grad():
        check_training(_network(model, losses), tried, factories, method.size, identities)
    return MethodParts(model, losses, tuple(stages))


def _network(model: Model, losses: nn.ModuleDict) -> Network:
    parts = model.encoder, model.aggregator, model.matcher
    return Network(*parts, dict(losses.items()), model.planes, model.map_shape, model.map_range, model.dims)


def _fit(stage: Fit, model: Model, factories: Factories) -> Fit:
    part, title = getattr(model, stage.part), getattr(factories, stage.part).entry.title
    if isinstance(part, FitsMaps | FitsClips):
        given = ("maps",) if stage.part == "aggregator" else ("represented", "pids", "camids")
        if not accepts_call(part.fit, given):
            raise InputError(f"{title}: its fit() takes other arguments, expected fit({', '.join(given)}); correct it")
        return stage
    raise InputError(f"{title} has no fit(), but a stage of this method calls it; remove the stage or write fit()")


def _step(
    stage: Train, model: Model, augment: Sequence[Factory], replacing: Factory | None, factories: Factories
) -> Step:
    matcher: Any = model.matcher
    if replacing is not None:
        matcher = replacing(model.dims["clips"])
        if list(matcher.parameters()):
            title = replacing.entry.title
            raise InputError(
                f"{title} has parameters, so it cannot be used in one stage only; make it the matcher of the method"
            )
    titles = {kind: getattr(factories, kind).entry.title for kind in ("encoder", "aggregator")}
    titles["matcher"] = (replacing or factories.matcher).entry.title
    titles["augmentation"] = " or ".join(factory.entry.title for factory in augment)
    titles |= {f"loss.{name}": factories.losses[name].entry.title for name in stage.losses}
    return Step(stage, matcher, tuple(_augmentation(factory) for factory in augment), titles)


def _augmentation(factory: Factory) -> Augmentation:
    """Build an augmentation that names its distribution if its code fails."""
    augment = factory()

    def apply(clips: Tensor, generator: torch.Generator, planes: Sequence[str]) -> Tensor:
        with factory.blame():
            changed: Tensor = augment(clips, generator, planes)
            return changed

    return apply


def _planes(encoder: Any, entry: Entry) -> tuple[str, ...]:
    planes: Any = getattr(encoder, "planes", ("rgb",))
    if not isinstance(planes, tuple | list):
        raise InputError(f'{entry.title} has the planes {planes!r}, expected a tuple of names; set planes = ("rgb",)')
    for plane in planes:
        if plane not in PLANES:
            raise InputError(
                f"{entry.title} needs the plane {plane!r}, which cannot be read from frames on disk; "
                f'expected {", ".join(sorted(PLANES))}{suggestion(plane, PLANES)}; set planes = ("rgb",)'
            )
    if tuple(planes) != entry.planes:
        raise InputError(
            f"{entry.title} reads the planes {', '.join(planes)}, but its factory says {', '.join(entry.planes)}; make "
            "`planes` an attribute of the class or function that the plugin provides"
        )
    return tuple(planes)


def _module(part: object, title: str, contract: type) -> nn.Module:
    if isinstance(part, nn.Module) and isinstance(part, contract):
        return part
    raise InputError(
        f"{title}: expected a torch.nn.Module, got {type(part).__name__}; derive its class from torch.nn.Module"
    )


def _matcher(part: object, title: str) -> Any:
    if isinstance(part, nn.Module) and isinstance(part, Matcher):
        return part.eval()
    expected = "a torch.nn.Module with represent() and distance()"
    raise InputError(f"{title}: expected {expected}, got {type(part).__name__}; write both methods in such a class")


def _check_shape(value: object, axes: Sequence[str], what: str, advice: str) -> None:
    """Raise InputError unless `value` is a tensor with these axes; B, Q and G are the two clips probed."""
    shape = list(value.shape) if isinstance(value, Tensor) else []
    probed = [size == 2 for axis, size in zip(axes, shape, strict=False) if axis in "BQG"]
    if not isinstance(value, Tensor) or len(shape) != len(axes) or not all(probed) or 0 in shape:
        found = str(shape) if isinstance(value, Tensor) else type(value).__name__
        raise InputError(f"{what}: expected [{', '.join(axes)}] for {axes[0]} = 2, got {found}; {advice}")
