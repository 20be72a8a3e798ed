"""What a run will do, decided and named before anything trains."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from vreid_bench.contracts.convention import Convention
from vreid_bench.contracts.dataset import Dataset, Split, dressed
from vreid_bench.contracts.protocol import Protocol
from vreid_bench.contracts.recipe import Part, Preset
from vreid_bench.contracts.split_numbers import parse_numbers, write_numbers
from vreid_bench.modeling.pretrained import fit_file, weights_file
from vreid_bench.planning.data_root import data_root
from vreid_bench.planning.folds import Fold, divide, read_dataset
from vreid_bench.planning.method import ChosenMethod, choose_method, list_providers, method_of_record
from vreid_bench.planning.protocols import find_protocol
from vreid_bench.planning.source import EarlierRun, NewTraining, Source
from vreid_bench.planning.training_recipe import TrainingRecipe
from vreid_bench.records.record import in_path
from vreid_bench.registry.registry import Registry
from vreid_bench.registry.settings import described, named_part
from vreid_bench.scoring.rerank.items import MEMORY
from vreid_bench.system.errors import InputError
from vreid_bench.system.fingerprint import digest


@dataclass(frozen=True)
class RunRequest:
    """What the command line asked for."""

    name: str | None  # a method, or a part for the baseline recipe
    protocol: str
    data: Path | None = None
    preset: Preset | None = None
    seed: int | None = None  # None: 0, or the seed of the run that `--from` names
    assignments: tuple[str, ...] = ()  # `--set`
    source: Path | None = None  # `--from`
    accept_withdrawn: tuple[str, ...] = ()  # names of datasets
    weights: str | None = None  # `--weights`
    splits: str | None = None  # `--splits`; None: all of the protocol, or all that `--from` has weights of
    runs: Path = Path("runs")
    device: str = "auto"
    threads: int | None = None
    checkpoint_every: float = 5.0  # seconds
    quiet: bool = False
    rerank: str | None = None  # a re-ranker, with options as `settings.named_part` reads them
    memory: int = MEMORY  # bytes for re-ranking; no number depends on it


@dataclass(frozen=True)
class Plan:
    """One run, completely described: equal plans are the same run."""

    registry: Registry
    chosen: ChosenMethod
    providers: tuple[Mapping[str, str], ...]  # who provides each part
    seed: int
    source: Source  # of the weights
    protocol: Protocol
    conventions: tuple[Convention, ...]
    folds: tuple[Fold, ...]  # those that run, ascending
    total: int  # folds of the protocol
    reranker: Part | None = None  # every option resolved
    memory: int = MEMORY  # bytes for re-ranking

    @property
    def recipe(self) -> TrainingRecipe:
        """What decides its weights, beside the data."""
        return TrainingRecipe(self.chosen.method, self.registry, self.providers, self.seed, self.source)

    @property
    def dataset(self) -> Dataset:
        """What is tested on."""
        return self.folds[0].dataset

    @property
    def trained_on(self) -> Dataset:
        """What is trained on first."""
        return self.folds[0].training[0].dataset

    @cached_property
    def id(self) -> str:
        """The run folder's name: what a reader looks for first, a hash over everything else, and which splits ran."""
        decides = {
            "method": described(self.chosen.method),
            "name": [self.chosen.name, self.chosen.swapped],
            "overrides": dict(self.chosen.overrides),
            "providers": [dict(provider) for provider in self.providers],
            "seed": self.seed,
            "source": self.source.fingerprints,
            "protocol": self.protocol.fingerprint,
            "conventions": [convention.fingerprint for convention in self.conventions],
            "dataset": [self.dataset.fingerprint, self.dataset.source],
            "trained on": self.trained_on.fingerprint,
            "reranker": described(self.reranker),
        }
        kind = "" if self.source.trains else "eval-"
        name = f"{self.protocol.name}-{in_path(self.chosen.name)}-{self.chosen.preset}-seed{self.seed}"
        numbers = write_numbers([fold.number for fold in self.folds])
        splits = "" if len(self.folds) == self.total else f"-splits{numbers}"
        return f"{name}-{kind}{digest(decides)[:8]}{splits}"

    @property
    def identity(self) -> dict[str, Any]:
        """The names by which trackers know the run."""
        chosen = self.chosen
        names = {"method": chosen.name, "protocol": self.protocol.name, "preset": chosen.preset, "seed": self.seed}
        return {"id": self.id, **names}


