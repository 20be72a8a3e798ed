"""What a run will do, decided and named before anything trains."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from vreid_bench.contracts.dataset import Dataset, Split, knows_clothes, person_ids
from vreid_bench.contracts.protocol import Convention, Protocol, digest
from vreid_bench.contracts.recipe import Fit, Method, Part, Preset, Train
from vreid_bench.contracts.split_numbers import chosen, written
from vreid_bench.modeling.corruption import check_corruption
from vreid_bench.modeling.pretrained import WeightsFile, weights_file
from vreid_bench.planning.data_root import data_root
from vreid_bench.planning.folds import Fold, folds, read
from vreid_bench.planning.protocols import named
from vreid_bench.records.record import Record, in_path
from vreid_bench.registry.registry import KINDS, Entry, Registry, suggestion
from vreid_bench.registry.settings import described, named_part, override, resolved
from vreid_bench.scoring.rerank.items import MEMORY
from vreid_bench.system.errors import InputError

BASELINE = "mean-pooling"  # the recipe that a lone part is tried in
SWAPPABLE = ("encoders", "aggregators", "matchers")  # a part of these kinds takes the place of the baseline's


@dataclass(frozen=True)
class Request:
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

    name: str  # of the method, or of the part that was put into the baseline
    method: Method  # every option resolved, overrides applied
    entry: Entry  # who provides `name`
    swapped: str  # "aggregator", ... if `name` is a part in the baseline, else ""
    preset: Preset
    overrides: Mapping[str, Any]
    protocol: Protocol
    conventions: tuple[Convention, ...]
    dataset: Dataset  # what is tested on
    folds: tuple[Fold, ...]  # all of the protocol
    chosen: tuple[int, ...]  # which of them run, ascending
    seed: int
    source: Path | None  # folder of the run whose weights are evaluated; None if this run trains
    source_weights: str  # their sha256, "" if this run trains
    providers: tuple[Mapping[str, str], ...]  # who provides each part
    pretrained: WeightsFile | None = None  # what the encoder begins training from
    reranker: Part | None = None  # every option resolved
    memory: int = MEMORY  # bytes for re-ranking

    @cached_property
    def id(self) -> str:
        """The run folder's name: the family's, and which splits if not all."""
        return self.family + ("" if len(self.chosen) == len(self.folds) else f"-splits{written(self.chosen)}")

    @property
    def taught(self) -> Dataset:
        """What is trained on first."""
        return self.folds[0].lessons[0].dataset

    @cached_property
    def family(self) -> str:
        """What runs share that differ in their choice of splits alone, so that one may take splits from another.

        It is what a reader wants to know first, and a hash over everything else.
        """
        decides = {
            "method": described(self.method),
            "name": [self.name, self.swapped],
            "protocol": self.protocol.fingerprint,
            "conventions": [c.fingerprint for c in self.conventions],
            "dataset": self.dataset.fingerprint,
            "source": self.dataset.source,
            "seed": self.seed,
            "overrides": dict(self.overrides),
            "weights": self.source_weights,
            "providers": [dict(p) for p in self.providers],
        }
        if self.taught is not self.dataset:
            decides["taught"] = self.taught.fingerprint
        kind = "eval-" if self.source else ""
        if self.pretrained is not None:
            decides["pretrained"] = self.pretrained.sha256
        if self.reranker is not None:
            decides["reranker"] = described(self.reranker)
        return f"{self.protocol.name}-{in_path(self.name)}-{self.preset}-seed{self.seed}-{kind}{digest(decides)[:8]}"


def plan_run(registry: Registry, request: Request) -> Plan:
    """Decide everything that the request leaves open. Raises InputError for what does not fit together."""
    protocol = named(registry, request.protocol)
    if protocol.corruption:
        check_corruption(protocol.corruption)
    conventions = tuple(registry.get("conventions", name) for name in protocol.conventions)
    datasets, twin = datasets_of(protocol, registry, request)
    dataset = datasets[protocol.tested]
    divided = folds(protocol, datasets)
    check_clothes(conventions, dataset, [fold.test for fold in divided])
    name, preset, seed, earlier = request.name, request.preset, request.seed, None
    source, wanted = None, request.splits
    if request.source is not None:
        if request.weights is not None:
            raise InputError(
                f"--weights {request.weights}: training begins from it, and --from does not train; drop one"
            )
        source = source_run(request.source, request.runs)
        earlier = Record.from_file(source / "record.json")
        if any(asked not in (None, was) for asked, was in zip((name, preset, seed), _asked(earlier), strict=True)):
            was = "{}, preset {}, seed {}".format(*_asked(earlier))
            raise InputError(f"--from {source}: its weights are of {was}; leave these options out")
        name, preset, seed = _asked(earlier)
        check_unseen(earlier, protocol, divided, dataset, registry)
        if wanted is None and earlier.splits is not None and earlier.splits.total == len(divided):
            wanted = written(earlier.splits.ran)
    if name is None:
        raise InputError("--plugin is missing: name a method; `vreid-bench list methods` shows all")
    preset = preset or ("small" if twin else "paper")
    method, entry, swapped = chosen_method(registry, name, preset)
    method, inherited = _as_trained(method, earlier) if earlier else (method, {})
    method, overrides = override(method, request.assignments)
    reranker = None if request.rerank is None else named_part("rerankers", request.rerank, registry)
    return Plan(
        name=name,
        method=method,
        entry=entry,
        swapped=swapped,
        preset=preset,
        overrides={**inherited, **overrides},
        protocol=protocol,
        conventions=conventions,
        dataset=dataset,
        folds=divided,
        chosen=chosen(wanted, len(divided)),
        seed=seed or 0,
        source=source,
        source_weights=earlier.weights.sha256 if earlier else "",
        providers=providers(method, registry, entry, reranker),
        pretrained=None if request.weights is None else weights_file(request.weights),
        reranker=reranker,
        memory=request.memory,
    )


def chosen_method(registry: Registry, name: str, preset: Preset) -> tuple[Method, Entry, str]:
    """The method of that name, or the baseline with the part of that name in its place.

    A loss is added with weight 1 to every training stage, any other part replaces the baseline's. Returns the
    resolved method, who provides the name, and the kind of part that was swapped in. Raises InputError for a
    name that nothing, or that only parts of several kinds, carry.
    """
    entry = registry.find("methods", name)
    if entry is not None:
        with entry.blamed():
            method = entry.value(preset)
        return resolved(method, registry), entry, ""
    parts = [found for kind in (*SWAPPABLE, "losses") if (found := registry.find(kind, name))]
    if not parts:
        known = [e.name for kind in ("methods", *SWAPPABLE, "losses") for e in registry.entries(kind)]
        raise InputError(f"no method or part is named {name!r}{suggestion(name, known)}; `vreid-bench list` shows all")
    if len(parts) > 1:
        kinds = " and ".join(f"an {KINDS[p.kind]}" if p.kind[0] in "ae" else f"a {KINDS[p.kind]}" for p in parts)
        raise InputError(f"{name!r} names {kinds}; write a method that uses the one you mean")
    [part] = parts
    baseline: Method = registry.get("methods", BASELINE)(preset)
    return resolved(_swapped(baseline, part), registry), part, KINDS[part.kind]


def datasets_of(protocol: Protocol, registry: Registry, request: Request) -> tuple[dict[str, Dataset], bool]:
    """The datasets of a protocol by name, and whether they are synthetic twins.

    Raises InputError if one cannot be read, or if they are not of one source: no table mixes real with rendered.
    """
    variants = {protocol.dataset: protocol.variant}
    if protocol.target:
        variants[protocol.target] = protocol.target_variant
    found, twin = {}, False
    for name, variant in variants.items():
        root, twin = data_root(registry, name, request.data, request.accept_withdrawn, shelf=len(variants) > 1)
        found[name] = read(registry.get("datasets", name), name, variant, root)
    if len({dataset.source == "synthetic" for dataset in found.values()}) > 1:
        sources = " and ".join(f"{name} is {dataset.source}" for name, dataset in found.items())
        raise InputError(f"{protocol.name}: {sources}; transfer wants both real or both synthetic")
    return found, twin


def check_unseen(
    earlier: Record, protocol: Protocol, divided: Iterable[Fold], dataset: Dataset, registry: Registry
) -> None:
    """Raises InputError if weights were trained on people whom they are to be tested on."""
    rules: dict[str, Any] = dict(earlier.protocol.rules)
    parts = [(rules["dataset"], rules.get("variant", ""), rules.get("holdout", 0.0))]
    if rules.get("fine_tune"):
        parts.append((rules["target"], rules.get("target_variant", ""), 0.0))
    for name, variant, holdout in parts:
        if name != protocol.tested:
            continue
        before = replace(protocol, dataset=name, variant=variant, holdout=holdout, target="", fine_tune=0.0)
        taught = folds(before, {name: read(registry.get("datasets", name), name, variant, dataset.root)})
        for number, fold in enumerate(divided):
            trained = set(person_ids(taught[number % len(taught)].train))
            seen = trained & {fold.test.test[row].pid for row in fold.test.query}
            if seen:
                raise InputError(
                    f"--from: {earlier.protocol.name} trained on {len(seen)} of the people whom {protocol.name} asks "
                    "for; a test on them says nothing, so train under this protocol"
                )


def check_clothes(conventions: Iterable[Convention], dataset: Dataset, splits: Iterable[Split]) -> None:
    """Raises InputError if a convention asks what people wear and the dataset does not say it."""
    asking = [c.name for c in conventions if c.clothes != "any"]
    if asking and not all(map(knows_clothes, splits)):
        raise InputError(
            f"{dataset.root}: {dataset.name} does not say which clothes are worn in every test tracklet, and the "
            f"convention {asking[0]!r} asks for it; choose a protocol without it"
        )


def providers(
    method: Method, registry: Registry, entry: Entry, reranker: Part | None = None
) -> tuple[Mapping[str, str], ...]:
    """Who provides the method and each of its parts: kind, name, distribution, version; each once, sorted."""
    named = {(KINDS[entry.kind], entry.name): entry.plugin}
    for kind, part in [*_parts(method), *([("rerankers", reranker)] if reranker else [])]:
        named[KINDS[kind], part.name] = registry.entry(kind, part.name).plugin
    return tuple(
        {"kind": kind, "name": name, "distribution": plugin.distribution, "version": plugin.version}
        for (kind, name), plugin in sorted(named.items())
    )


def _asked(record: Record) -> tuple[str, Preset, int]:
    return record.method.name, record.preset, record.seed


def _as_trained(method: Method, record: Record) -> tuple[Method, dict[str, Any]]:
    """The method as that record ran it. Raises InputError if the installed recipe is no longer the recorded one."""
    inherited = [f"{path}={json.dumps(value)}" for path, value in record.method.overrides.items()]
    method, overrides = override(method, inherited)
    if described(method) != record.method.recipe:
        raise InputError(
            f"--from: the recipe of {record.method.name!r} has changed since that run; train it anew, or install the "
            f"version that trained it ({record.environment.packages.get('vreid-bench', 'unknown')})"
        )
    return method, overrides


def source_run(source: Path, runs: Path) -> Path:
    """The finished run folder that `--from` names by path or by id. Raises InputError if there is none."""
    for folder in (source, runs / source):
        if (folder / "record.json").is_file():
            return folder
    raise InputError(f"--from {source}: no finished run there (a record.json is wanted); `ls {runs}` shows the runs")


def _swapped(baseline: Method, entry: Entry) -> Method:
    if entry.kind == "losses":
        stages = tuple(
            replace(s, losses={**s.losses, entry.name: 1.0}) if isinstance(s, Train) else s for s in baseline.stages
        )
        return replace(baseline, losses={**baseline.losses, entry.name: Part(entry.name)}, stages=stages)
    field: dict[str, Any] = {KINDS[entry.kind]: Part(entry.name)}
    if entry.kind == "matchers" and hasattr(entry.value, "fit"):
        field["stages"] = (*baseline.stages, Fit("matcher", baseline.test))  # learned from the trained features
    return replace(baseline, **field)


def _parts(method: Method) -> Iterator[tuple[str, Part]]:
    outer = [("encoders", method.encoder), ("aggregators", method.aggregator), ("matchers", method.matcher)]
    outer += [("losses", loss) for loss in method.losses.values()]
    for stage in method.stages:
        if isinstance(stage, Train):
            outer += [("augmentations", a) for a in stage.augment]
            outer += [("matchers", stage.matcher)] if stage.matcher else []
    for kind, part in outer:
        yield kind, part
        yield from ((kind, value) for value in part.options.values() if isinstance(value, Part))
