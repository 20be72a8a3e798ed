"""Everything that a run will do, decided before anything trains."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from functools import cached_property
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple

from vreid_bench.contracts.convention import Convention
from vreid_bench.contracts.dataset import Dataset
from vreid_bench.contracts.precision import DEFAULT, Precision
from vreid_bench.contracts.protocol import Protocol
from vreid_bench.contracts.recipe import Preset
from vreid_bench.contracts.split_numbers import format_splits, parse_splits
from vreid_bench.modeling.flow import describe_sources
from vreid_bench.planning.beginning import Beginning
from vreid_bench.planning.buildable import check_buildable
from vreid_bench.planning.checkpoint import CheckpointRequest, CheckpointWeights, open_checkpoint
from vreid_bench.planning.code import Code, fingerprint_code
from vreid_bench.planning.content import add_content
from vreid_bench.planning.data_root import open_datasets
from vreid_bench.planning.declaration import Declaration, declare
from vreid_bench.planning.earlier_run import EarlierRun
from vreid_bench.planning.fold_check import check_attributes, check_folds
from vreid_bench.planning.folds import Fold, divide
from vreid_bench.planning.method import ChosenMethod, MethodRequest, choose_method
from vreid_bench.planning.preset import choose_preset
from vreid_bench.planning.protocols import find_conventions, find_protocol
from vreid_bench.planning.source import NewTraining, Source
from vreid_bench.planning.trainings import check_unlabelled, describe_trainings, plan_training
from vreid_bench.planning.unscored import announce_ranking
from vreid_bench.planning.validation import ValidationRequest
from vreid_bench.records.entries import name_first_weights
from vreid_bench.records.planned_run import PlannedRun
from vreid_bench.records.record import in_path
from vreid_bench.records.scores import Splits
from vreid_bench.registry.assignments import parse_part
from vreid_bench.registry.entry import Entry
from vreid_bench.registry.registry import Registry
from vreid_bench.registry.settings import describe
from vreid_bench.scoring.rerank.items import RERANK_MEMORY
from vreid_bench.system.arithmetic import is_pinned, name_arithmetic
from vreid_bench.system.errors import InputError
from vreid_bench.system.fingerprint import digest

DEFAULT_PROTOCOL = "mars"


@dataclass(frozen=True)
class RunRequest:
    """The options of the command line."""

    name: str | None  # a method, or a part for the baseline recipe
    protocol: str | None  # None: that of the run that `--from` names, else DEFAULT_PROTOCOL
    data: Path | None = None
    preset: Preset | None = None
    seed: int | None = None  # None: 0, or the seed of the run that `--from` names
    assignments: tuple[str, ...] = ()  # `--set`
    source: Path | None = None  # `--from`
    checkpoint: str | None = None  # `--checkpoint`, FAMILY:FILE
    anew: bool = False  # run again beside a finished run
    yes: bool = False  # run however long it is estimated to take
    accept_withdrawn: tuple[str, ...] = ()  # names of datasets
    weights: tuple[str, ...] = ()  # `--weights`
    from_scratch: bool = False
    splits: str | None = None  # `--splits`; None: all of the protocol, or those of `--from`
    validate: str | None = None  # `--validate`
    precision: Precision | None = None  # of the network in training; None: fp32, or that of `--from`
    runs: Path = Path("runs")
    device: str = "auto"
    threads: int | None = None
    checkpoint_every: float = 5.0  # seconds
    quiet: bool = False
    rerank: str | None = None  # a re-ranker, with options as `assignments.parse_part` reads them
    memory: int = RERANK_MEMORY  # bytes for re-ranking; does not change any number
    trackers: tuple[str, ...] = ()  # `--tracker`, as `assignments.parse_part` reads them; change no number


@dataclass(frozen=True)
class Plan:
    """A complete description of one run: equal plans are the same run."""

    registry: Registry
    chosen: ChosenMethod
    seed: int
    code: Code  # that the numbers belong to
    beginning: Beginning  # of a new training
    source: Source  # of the weights
    protocol: Protocol
    conventions: tuple[Convention, ...]
    folds: tuple[Fold, ...]  # the folds that run, ascending
    total: int  # folds of the protocol
    declaration: Declaration  # the entries of its record
    # version of torch; device and threads as they were asked for; which last bits; what computes the encoder's planes
    arithmetic: tuple[str | int | None, ...]
    budget: Mapping[str, int]  # of the last training of a fold, as `Method.budget` has it; of `--from`: of that run
    memory: int = RERANK_MEMORY  # bytes for re-ranking

    @property
    def dataset(self) -> Dataset:
        """The dataset tested on."""
        return self.folds[0].dataset

    @property
    def encoder(self) -> Entry:
        """The encoder of its method."""
        return self.registry.entry("encoders", self.chosen.method.encoder.name)

    @property
    def trained_on(self) -> Dataset:
        """The dataset trained on first."""
        return self.folds[0].training[0].dataset

    @property
    def data_roots(self) -> dict[str, Path]:
        """Where its data is, by name of the data set."""
        return {self.protocol.dataset: self.trained_on.root, self.protocol.test_dataset: self.dataset.root}

    @cached_property
    def id(self) -> str:
        """The name of the run's folder: protocol, data, method, preset, seed, a hash of the plan, which splits run."""
        decides: dict[str, Any] = {
            "method": self.chosen.settings,
            "name": [self.chosen.name, self.chosen.swapped],
            "overrides": dict(self.chosen.overrides),
            "code": asdict(self.code),
            "seed": self.seed,
            "source": self.source.fingerprints,
            "protocol": self.protocol.fingerprint,
            "conventions": [convention.fingerprint for convention in self.conventions],
            "datasets": [
                [each.fingerprint, each.content, each.label, each.naming] for each in (self.dataset, self.trained_on)
            ],
            "reranker": describe(self.chosen.reranker),
            "arithmetic": self.arithmetic,
            "precision": self.source.precision,
        }
        if validation := self.folds[0].training[-1].validation:
            decides["validation"] = validation.every  # the share is among the overrides
        kind = "" if self.source.trains else "eval-"
        data = f"{self.protocol.name}@{self.dataset.label}"
        name = f"{data}-{in_path(self.chosen.name)}-{self.chosen.preset}-seed{self.seed}"
        numbers = format_splits([fold.number for fold in self.folds])
        splits = "" if len(self.folds) == self.total else f"-splits{numbers}"
        return f"{name}-{kind}{digest(decides)[:8]}{splits}"

    @property
    def described(self) -> PlannedRun:
        """What the run is, as a list of runs shows it."""
        chosen, data = self.chosen, f"{self.dataset.name}@{self.dataset.label}"
        ran = Splits(total=self.total, ran=tuple(fold.number for fold in self.folds)) if self.total > 1 else None
        own = [file for file in self.beginning.files if not file.shipped]
        weights = (name_first_weights(file.part, file.path.name, file.sha256) for file in own)
        differs = (*self.declaration.method.changes, *weights, *(ran.left_out if ran else ()))
        return PlannedRun(chosen.name, chosen.preset, self.seed, self.protocol.name, data, differs)

    @property
    def identity(self) -> dict[str, Any]:
        """The names by which trackers know the run."""
        chosen = self.chosen
        names = {"method": chosen.name, "protocol": self.protocol.name, "preset": chosen.preset, "seed": self.seed}
        return {"id": self.id, **names, "splits": self.total}