def plan_run(request: RunRequest) -> Plan:
    """Decide everything that the request leaves open. Raises InputError for what does not fit together."""
    registry = Registry.installed()
    protocol = find_protocol(registry, request.protocol)
    conventions = tuple(registry.get("conventions", name) for name in protocol.conventions)
    datasets, twin = open_datasets(protocol, registry, request)
    every = divide(protocol, datasets)
    check_clothes(conventions, datasets[protocol.tested], [fold.test for fold in every])
    if request.source is None:
        chosen, source = plan_training(request, registry, request.preset or ("small" if twin else "paper"))
        seed, numbers = request.seed or 0, parse_numbers(request.splits, len(every))
    else:
        source = EarlierRun.open(request.source, request.runs)
        chosen, seed, numbers = plan_test(source, request, registry, len(every))
        source.check_unseen(protocol, every, registry)
        source.check_weights(numbers)
    reranker = None if request.rerank is None else named_part("rerankers", request.rerank, registry)
    return Plan(
        registry=registry,
        chosen=chosen,
        providers=list_providers(chosen, registry, reranker),
        seed=seed,
        source=source,
        protocol=protocol,
        conventions=conventions,
        folds=tuple(every[number] for number in numbers),
        total=len(every),
        reranker=reranker,
        memory=request.memory,
    )


def plan_training(request: RunRequest, registry: Registry, preset: Preset) -> tuple[ChosenMethod, Source]:
    """The method that the request names, and what its training begins from."""
    if request.name is None:
        raise InputError("--plugin is missing: name a method; `vreid-bench list methods` shows all")
    chosen = choose_method(registry, request.name, preset, request.assignments)
    if request.weights is None:
        return chosen, NewTraining()
    return chosen, NewTraining(fit_file(weights_file(request.weights), chosen.method.encoder, registry))


def plan_test(
    source: EarlierRun, request: RunRequest, registry: Registry, total: int
) -> tuple[ChosenMethod, int, tuple[int, ...]]:
    """Method, seed and folds of a run that tests the weights of an earlier one.

    Raises InputError for an option that the earlier run has decided otherwise.
    """
    record = source.record
    if request.weights is not None:
        raise InputError(f"--weights {request.weights}: training begins from it, and --from does not train; drop one")
    was = record.method.name, record.preset, record.seed
    for asked, found in zip((request.name, request.preset, request.seed), was, strict=True):
        if asked not in (None, found):
            words = "{}, preset {}, seed {}".format(*was)
            raise InputError(f"--from {source.folder.path}: its weights are of {words}; leave these options out")
    chosen = method_of_record(registry, record, request.assignments)
    same = request.splits is None and source.total == total
    return chosen, record.seed, source.folds if same else parse_numbers(request.splits, total)


def open_datasets(protocol: Protocol, registry: Registry, request: RunRequest) -> tuple[dict[str, Dataset], bool]:
    """The datasets of a protocol, by name, and whether they are twins because no copy was named.

    Raises InputError if one cannot be read, or if they are not of one source: no table mixes real with rendered.
    """
    variants = {protocol.dataset: protocol.variant}
    if protocol.target:
        variants[protocol.target] = protocol.target_variant
    found, twin = {}, False
    for name, variant in variants.items():
        root, twin = data_root(registry, name, request.data, request.accept_withdrawn, shelf=len(variants) > 1)
        found[name] = read_dataset(registry.get("datasets", name), name, variant, root)
    if len({dataset.source == "synthetic" for dataset in found.values()}) > 1:
        sources = " and ".join(f"{name} is {dataset.source}" for name, dataset in found.items())
        raise InputError(f"{protocol.name}: {sources}; transfer needs both real or both synthetic")
    return found, twin


def check_clothes(conventions: Iterable[Convention], dataset: Dataset, splits: Iterable[Split]) -> None:
    """Raises InputError if a convention uses what people wear and the dataset does not say it."""
    needing = [convention.name for convention in conventions if convention.clothes != "any"]
    if needing and not all(map(dressed, splits)):
        raise InputError(
            f"{dataset.root}: {dataset.name} does not say which clothes are worn in every test tracklet, and the "
            f"convention {needing[0]!r} needs it; choose a protocol without it"
        )
