"""A method as data: its parts by name, how tracklets are cut into clips, and the stages of its training."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from typing import Any, Literal, get_args

from vreid_bench.contracts.corruption import UNSPOILED, ClipCorruption
from vreid_bench.contracts.length import Epochs, Length, TrainingSize, plain_steps, to_steps
from vreid_bench.contracts.recipe_types import check_fields
from vreid_bench.system.errors import InputError

Preset = Literal["paper", "small"]
"""`paper`: the recipe as printed; `small`: the same recipe scaled to minutes on two CPU cores."""

Loadable = Literal["encoder", "aggregator", "matcher"]
LOADABLE: tuple[Loadable, ...] = get_args(Loadable)  # the parts that can begin from a file of weights


def _check_choice(what: str, found: str, choices: Sequence[str]) -> None:
    _check(what, found, found in choices, f"one of {', '.join(choices)}")


def _check_length(what: str, found: Length, expected: str) -> None:
    _check(what, found, isinstance(found, Epochs) or found > 0, expected)


def _check(what: str, found: object, ok: bool, expected: str) -> None:
    if not ok:
        raise InputError(f"recipe: {what} is {found!r}, expected {expected}")


@dataclass(frozen=True)
class Part:
    """A plugin by name, with options. An option that is itself a `Part` arrives as a factory."""

    name: str
    options: Mapping[str, Any] = field(default_factory=dict)


def describe_part(part: Part) -> str:
    """A part with its options on one line: `zhong k1=20 k2=6 share=0.3`."""
    return " ".join([part.name, *(f"{name}={json.dumps(value)}" for name, value in sorted(part.options.items()))])


def part(name: str, **options: Any) -> Part:
    """A `Part`, written shortly: `part("personvlad", parts=6)`."""
    return Part(name, options)


@dataclass(frozen=True)
class Clipping:
    """How a tracklet is cut into clips of `T` frames; `vreid_bench.modeling.clips` defines each sampler."""

    sampler: str  # the rule that chooses the frames of each clip
    T: int  # frames per clip; 0 with the sampler `all`
    clips: int = 1  # clips per tracklet, for samplers that draw a fixed number
    step: int = 0  # frames from one clip's start to the next, for `dense`; 0 means T
    padding: Literal["cycle", "last", "drop"] = "cycle"  # what fills a clip that is too short


@dataclass(frozen=True)
class Optimizer:
    """An optimizer of `torch.optim` and its options, as the paper prints them; `Schedule` holds the learning rate."""

    name: Literal["Adam", "AdamW", "SGD"] = "Adam"  # a class of `torch.optim`
    options: Mapping[str, Any] = field(default_factory=dict)  # arguments of that class, for instance weight_decay


@dataclass(frozen=True)
class Schedule:
    """Learning rate as a function of the step alone, so that a resumed run needs no scheduler state."""

    kind: Literal["constant", "step", "one-cycle"]  # how the rate changes over the steps
    rate: float  # learning rate at the start; for `one-cycle` at its peak
    every: Length = 0  # `step`: steps or epochs between two drops
    factor: float = 0.1  # `step`: a drop multiplies the rate by this
    floor: float = 0.0  # `step`: the rate never falls below this

    def check(self, where: str) -> None:
        """Raise InputError for a number that is out of range; `where` is the path of the schedule in its method."""
        _check(f"{where}.rate", self.rate, self.rate > 0, "a number above 0")
        if self.kind == "step":
            _check_length(f"{where}.every", self.every, "steps or epochs between two drops")

    def rate_after(self, drops: int) -> float:
        """`step`: the rate after that many drops."""
        return max(self.floor, self.rate * self.factor**drops)


@dataclass(frozen=True)
class Train:
    """A stage of gradient descent over PK batches: `P` identities, `K` tracklets of each."""

    clipping: Clipping
    losses: Mapping[str, float]  # name in `Method.losses` -> weight of that loss
    steps: Length  # of gradient descent, in all; or how many epochs, which follow from the data set
    P: int  # identities in a batch
    K: int  # tracklets of each identity in a batch
    schedule: Schedule
    optimizer: Optimizer = Optimizer()
    train: tuple[str, ...] = ("*",)  # patterns: parameters with these names are trained
    freeze: tuple[str, ...] = ()  # patterns: of those, parameters with these names are not
    augment: tuple[Part, ...] = ()  # augmentations of the training clips, in order
    matcher: Part | None = None  # replaces the method's matcher during this stage
    # > 0: encoder and aggregator are frozen, and the features of this many augmented views are computed once
    cached: int = 0
    corruption: ClipCorruption = UNSPOILED  # spoils some clips of each tracklet, before they are augmented
    unlabelled: int = 0  # tracklets of unknown people in a batch, beside P K; losses that learn from them see them

    def check(self, where: str) -> None:
        """Raise InputError for a number that is out of range; `where` is the path of the stage in its method."""
        _check_length(f"{where}.steps", self.steps, "a whole number above 0, or epochs")
        for name in ("P", "K"):
            value = getattr(self, name)
            _check(f"{where}.{name}", value, value > 0, "a whole number above 0")
        _check(f"{where}.cached", self.cached, self.cached >= 0, "a whole number of at least 0")
        _check(f"{where}.unlabelled", self.unlabelled, self.unlabelled >= 0, "a whole number of at least 0")
        _check(f"{where}.unlabelled", self.unlabelled, not (self.cached and self.unlabelled), "0 in a cached stage")
        self.schedule.check(f"{where}.schedule")

    @property
    def tracklets(self) -> int:
        """The tracklets of a step."""
        return self.P * self.K + self.unlabelled

    def in_steps(self, size: TrainingSize) -> Train:
        """The stage with its length, and that between two drops, in steps on a training set of that size."""
        every = to_steps(self.schedule.every, size, self.P, self.K)
        schedule = replace(self.schedule, every=every)
        return replace(self, steps=to_steps(self.steps, size, self.P, self.K), schedule=schedule)

    def trains(self, name: str) -> bool:
        """Does the parameter of that name learn in this stage?"""
        chosen = any(fnmatchcase(name, pattern) for pattern in self.train)
        return chosen and not any(fnmatchcase(name, pattern) for pattern in self.freeze)


@dataclass(frozen=True)
class Fit:
    """A stage in closed form: `part.fit(...)` over the training tracklets (k-means centres, XQDA)."""

    part: Literal["aggregator", "matcher"]  # which part is fitted
    clipping: Clipping


Stage = Train | Fit


@dataclass(frozen=True)
class Reported:
    """One number as its paper prints it: where, on which data, under which protocol."""

    dataset: str  # or the name of the protocol, if it differs from the data set's own test
    metric: str
    value: float  # a fraction
    where: str  # table and row
    note: str = ""  # why it may not be comparable
    reranked: bool = False  # scored after re-ranking
    condition: str = ""  # of the protocol, by its name there; empty: what the protocol ranks by
    settings: Mapping[str, Any] = field(default_factory=dict)  # of the method, as `--set` names them; {}: as declared


def reported_row(
    where: str, columns: Mapping[str, str], numbers: str, note: str = "", reranked: bool = False
) -> tuple[Reported, ...]:
    """One row of a paper's table: `reported_row("Table 1, Ours", {"mars": "mAP R1 R5"}, "61.4 72.6 -")`.

    columns: data set -> the metrics of its columns, from left to right. numbers: as printed, in percent, `-` for none.
    Raises ValueError if the row has more or fewer numbers than columns.
    """
    places = [(dataset, metric) for dataset, metrics in columns.items() for metric in metrics.split()]
    return tuple(
        Reported(dataset, metric, round(float(number) / 100, 4), where, note, reranked)
        for (dataset, metric), number in zip(places, numbers.split(), strict=True)
        if number != "-"
    )


def reported_table(
    table: str, columns: Mapping[str, str], rows: Mapping[str, str], note: str = "", reranked: Sequence[str] = ()
) -> tuple[Reported, ...]:
    """Several rows of a paper's table: `rows` maps the label of a row to its numbers, as in `reported_row`.

    reranked: the labels of the rows that were scored after re-ranking.
    """
    each = (
        reported_row(f"{table}, {label}", columns, numbers, note, label in reranked) for label, numbers in rows.items()
    )
    return tuple(number for row in each for number in row)


@dataclass(frozen=True)
class Method:
    """A recipe: everything that decides a run, apart from data, protocol and seed."""

    encoder: Part  # clip -> feature maps
    aggregator: Part  # feature maps -> clip embedding
    matcher: Part  # clips of two tracklets -> distance
    test: Clipping
    size: tuple[int, int]  # height, width in pixels
    losses: Mapping[str, Part] = field(default_factory=dict)  # the training objectives, by name
    stages: tuple[Stage, ...] = ()
    reported: tuple[Reported, ...] = ()  # the paper's numbers of this method
    quoted: tuple[Reported, ...] = ()  # the paper's numbers of other systems; one method of each paper holds them
    paper: str = ""  # authors, title, year
    # encoder, aggregator, matcher: those that begin from published weights -> patterns of the names that these must
    # fill; what else fits is taken, too
    begins: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    # those that begin from weights that their own package ships, where it has some for exactly their options
    shipped: tuple[Loadable, ...] = ()

    def __post_init__(self) -> None:
        check_fields(self)
        pair = isinstance(self.size, tuple | list) and len(self.size) == 2
        positive = pair and all(isinstance(side, int) and side > 0 for side in self.size)
        _check("size", self.size, positive, "height and width in pixels")
        for kind in self.begins:
            _check_choice("a part that begins from published weights", kind, LOADABLE)
        for number, stage in enumerate(self.stages):
            if isinstance(stage, Train):
                stage.check(f"stages.{number}")
                self._check_weights(f"stages.{number}.losses", stage.losses)

    def _check_weights(self, where: str, weights: Mapping[str, float]) -> None:
        for name, weight in weights.items():
            _check_choice(f"a loss of {where}", name, tuple(self.losses))
            number = isinstance(weight, int | float) and not isinstance(weight, bool)
            _check(f"{where}.{name}", weight, number and weight >= 0, "a number of at least 0, the weight of that loss")

    @property
    def protocols(self) -> tuple[str, ...]:
        """The protocols under which its paper reports numbers of it, by name."""
        return tuple(dict.fromkeys(number.dataset for number in self.reported))

    @property
    def budget(self) -> dict[str, int]:
        """The size of the training: identities, tracklets, clips and frames of the largest step, and all steps.

        Raises TypeError if a length is still in epochs.
        """
        stages = [stage for stage in self.stages if isinstance(stage, Train)]
        seen = [stage for stage in stages if not stage.cached]  # a cached stage puts no frame through the network
        tracklets, clips, frames = max(
            (
                (s.tracklets, s.tracklets * s.clipping.clips, s.tracklets * s.clipping.clips * s.clipping.T)
                for s in seen
            ),
            key=lambda budget: budget[2],
            default=(0, 0, 0),
        )
        step = {"identities": max((s.P for s in stages), default=0), "tracklets": tracklets}
        return {**step, "clips": clips, "frames": frames, "steps": sum(plain_steps(s.steps) for s in stages)}

    def with_part(self, kind: Literal["encoder", "aggregator", "matcher"], part: Part, *, fits: bool = False) -> Method:
        """The same recipe with its part of that kind replaced.

        fits: can the new part be fitted? Then the stage that fits its predecessor stays. Without one, an aggregator is
        fitted before training, as the words of VLAD are placed, and a matcher after it. A part that cannot be fitted
        takes that stage with it. If the predecessor begins from published weights, so does the new part; of another
        plugin, nothing is known that must fit.
        """
        fitting = [stage for stage in self.stages if isinstance(stage, Fit) and stage.part == kind]
        stages = self.stages if fits else tuple(stage for stage in self.stages if stage not in fitting)
        if fits and not fitting and kind == "aggregator":
            stages = (Fit("aggregator", self.test), *stages)
        if fits and not fitting and kind == "matcher":
            stages = (*stages, Fit("matcher", self.test))
        other = getattr(self, kind).name != part.name
        begins = {each: () if each == kind and other else patterns for each, patterns in self.begins.items()}
        changed: dict[str, Any] = {kind: part, "stages": stages, "begins": begins}
        return replace(self, **changed)

    def with_loss(self, part: Part) -> Method:
        """The same recipe with one more loss, of weight 1 in every training stage."""
        stages = tuple(
            replace(stage, losses={**stage.losses, part.name: 1.0}) if isinstance(stage, Train) else stage
            for stage in self.stages
        )
        return replace(self, losses={**self.losses, part.name: part}, stages=stages)


MethodFactory = Callable[[Preset], Method]
