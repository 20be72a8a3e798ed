"""A method as data: its parts by name, how clips are cut, and the stages of its training."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from vreid_bench.system.errors import InputError

Preset = Literal["paper", "small"]


def _one_of(what: str, found: str, wanted: Sequence[str]) -> None:
    _wanted(what, found, found in wanted, f"one of {', '.join(wanted)}")


def _wanted(what: str, found: object, ok: bool, wanted: str) -> None:
    if not ok:
        raise InputError(f"recipe: {what} is {found!r}, wanted {wanted}")


LATER = {
    "later": True
}  # a setting younger than the first records: its default leaves no trace, so that they stay valid


@dataclass(frozen=True)
class Part:
    """A plugin by name, with options. An option that is itself a `Part` arrives as a factory."""

    name: str
    options: Mapping[str, Any] = field(default_factory=dict)


def describe_part(part: Part) -> str:
    """A part with its options on one line: `zhong k1=20 k2=6 share=0.3`."""
    return " ".join([part.name, *(f"{name}={json.dumps(value)}" for name, value in sorted(part.options.items()))])


def part(name: str, **options: Any) -> Part:
    """`part("personvlad", parts=6)` reads better in a recipe than a dictionary in a dictionary."""
    return Part(name, options)


@dataclass(frozen=True)
class Clipping:
    """How the frames of a tracklet become clips of `T` frames; `vreid_bench.modeling.clips` defines each sampler."""

    sampler: str
    T: int  # frames per clip; 0 with the sampler `all`
    clips: int = 1  # clips per tracklet, for samplers that draw a number of them
    step: int = 0  # frames from one clip's start to the next, for `dense`; 0 means T
    padding: Literal["cycle", "last", "drop"] = "cycle"  # what fills a clip cut short


@dataclass(frozen=True)
class Optimizer:
    """An optimizer of `torch.optim` and its options, as the paper prints them; the rate is in `Schedule`."""

    name: Literal["Adam", "AdamW", "SGD"] = "Adam"
    options: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        _one_of("optimizer.name", self.name, ("Adam", "AdamW", "SGD"))


@dataclass(frozen=True)
class Schedule:
    """Learning rate as a function of the step alone, so that a resumed run needs no scheduler state."""

    kind: Literal["constant", "step", "one-cycle"]
    rate: float
    every: int = 0  # `step`: steps between two drops
    factor: float = 0.1  # `step`: what a drop multiplies by
    floor: float = 0.0  # `step`: the rate never falls below this

    def __post_init__(self) -> None:
        _one_of("schedule.kind", self.kind, ("constant", "step", "one-cycle"))
        _wanted("schedule.rate", self.rate, self.rate > 0, "a number above 0")
        _wanted("schedule.every", self.every, self.kind != "step" or self.every > 0, "steps between two drops")


@dataclass(frozen=True)
class Train:
    """A stage of gradient descent over PK batches: `P` identities, `K` tracklets of each."""

    clipping: Clipping
    losses: Mapping[str, float]  # name in `Method.losses` -> weight
    steps: int
    P: int
    K: int
    schedule: Schedule
    optimizer: Optimizer = Optimizer()
    train: tuple[str, ...] = ("*",)  # patterns of parameter names that learn
    freeze: tuple[str, ...] = ()  # patterns that do not, after `train`
    augment: tuple[Part, ...] = ()
    matcher: Part | None = None  # in place of the method's matcher, during this stage
    # encoder and aggregator being frozen: features of so many augmented views, computed once
    cached: int = field(default=0, metadata=LATER)

    def __post_init__(self) -> None:
        for name in ("steps", "P", "K"):
            value = getattr(self, name)
            _wanted(f"stage.{name}", value, value > 0, "a whole number above 0")
        _wanted("stage.cached", self.cached, self.cached >= 0, "a whole number of at least 0")
        patterns = (*self.train, *self.freeze)
        _wanted("stage.train and .freeze", patterns, all(isinstance(p, str) for p in patterns), "patterns of names")


@dataclass(frozen=True)
class Fit:
    """A stage in closed form: `part.fit(...)` over the training tracklets (k-means centres, XQDA)."""

    part: Literal["aggregator", "matcher"]
    clipping: Clipping


Stage = Train | Fit


@dataclass(frozen=True)
class Reported:
    """One number as its paper prints it: where, on which data, under which protocol."""

    dataset: str
    metric: str
    value: float  # a fraction
    where: str  # table and row
    note: str = ""  # why it may not be comparable
    reranked: bool = False  # with distances changed by a re-ranker


@dataclass(frozen=True)
class Method:
    """A named recipe: everything that decides a run, apart from data, protocol and seed."""

    encoder: Part
    aggregator: Part
    matcher: Part
    test: Clipping
    size: tuple[int, int]  # height, width in pixels
    losses: Mapping[str, Part] = field(default_factory=dict)
    stages: tuple[Stage, ...] = ()
    reported: tuple[Reported, ...] = ()  # numbers of this method
    quoted: tuple[Reported, ...] = ()  # numbers of other systems in the paper's tables; one method of a paper has them
    paper: str = ""  # authors, title, year

    def __post_init__(self) -> None:
        positive = len(self.size) == 2 and all(isinstance(side, int) and side > 0 for side in self.size)
        _wanted("size", self.size, positive, "height and width in pixels")

    @property
    def budget(self) -> dict[str, int]:
        """What training takes: identities, tracklets, clips and frames of the largest step, and all steps."""
        stages = [stage for stage in self.stages if isinstance(stage, Train)]
        seen = [stage for stage in stages if not stage.cached]  # a cached stage puts no frame through the network
        tracklets, clips, frames = max(
            ((s.P * s.K, s.P * s.K * s.clipping.clips, s.P * s.K * s.clipping.clips * s.clipping.T) for s in seen),
            key=lambda budget: budget[2],
            default=(0, 0, 0),
        )
        step = {"identities": max((s.P for s in stages), default=0), "tracklets": tracklets}
        return {**step, "clips": clips, "frames": frames, "steps": sum(s.steps for s in stages)}

    def with_part(self, kind: Literal["encoder", "aggregator", "matcher"], part: Part, *, fits: bool = False) -> Method:
        """The same recipe with that part in the place of its own; one that `fits` is fitted after training."""
        changed = {"stages": (*self.stages, Fit("matcher", self.test))} if fits else {}
        return replace(self, **{kind: part}, **changed)  # type: ignore[arg-type]  # mypy cannot see which field it is

    def with_loss(self, part: Part) -> Method:
        """The same recipe with one more loss, of weight 1 in every training stage."""
        stages = tuple(
            replace(stage, losses={**stage.losses, part.name: 1.0}) if isinstance(stage, Train) else stage
            for stage in self.stages
        )
        return replace(self, losses={**self.losses, part.name: part}, stages=stages)


MethodFactory = Callable[[Preset], Method]
