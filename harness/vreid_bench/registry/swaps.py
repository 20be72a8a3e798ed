"""Swapping parts of a recipe with `--set`: which places hold parts, and the values that may be put there."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, NamedTuple

from vreid_bench.contracts.recipe import Fit, Method, Part, Train
from vreid_bench.registry.registry import Registry
from vreid_bench.system.errors import InputError, suggestion


class Place(NamedTuple):
    """Where a recipe holds a part, several parts, or None for a part that may be absent."""

    path: str  # dotted, as `--set` takes it
    kind: str  # of the parts that fit, as `vreid-bench list` names it
    value: Part | tuple[Part, ...] | None
    optional: bool = False  # may it be None?


def list_places(method: Method) -> Iterator[Place]:
    """Every place of a method that holds parts; a part inside a part comes after it."""
    yield from _nest("encoder", "encoders", method.encoder)
    yield from _nest("aggregator", "aggregators", method.aggregator)
    yield from _nest("matcher", "matchers", method.matcher)
    for name, loss in method.losses.items():
        yield from _nest(f"losses.{name}", "losses", loss)
    for number, stage in enumerate(method.stages):
        if isinstance(stage, Train):
            at = f"stages.{number}"
            yield Place(f"{at}.augment", "augmentations", stage.augment)
            for place, augmentation in enumerate(stage.augment):
                yield from _nest(f"{at}.augment.{place}", "augmentations", augmentation)
            yield Place(f"{at}.matcher", "matchers", stage.matcher, optional=True)
            if stage.matcher is not None:
                yield from list(_nest(f"{at}.matcher", "matchers", stage.matcher))[1:]


def list_tables(method: Method) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """(path, value) of every setting of a method that is a table of names and values."""
    for number, stage in enumerate(method.stages):
        if isinstance(stage, Train):
            yield f"stages.{number}.losses", stage.losses
            yield f"stages.{number}.optimizer.options", stage.optimizer.options


class Swap(NamedTuple):
    """What `--set` puts into a place."""

    value: Part | tuple[Part, ...] | None  # with every option filled in
    words: Any  # as plain JSON, which `parse_swap` reads again: the name alone where only a name was given


def parse_swap(place: Place, text: str, registry: Registry) -> Swap:
    """The value that `--set` gives to a place.

    A part is its name or `{"name": ..., "options": {...}}`; several are a JSON list of these, or names with commas.
    Raises InputError for an unknown name, with the near ones, for an unknown option and for any other value.
    """
    value = _parse_json(text)
    if value is None and place.optional:
        return Swap(None, None)
    if not isinstance(place.value, tuple):
        part = _read_part(place, value, registry)
        return Swap(part, part.name if isinstance(value, str) else _describe(part))
    several = value.split(",") if isinstance(value, str) else value
    if not isinstance(several, list):
        raise InputError(f'--set {place.path}: expected a list of {place.kind}, as in ["flip"] or [], got {text!r}')
    parts = tuple(_read_part(place, each, registry) for each in several)
    words = [part.name if isinstance(each, str) else _describe(part) for part, each in zip(parts, several, strict=True)]
    return Swap(parts, words)


def parse_table(path: str, text: str, method: Method) -> dict[str, Any]:
    """The table of names and values that `--set` gives to the setting at `path`.

    Raises InputError for anything but a JSON object of numbers and texts, and for the weight of a loss that the method
    does not have.
    """
    value = _parse_json(text)
    if not isinstance(value, dict):
        raise InputError(f'--set {path}: expected a table of names and values, as in {{"a": 1}}, got {text!r}')
    for name, each in value.items():
        if isinstance(each, float) and not math.isfinite(each):
            raise InputError(f"--set {path}: expected a finite number as {name!r}, got {each!r}")
    return _check_weights(path, value, method) if path.endswith(".losses") else value


def follow_swap(method: Method, path: str, registry: Registry) -> Method:
    """The method with the stages that its new part at `path` needs.

    A matcher that can be fitted is fitted after training, as it is with `--plugin`; a stage that fits a part is left
    out where the part cannot be fitted.
    """
    if path not in ("aggregator", "matcher"):
        return method
    part: Part = getattr(method, path)
    can_be_fitted = hasattr(registry.get(f"{path}s", part.name), "fit")
    fits = [stage for stage in method.stages if isinstance(stage, Fit) and stage.part == path]
    if can_be_fitted and not fits and path == "matcher":
        return method.with_part("matcher", part, fits=True)
    if fits and not can_be_fitted:
        return replace(method, stages=tuple(stage for stage in method.stages if stage not in fits))
    return method


def freeze(value: Any) -> Any:
    """A value of JSON as a recipe holds it: lists become tuples."""
    return tuple(freeze(each) for each in value) if isinstance(value, list) else value


def _nest(path: str, kind: str, part: Part) -> Iterator[Place]:
    yield Place(path, kind, part)
    for option, value in part.options.items():
        if isinstance(value, Part):
            yield from _nest(f"{path}.{option}", kind, value)


def _read_part(place: Place, value: Any, registry: Registry) -> Part:
    if isinstance(value, str):
        return registry.resolve(place.kind, Part(value.strip()))
    if isinstance(value, dict) and isinstance(value.get("name"), str) and value.keys() <= {"name", "options"}:
        options = value.get("options", {})
        if isinstance(options, dict):
            inner = {name: _read_option(place, option, registry) for name, option in options.items()}
            return registry.resolve(place.kind, Part(value["name"], inner))
    raise InputError(
        f"--set {place.path}: expected the name of one of `vreid-bench list {place.kind}`, "
        f'or {{"name": ..., "options": {{...}}}}, got {json.dumps(value)}'
    )


def _read_option(place: Place, value: Any, registry: Registry) -> Any:
    if isinstance(value, dict) and "name" in value:
        return _read_part(place, value, registry)
    return freeze(value)


def _describe(value: Any) -> Any:
    if isinstance(value, Part):
        return {"name": value.name, "options": {name: _describe(option) for name, option in value.options.items()}}
    return [_describe(each) for each in value] if isinstance(value, tuple) else value


def _check_weights(path: str, weights: Mapping[str, Any], method: Method) -> dict[str, float]:
    for name, weight in weights.items():
        if name not in method.losses:
            near = suggestion(name, method.losses) or f"; the method has {', '.join(method.losses)}"
            raise InputError(f"--set {path}: the method has no loss {name!r}{near}")
        if isinstance(weight, bool) or not isinstance(weight, int | float):
            raise InputError(f"--set {path}: expected a number as the weight of {name!r}, got {weight!r}")
    return {name: float(weight) for name, weight in weights.items()}


def _parse_json(text: str) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError:
        return text
