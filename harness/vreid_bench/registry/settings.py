"""The settings of a recipe: filling in defaults, writing them to the record, and changing them with `--set`."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import fields, is_dataclass, replace
from typing import Any

from vreid_bench.contracts.recipe import Fit, Method, Part, Train
from vreid_bench.registry.registry import Registry
from vreid_bench.system.errors import InputError, suggestion

PROSE = ("reported", "quoted", "paper")  # fields of a method that change no number


def resolve(method: Method, registry: Registry) -> Method:
    """The method with every option of every part filled in, so that the record shows all defaults."""
    losses = {name: registry.resolve("losses", loss) for name, loss in method.losses.items()}
    stages = tuple(_resolve_stage(stage, registry) for stage in method.stages)
    return replace(
        method,
        encoder=registry.resolve("encoders", method.encoder),
        aggregator=registry.resolve("aggregators", method.aggregator),
        matcher=registry.resolve("matchers", method.matcher),
        losses=losses,
        stages=stages,
    )


def describe(value: Any) -> Any:
    """A recipe as plain JSON: parts as {"name", "options"}, tuples as lists, every setting included."""
    if is_dataclass(value) and not isinstance(value, type):
        named = {f.name: describe(getattr(value, f.name)) for f in fields(value) if f.name not in PROSE}
        return {"stage": type(value).__name__.lower(), **named} if isinstance(value, Train | Fit) else named
    if isinstance(value, Mapping):
        return {str(k): describe(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [describe(v) for v in value]
    if value is None or isinstance(value, str | int | float | bool):
        return value
    return repr(value)


def override(method: Method, assignments: Sequence[str], only: tuple[str, ...] = ()) -> tuple[Method, dict[str, Any]]:
    """Apply `path=value` assignments to a resolved method.

    A path has dots (`losses.triplet.margin`, `stages.0.steps`); its end is enough if only one setting has it
    (`margin`). Values are JSON or text. `only`: beginnings of the paths that may be set; empty for all.
    Returns the new method and {full path: value} of the settings that changed. Raises InputError for a path that fits
    none or several settings or that may not be set, and for a value of the wrong type.
    """
    applied: dict[str, Any] = {}
    for assignment in assignments:
        path, equals, text = assignment.partition("=")
        if not equals or not path.strip():
            raise InputError(f"--set {assignment!r}: expected NAME=VALUE, for instance --set margin=0.2")
        full, present = _find(path.strip(), dict(settings(method)), only)
        value = _parse(full, text.strip(), present)
        if value != present:
            method = _replace(method, full.split("."), value)
            applied[full] = list(value) if isinstance(value, tuple) else value
    return method, applied


def parse_part(kind: str, text: str, registry: Registry) -> Part:
    """The part that the text `NAME` or `NAME:option=value,...` names, with every option filled in.

    Raises InputError for an unknown name or option, and for a value of the wrong type.
    """
    name, _, rest = text.partition(":")
    options = dict(registry.resolve(kind, Part(name)).options)
    for assignment in filter(None, rest.split(",")):
        option, equals, value = assignment.partition("=")
        if not equals:
            raise InputError(f"{text!r}: expected NAME:OPTION=VALUE,..., got {assignment!r}")
        if option in options:
            options[option] = _parse(option, value, options[option])
        else:
            options = dict(registry.resolve(kind, Part(name, {option: value})).options)  # raises the error
    return Part(name, options)


def settings(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Every setting of a recipe as (dotted path, value)."""
    for name, child in _children(value):
        at = f"{path}.{name}" if path else name
        if is_dataclass(child) or isinstance(child, Mapping) or _holds_parts(child):
            yield from settings(child, at)
        else:
            yield at, child


def _children(value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, Part):
        yield from value.options.items()
    elif isinstance(value, Mapping):
        yield from value.items()
    elif isinstance(value, tuple):
        yield from ((str(i), v) for i, v in enumerate(value))
    else:
        yield from ((f.name, getattr(value, f.name)) for f in fields(value) if f.name not in PROSE)


def _holds_parts(value: Any) -> bool:
    return isinstance(value, tuple) and any(is_dataclass(v) for v in value)


def _find(path: str, known: Mapping[str, Any], only: tuple[str, ...]) -> tuple[str, Any]:
    usable = {p: value for p, value in known.items() if p.startswith(only or "")}
    fits = _list_fits(path, usable)
    if not fits:
        if _list_fits(path, known):
            raise InputError(
                f"--set {path}: decides how weights are trained, but --from tests weights that are trained already; "
                f"expected one of {', '.join(usable)}; leave --from out to train with {path}"
            )
        ends = {p.rpartition(".")[2] for p in usable} | set(usable)
        raise InputError(f"--set: the recipe has no setting {path!r}{suggestion(path, ends)}")
    if len(fits) > 1:
        raise InputError(f"--set: {path!r} fits several settings, write one of {', '.join(sorted(fits))}")
    return fits[0], known[fits[0]]


def _list_fits(path: str, known: Iterable[str]) -> list[str]:
    return [p for p in known if p == path] or [p for p in known if p.endswith("." + path)]


def _parse(path: str, text: str, present: Any) -> Any:
    try:
        value = json.loads(text)
    except json.JSONDecodeError:
        value = text
    if isinstance(present, tuple) and isinstance(value, list):
        value = tuple(value)
    if isinstance(present, float) and isinstance(value, int) and not isinstance(value, bool):
        value = float(value)
    if isinstance(value, float) and not math.isfinite(value):
        raise InputError(f"--set {path}: expected a finite number, got {text!r}")
    # an option of a part may accept both numbers and words (a margin is 0.3 or "soft"): the part checks it
    scalars = isinstance(value, str | float | int) and isinstance(present, str | float)
    free = scalars and path.partition(".")[0] in ("encoder", "aggregator", "matcher", "losses")
    if None not in (present, value) and type(value) is not type(present) and not free:
        expected = f"{type(present).__name__}, as in {json.dumps(present)}"
        raise InputError(f"--set {path}: expected {expected}, got {text!r}")
    return value


def _replace(value: Any, path: Sequence[str], new: Any) -> Any:
    if not path:
        return new
    head, rest = path[0], path[1:]
    if isinstance(value, Part):
        return Part(value.name, {**value.options, head: _replace(value.options[head], rest, new)})
    if isinstance(value, Mapping):
        return {**value, head: _replace(value[head], rest, new)}
    if isinstance(value, tuple):
        at = int(head)
        return (*value[:at], _replace(value[at], rest, new), *value[at + 1 :])
    return replace(value, **{head: _replace(getattr(value, head), rest, new)})


def _resolve_stage(stage: Train | Fit, registry: Registry) -> Train | Fit:
    if isinstance(stage, Fit):
        return stage
    augment = tuple(registry.resolve("augmentations", a) for a in stage.augment)
    matcher = None if stage.matcher is None else registry.resolve("matchers", stage.matcher)
    return replace(stage, augment=augment, matcher=matcher)