class Recipe(NamedTuple):
    """What a request decides without its data."""

    protocol: Protocol
    conventions: tuple[Convention, ...]
    earlier: EarlierRun | None  # of `--from`
    chosen: ChosenMethod
    seed: int
    validation: ValidationRequest | None
    beginning: Beginning  # of a new training
    checkpoint: CheckpointWeights | None = None  # of `--checkpoint`

    @property
    def trains(self) -> bool:
        """Does the run train its weights itself?"""
        return self.earlier is None and self.checkpoint is None

    @property
    def headline(self) -> Convention:
        """The convention that heads the table."""
        return next(each for each in self.conventions if each.name == self.protocol.headline)


def choose_recipe(registry: Registry, request: RunRequest, *, dry: bool = False) -> Recipe:
    """Everything that can be decided, and refused, before data is read or a twin is rendered.

    Raises InputError for a method, part, protocol or setting that does not exist, for an option that its part refuses,
    for an invalid `--from`, `--checkpoint` or `--validate`, and, unless `dry`, for a training that lacks the weights to
    begin from.
    """
    for tracker in request.trackers:
        parse_part("trackers", tracker, registry)
    if request.checkpoint is not None:
        return _choose_checkpoint(registry, request, request.checkpoint)
    validation = None if request.validate is None else ValidationRequest.parse(request.validate)
    if validation is not None and request.source is not None:
        raise InputError(f"--validate {request.validate}: scores a training, but --from does not train; leave one out")
    if request.source is not None and (request.weights or request.from_scratch):
        option = f"--weights {request.weights[0]}" if request.weights else "--from-scratch"
        raise InputError(f"{option}: says what training begins from, but --from does not train; leave one out")
    earlier = None
    if request.source is not None:
        given = (request.name, request.preset, request.seed, request.precision)
        earlier = EarlierRun.open(request.source, request.runs, given)
        protocol = earlier.find_protocol(registry, request.protocol)
    else:
        protocol = find_protocol(registry.values("protocols"), request.protocol or DEFAULT_PROTOCOL)
    conventions = find_conventions(protocol, registry)
    if earlier is not None:
        method_request = earlier.method_request
    else:
        preset = choose_preset(request.preset, request.data)
        share = validation.share if validation else None
        method_request = MethodRequest(request.name, preset, request.seed or 0, held_out=share)
    chosen = choose_method(registry, method_request, request.assignments, request.rerank)
    beginning = Beginning.choose(chosen, registry, request.weights, request.from_scratch)
    chosen = chosen.begin_randomly(earlier.record.method.from_scratch if earlier else beginning.scratch)
    check_buildable(registry, chosen)  # before the weights: whoever adds them should not meet a fault only then
    if earlier is None and not dry:
        beginning.check(chosen, asked=request.preset is not None)
    return Recipe(protocol, conventions, earlier, chosen, method_request.seed, validation, beginning)


