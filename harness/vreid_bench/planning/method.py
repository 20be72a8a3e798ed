"""The method of a run: a method by its name, or the baseline with one part swapped; every setting is decided."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, NamedTuple

from vreid_bench.contracts.recipe import Method, Part, Preset, describe_part
from vreid_bench.records.entries import FROM_SCRATCH, HELD_OUT
from vreid_bench.registry.assignments import override, parse_part
from vreid_bench.registry.entry import KINDS, Entry
from vreid_bench.registry.registry import Registry
from vreid_bench.registry.settings import describe, list_places
from vreid_bench.system.errors import InputError

BASELINE = "mean-pooling"  # the recipe in which a single part is tried
OF_TEST = ("test.", "matcher.")  # settings that act at test, so that trained weights can be tested under others
SWAPPABLE = ("encoders", "aggregators", "matchers", "losses")  # kinds of parts that can be tried in it
RUNNABLE = ("methods", *SWAPPABLE)  # what `--plugin` names


class MethodRequest(NamedTuple):
    """Which method to run, from the options of the command or from the earlier run of `--from`."""

    name: str | None  # of a method, or of a part for the baseline
    preset: Preset
    seed: int
    assignments: Sequence[str] = ()  # `--set` of the earlier run
    trained: bool = False  # by the earlier run: only settings of the test may change
    held_out: float | None = None  # share of the training people whom `--validate` holds out of training


@dataclass(frozen=True)
class ChosenMethod:
    """A method with every option resolved, and how it was chosen."""

    name: str  # of the method, or of the part that was put into the baseline
    swapped: str  # "aggregator", ... if `name` is a part in the baseline, else ""
    preset: Preset
    method: Method  # overrides applied
    inherited: Method  # the same before the assignments of this request
    overrides: Mapping[str, Any]  # full path -> value; and those of `records.entries.NO_SETTINGS`
    providers: tuple[Mapping[str, str | None], ...]  # who provides the method and each of its parts
    reranker: Part | None  # every option resolved

    @cached_property
    def settings(self) -> dict[str, Any]:
        """The method as plain JSON."""
        settings: dict[str, Any] = describe(self.method)
        return settings

    def begin_randomly(self, parts: Sequence[str]) -> ChosenMethod:
        """The same, if these parts begin from random weights instead of the method's published ones."""
        return replace(self, overrides={**self.overrides, FROM_SCRATCH: list(parts)}) if parts else self

    @property
    def reranking(self) -> str | None:
        """The re-ranker with its options, in words."""
        return describe_part(self.reranker) if self.reranker else None


def choose_recipe(registry: Registry, name: str, preset: Preset) -> tuple[Entry, str, Method]:
    """The method of that name, or the baseline with the part of that name, as it is declared.

    A loss is added with weight 1 to every training stage, any other part replaces the baseline's. Returns the entry of
    the name, the kind of the part (empty for a method) and the recipe. Raises InputError if no method or part has the
    name, or if parts of several kinds have it.
    """
    entry = registry.choose(name, RUNNABLE)
    if entry.kind == "methods":
        return entry, "", registry.build_method(entry, preset)
    baseline = registry.build_method(registry.entry("methods", BASELINE), preset)
    kind: Any = KINDS[entry.kind]
    if entry.kind == "losses":
        return entry, kind, baseline.with_loss(Part(name))
    return entry, kind, baseline.with_part(kind, Part(name), fits=entry.can_fit)


def choose_method(
    registry: Registry, request: MethodRequest, assignments: Sequence[str], rerank: str | None
) -> ChosenMethod:
    """The method of that name, or the baseline with the part of that name (`choose_recipe`).

    `assignments` are those of `--set`, `rerank` is that of `--rerank`. Raises InputError as `choose_recipe`, and for an
    assignment that cannot be made.
    """
    name, preset, _, inherited, trained, held_out = request
    if name is None:
        raise InputError("--plugin is missing: name a method; `vreid-bench list methods` shows all")
    entry, swapped, method = choose_recipe(registry, name, preset)
    earlier, before = override(method, inherited, registry)
    method, after = override(earlier, assignments, registry, OF_TEST if trained else ())
    reranker = None if rerank is None else parse_part("rerankers", rerank, registry)
    parts = [(kind, part) for _, kind, part, _ in list_places(method) if isinstance(part, Part)]
    parts += [("rerankers", reranker)] if reranker else []
    return ChosenMethod(
        name=name,
        swapped=swapped,
        preset=preset,
        method=method,
        inherited=earlier,
        overrides={**before, **after, **({} if held_out is None else {HELD_OUT: held_out})},
        providers=registry.providers(entry, parts),
        reranker=reranker,
    )
