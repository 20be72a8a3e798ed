"""Which method runs: by its own name, or the baseline with one part swapped in, with every setting decided."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from vreid_bench.contracts.recipe import Fit, Method, Part, Preset, Train
from vreid_bench.records.record import Record
from vreid_bench.registry.registry import KINDS, Entry, Registry, suggestion
from vreid_bench.registry.settings import described, override, resolved
from vreid_bench.system.errors import InputError

BASELINE = "mean-pooling"  # the recipe that a lone part is tried in
SWAPPABLE = ("encoders", "aggregators", "matchers")  # a part of these kinds takes the place of the baseline's


@dataclass(frozen=True)
class ChosenMethod:
    """A method with every option resolved, and how it came about."""

    name: str  # of the method, or of the part that was put into the baseline
    entry: Entry  # who provides `name`
    swapped: str  # "aggregator", ... if `name` is a part in the baseline, else ""
    preset: Preset
    method: Method  # overrides applied
    overrides: Mapping[str, Any]  # full path -> value

    @property
    def modified(self) -> bool:
        """Is this not simply the published method?"""
        return bool(self.overrides or self.swapped)


def choose_method(registry: Registry, name: str, preset: Preset, assignments: Sequence[str] = ()) -> ChosenMethod:
    """The method of that name, or the baseline with the part of that name in its place, with `--set` assignments.

    A loss is added with weight 1 to every training stage, any other part replaces the baseline's. Raises InputError
    for a name that nothing, or that only parts of several kinds, carry.
    """
    entry = registry.find("methods", name)
    if entry is not None:
        with entry.blamed():
            method = entry.value(preset)
        swapped = ""
    else:
        entry = _find_part(registry, name)
        swapped = KINDS[entry.kind]
        method = _swap(registry.get("methods", BASELINE)(preset), entry)
    method, overrides = override(resolved(method, registry), assignments)
    return ChosenMethod(name, entry, swapped, preset, method, overrides)


def method_of_record(registry: Registry, record: Record, assignments: Sequence[str]) -> ChosenMethod:
    """The method as that record ran it, with further assignments.

    Raises InputError if the installed recipe is no longer the recorded one.
    """
    entry = record.method
    inherited = [f"{path}={json.dumps(value)}" for path, value in entry.overrides.items()]
    chosen = choose_method(registry, entry.name, record.preset, inherited)
    if described(chosen.method) != entry.recipe:
        raise InputError(
            f"--from: the recipe of {entry.name!r} has changed since that run; train it anew, or install the "
            f"version that trained it ({record.environment.packages.get('vreid-bench', 'unknown')})"
        )
    method, overrides = override(chosen.method, assignments)
    return replace(chosen, method=method, overrides={**chosen.overrides, **overrides})


def list_providers(chosen: ChosenMethod, registry: Registry, reranker: Part | None) -> tuple[Mapping[str, str], ...]:
    """Who provides the method and each of its parts: kind, name, distribution, version; each once, sorted."""
    plugins = {(KINDS[chosen.entry.kind], chosen.entry.name): chosen.entry.plugin}
    for kind, part in [*_parts(chosen.method), *([("rerankers", reranker)] if reranker else [])]:
        plugins[KINDS[kind], part.name] = registry.entry(kind, part.name).plugin
    return tuple(
        {"kind": kind, "name": name, "distribution": plugin.distribution, "version": plugin.version}
        for (kind, name), plugin in sorted(plugins.items())
    )


def _find_part(registry: Registry, name: str) -> Entry:
    """The one part of that name. Raises InputError if there is none, or one of each of several kinds."""
    parts = [found for kind in (*SWAPPABLE, "losses") if (found := registry.find(kind, name))]
    if not parts:
        known = [e.name for kind in ("methods", *SWAPPABLE, "losses") for e in registry.entries(kind)]
        raise InputError(f"no method or part is named {name!r}{suggestion(name, known)}; `vreid-bench list` shows all")
    if len(parts) > 1:
        kinds = " and ".join(f"an {KINDS[p.kind]}" if p.kind[0] in "ae" else f"a {KINDS[p.kind]}" for p in parts)
        raise InputError(f"{name!r} names {kinds}; write a method that uses the one you mean")
    return parts[0]


def _swap(baseline: Method, entry: Entry) -> Method:
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