def _choose_checkpoint(registry: Registry, request: RunRequest, text: str) -> Recipe:
    """The test of a checkpoint. Raises InputError for options that only a training or another run has."""
    others = {
        "--plugin": request.name,
        "--from": request.source,
        "--preset": request.preset,
        "--seed": request.seed,
        "--weights": request.weights or None,
        "--from-scratch": request.from_scratch or None,
        "--validate": request.validate,
        "--precision": request.precision,
    }
    given = [option for option, value in others.items() if value is not None]
    if given:
        raise InputError(
            f"{given[0]} and --checkpoint {text}: the file decides the method, and nothing is trained; "
            "leave one of them out"
        )
    protocol = find_protocol(registry.values("protocols"), request.protocol or DEFAULT_PROTOCOL)
    conventions = find_conventions(protocol, registry)
    asked = CheckpointRequest(text, request.assignments, request.rerank, request.quiet)
    chosen, checkpoint = open_checkpoint(registry, asked)
    return Recipe(protocol, conventions, None, chosen, 0, None, Beginning((), (), False), checkpoint)


def check_requests(requests: Iterable[RunRequest]) -> None:
    """Raises InputError for what is wrong in one of several requests before the first of them runs."""
    registry = Registry.installed()
    for request in requests:
        choose_recipe(registry, request)


def plan_run(registry: Registry, request: RunRequest, *, dry: bool = False) -> Plan:
    """Decide everything that the request leaves open. Raises InputError if parts of it do not fit together.

    dry: the plan is only to be shown. The content of its data is not known, and the weights that it begins from may be
        missing.
    """
    recipe = choose_recipe(registry, request, dry=dry)
    protocol, conventions, earlier, chosen, seed, validation, beginning, checkpoint = recipe
    sources = _describe_sources(registry, chosen)
    remembered = earlier.data_roots if earlier else {}
    listed = open_datasets(protocol, registry, request.data, request.accept_withdrawn, remembered)
    tested, trains = registry.entry("datasets", protocol.test_dataset), recipe.trains
    every = divide(protocol, listed, trains=trains)
    if protocol.ranks_tracklets:  # what else is ranked has labels of its own
        check_attributes(conventions, every)
    numbers = parse_splits(request.splits, len(every))
    folds = tuple(every[number] for number in numbers)
    check_folds(protocol, conventions, folds, tested.title, trains=trains)
    if trains:
        check_unlabelled(chosen.method, registry, folds)
        if not dry and not request.quiet:  # a dry run shows it
            beginning.tell_unfit()
    announce_ranking(protocol, folds)
    if validation is not None:
        validation.hold_out(folds, recipe.headline)  # refuses what cannot be scored before a frame is read
    # reads every frame once, so after all that the lists decide
    datasets = listed if dry else add_content(listed, request.quiet)
    if earlier is not None and request.data is None:
        earlier.check_data(datasets, protocol)
    every = divide(protocol, datasets, trains=trains)
    if checkpoint is not None:
        source: Source = checkpoint
    elif earlier is None:
        source = NewTraining.open(beginning.files, chosen.method, registry, request.quiet, request.precision or DEFAULT)
    else:
        if request.splits is None and earlier.total == len(every):
            numbers = earlier.folds
        source = earlier
        earlier.check(chosen, protocol, every, numbers, tested)
        earlier.tell_other_code(registry)
        earlier.tell_idle(request.assignments, chosen, registry)
    folds = tuple(every[number] for number in numbers)
    if validation is not None:
        folds = validation.hold_out(folds, recipe.headline)
    if earlier is None:
        trainings = describe_trainings(chosen.method, folds)
        budget = plan_training(chosen.method, folds[0].training).budget
    else:
        trainings, budget = earlier.record.method.trainings, earlier.budget
    return Plan(
        registry=registry,
        chosen=chosen,
        seed=seed,
        code=fingerprint_code(chosen.providers, protocol.test),
        beginning=beginning,
        source=source,
        protocol=protocol,
        conventions=conventions,
        folds=folds,
        total=len(every),
        declaration=declare(chosen, folds, trainings),
        arithmetic=(version("torch"), *_asked_machine(request), name_arithmetic(), *sources),
        budget=budget,
        memory=request.memory,
    )


def _asked_machine(request: RunRequest) -> tuple[str, int | None]:
    """Device and threads as they were asked for: `auto` is another machine elsewhere, and may be one with a GPU.

    Portable arithmetic has one thread of a CPU, whether it is named or not, so it is one run.
    """
    return ("auto", None) if is_pinned() else (request.device, request.threads)


def _describe_sources(registry: Registry, chosen: ChosenMethod) -> list[str]:
    """What computes the planes that the encoder reads, with its version."""
    encoder = registry.entry("encoders", chosen.method.encoder.name)
    try:
        return describe_sources(encoder.planes)
    except InputError as fault:
        raise InputError(f"{encoder.title} reads the plane 'flow': {fault}") from fault
