"""The settings of a recipe: filling in defaults, writing them to the record, and changing them with `--set`."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import fields, is_dataclass, replace
from typing import Any

from vreid_bench.contracts.recipe import Fit, Method, Part, Train
from vreid_bench.registry.registry import Registry
from vreid_bench.registry.swaps import follow_swap, freeze, list_places, list_tables, parse_swap, parse_table
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


def override(
    method: Method, assignments: Sequence[str], registry: Registry, only: tuple[str, ...] = ()
) -> tuple[Method, dict[str, Any]]:
    """Apply `path=value` assignments to a resolved method.

    A path has dots (`losses.triplet.margin`, `stages.0.steps`); its end is enough if only one setting has it
    (`margin`). Values are JSON or text. Where a part stands (`aggregator`, `stages.0.augment`), the value is the name
    of another, which comes with its default options, or a list of names. `only`: beginnings of the paths that may be
    set; empty for all. Returns the new method and {full path: value} of the settings that changed. Raises InputError
    for a path that fits none or several settings or that may not be set, for an unknown part and for a value of the
    wrong type.
    """
    applied: dict[str, Any] = {}
    for assignment in assignments:
        path, equals, text = assignment.partition("=")
        if not equals or not path.strip():
            raise InputError(f"--set {assignment!r}: expected NAME=VALUE, for instance --set margin=0.2")
        places, tables = {place.path: place for place in list_places(method)}, dict(list_tables(method))
        whole = {**{each: place.value for each, place in places.items()}, **tables}
        full, present = _find(path.strip(), dict(settings(method)), whole, only)
        if full in places:
            value: Any
            value, changed = parse_swap(places[full], text.strip(), registry)
        else:
            value = parse_table(full, text, method) if full in tables else _parse(full, text.strip(), present)
            changed = list(value) if isinstance(value, tuple) else value
        if value != present and not _keeps(present, text):
            method = _replace(method, full.split("."), value)
            method = follow_swap(method, full, registry)
            applied = {p: v for p, v in applied.items() if not p.startswith(f"{full}.")} | {full: changed}
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


def _keeps(present: Any, text: str) -> bool:
    """Does the text name the part that is there already? Then it keeps its options."""
    return isinstance(present, Part) and text.strip().strip('"') == present.name


def _find(path: str, single: Mapping[str, Any], whole: Mapping[str, Any], only: tuple[str, ...]) -> tuple[str, Any]:
    """The full path and the present value of a setting: of a `single` one, else of what holds several."""
    known = {**single, **whole}
    usable = [p for p in known if p.startswith(only or "")]
    fits = _list_fits(path, [p for p in single if p in usable], usable)
    if not fits:
        if _list_fits(path, single, whole):
            raise InputError(
                f"--set {path}: decides how weights are trained, but --from tests weights that are trained already; "
                f"expected one of {', '.join(p for p in usable if p in single)}; leave --from out to train with {path}"
            )
        ends = {p.rpartition(".")[2] for p in usable} | set(usable)
        raise InputError(f"--set: the recipe has no setting {path!r}{suggestion(path, ends)}")
    if len(fits) > 1:
        raise InputError(f"--set: {path!r} fits several settings, write one of {', '.join(sorted(fits))}")
    return fits[0], known[fits[0]]


def _list_fits(path: str, single: Iterable[str], whole: Iterable[str]) -> list[str]:
    single, whole = list(single), list(whole)
    exact = [p for p in {*single, *whole} if p == path]
    ends = ([p for p in paths if p.endswith("." + path)] for paths in (single, whole))
    return exact or next(filter(None, ends), [])


def _parse(path: str, text: str, present: Any) -> Any:
    try:
        value = json.loads(text)
    except json.JSONDecodeError:
        value = text
    if path == "size" and (sides := re.fullmatch(r"(\d+)x(\d+)", text)):
        value = [int(side) for side in sides.groups()]
    if isinstance(present, tuple):
        value = freeze(value)
    if isinstance(present, float) and isinstance(value, int) and not isinstance(value, bool):
        value = float(value)
    if isinstance(value, dict):
        raise InputError(f"--set {path}: expected one value, as in {json.dumps(present)}, got {text!r}")
    if isinstance(value, float) and not math.isfinite(value):
        raise InputError(f"--set {path}: expected a finite number, got {text!r}")
    # an option of a part may accept both numbers and words (a margin is 0.3 or "soft"): the part checks it
    scalars = isinstance(value, str | float | int) and isinstance(present, str | float) and not isinstance(value, bool)
    free = scalars and path.partition(".")[0] in ("encoder", "aggregator", "matcher", "losses")
    if None not in (present, value) and type(value) is not type(present) and not free:
        expected = f"{'list' if isinstance(present, tuple) else type(present).__name__}, as in {json.dumps(present)}"
        expected += " or 64x32" if path == "size" else ""
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
