"""Changing a recipe with `--set PATH=VALUE`: one setting, a part, several parts, or a table of names and values."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from vreid_bench.contracts.length import Epochs, Length, parse_length
from vreid_bench.contracts.recipe import LOADABLE, Method, Part
from vreid_bench.registry.option_types import Types, describe_types
from vreid_bench.registry.registry import Registry, check_option
from vreid_bench.registry.settings import Place, describe, list_lengths, list_places, list_tables, settings
from vreid_bench.system.errors import InputError, UnknownName


def override(
    method: Method, assignments: Sequence[str], registry: Registry, only: tuple[str, ...] = ()
) -> tuple[Method, dict[str, Any]]:
    """Apply `path=value` assignments to a method, with every option of every part filled in.

    A path has dots (`losses.triplet.margin`, `stages.0.steps`); its end is enough if only one setting has it
    (`margin`). Values are JSON or text; a length is a number of steps, or text such as `500 epochs`. Where a part
    stands (`aggregator`, `stages.0.augment`), the value is its name, which means its default options, or
    `{"name": ..., "options": {...}}`; where several stand, it is a JSON list of these, or names with commas. A matcher
    that can be fitted brings the stage that fits it, as it does with `--plugin`.
    `only`: beginnings of the paths that may be set; empty for all. Returns the new method and {full path: value} of the
    settings that changed. Raises InputError for a path that fits none or several settings or that may not be set, for
    an unknown part, with the near ones, and for a value of the wrong type.
    """
    method, applied = registry.resolve_method(method), dict[str, Any]()
    for assignment in assignments:
        path, equals, text = (each.strip() for each in assignment.partition("="))
        if not equals or not path:
            raise InputError(f"--set {assignment!r}: expected NAME=VALUE, for instance --set margin=0.2")
        single, tables = dict(settings(method)), dict(list_tables(method))
        places = {place.path: place for place in list_places(method)}
        full = _find(path, list(single), [*places, *tables], only, list(places.values()))
        value: Any
        if full in places:
            value, words = _read_place(places[full], text)
        else:
            owner, _, name = full.rpartition(".")
            holder = places.get(owner)
            if holder is not None and isinstance(holder.value, Part):
                option = holder.value.options[name]
                types = registry.entry(holder.kind, holder.value.name).types
                value = _read_value(full, text, option, types[name])
            elif full in tables:
                value = _read_table(full, text)
            elif full in list_lengths(method):
                value = _read_length(full, text)
            else:
                part = isinstance(_look_up(method, owner.split(".") if owner else ()), Part)
                value = (_read_value if part else _read_setting)(full, text, single[full])
            words = describe(value) if isinstance(value, tuple | Epochs | Mapping) else value
        changed = _put(method, full, value, registry)
        if changed != method:
            method = changed
            applied = {each: v for each, v in applied.items() if not each.startswith(f"{full}.")} | {full: words}
    return method, applied


def parse_part(kind: str, text: str, registry: Registry) -> Part:
    """The part that the text `NAME` or `NAME:option=value,...` names, with every option filled in.

    Raises InputError for an unknown name or option, and for a value of the wrong type.
    """
    name, _, rest = text.partition(":")
    assignments = list(filter(None, rest.split(",")))
    for assignment in assignments:
        if "=" not in assignment:
            raise InputError(f"{text!r}: expected NAME:OPTION=VALUE,..., got {assignment!r}")
    return registry.resolve(kind, Part(name, parse_options(kind, name, assignments, registry)))


def parse_options(kind: str, name: str, assignments: Sequence[str], registry: Registry) -> dict[str, Any]:
    """The options of a part that `OPTION=VALUE` assignments give.

    Raises InputError for an unknown name or option, and for a value of the wrong type.
    """
    entry = registry.entry(kind, name)
    given: dict[str, Any] = {}
    for assignment in assignments:
        option, equals, value = assignment.partition("=")
        if not equals:
            raise InputError(f"--set {assignment!r}: expected OPTION=VALUE, for instance --set margin=0.2")
        if option not in entry.options and option.rpartition(".")[2] in entry.options:
            end = option.rpartition(".")[2]
            raise InputError(f"--set {assignment!r}: {entry.title} is tried alone, so write {end}={value}")
        known = option in entry.options
        given[option] = _read_value(option, value, entry.options[option], entry.types[option]) if known else value
        check_option(entry, option, given[option])
    return given


def _find(
    path: str, single: Sequence[str], several: Sequence[str], only: tuple[str, ...], places: Sequence[Place]
) -> str:
    """The full path of a setting: of a `single` one, else of what holds several."""
    usable = [p for p in (*single, *several) if p.startswith(only or "")]
    fits = _list_fits(path, [p for p in single if p in usable], usable)
    if len(fits) == 1:
        return fits[0]
    if fits:
        raise InputError(f"--set: {path!r} fits several settings, write one of {', '.join(sorted(fits))}")
    if _list_fits(path, single, several):
        raise InputError(
            f"--set {path}: decides how weights are trained, but --from tests weights that are trained already; "
            f"expected one of {', '.join(p for p in usable if p in single)}; leave --from out to train with {path}"
        )
    _refuse_part_name(path, places)
    ends = {p.rpartition(".")[2] for p in usable} | set(usable)
    advice = "`vreid-bench methods show NAME` lists those of a method"
    counted = "; settings count stages from 0: stages.0 is stage 1" if path.startswith("stages.") else ""
    raise UnknownName("--set: the recipe has no setting", path, ends, advice + counted)


def _refuse_part_name(path: str, places: Sequence[Place]) -> None:
    """Raise InputError with the right path for an option of a part that is named by the part, not by its place."""
    named = [(p.path, p.value) for p in places if isinstance(p.value, Part) and path.startswith(f"{p.value.name}.")]
    for place, found in named:
        option = path.removeprefix(f"{found.name}.")
        paths = [f"{at}.{option}" for at, other in named if option in other.options]
        if paths:
            raise InputError(f"--set {path}: a part is named by its place in the recipe; write {' or '.join(paths)}")
        known = [f"{place}.{each}" for each in found.options]
        raise InputError(
            f"--set {path}: a part is named by its place in the recipe, and {place} has no option {option!r}; "
            f"it has {', '.join(known) or 'none'}"
        )


def _list_fits(path: str, single: Sequence[str], several: Sequence[str]) -> list[str]:
    exact = [p for p in {*single, *several} if p == path]
    ends = ([p for p in paths if p.endswith("." + path)] for paths in (single, several))
    return exact or next(filter(None, ends), [])


def _put(method: Method, path: str, value: Any, registry: Registry) -> Method:
    """The method with that value at that path; a part that is there already and is only named keeps its options."""
    present = _look_up(method, path.split("."))
    if isinstance(value, Part) and isinstance(present, Part) and value == Part(present.name):
        return method
    if path not in LOADABLE:
        changed = _replace(method, path.split("."), value)
    else:
        fits = registry.entry(f"{path}s", value.name).can_fit
        changed = method.with_part(path, value, fits=fits)
    return registry.resolve_method(changed)


def _look_up(value: Any, path: Sequence[str]) -> Any:
    for name in path:
        if isinstance(value, Part):
            value = value.options[name]
        elif isinstance(value, Mapping):
            value = value[name]
        else:
            value = value[int(name)] if isinstance(value, tuple) else getattr(value, name)
    return value


def _replace(value: Any, path: Sequence[str], new: Any) -> Any:
    if not path:
        return new
    head, rest = path[0], path[1:]
    inner = _replace(_look_up(value, [head]), rest, new)
    if isinstance(value, Part):
        return Part(value.name, {**value.options, head: inner})
    if isinstance(value, Mapping):
        return {**value, head: inner}
    if isinstance(value, tuple):
        at = int(head)
        return (*value[:at], inner, *value[at + 1 :])
    return replace(value, **{head: inner})


def _read_place(place: Place, text: str) -> tuple[Part | tuple[Part, ...] | None, Any]:
    """What to put into a place, and the same as plain JSON."""
    words = _parse_json(text)
    if words is None and place.optional:
        return None, None
    if not isinstance(place.value, tuple):
        return _read_part(place, words), words
    several = [each.strip() for each in words.split(",")] if isinstance(words, str) else words
    if not isinstance(several, list):
        raise InputError(f'--set {place.path}: expected a list of {place.kind}, as in ["flip"] or [], got {text!r}')
    return tuple(_read_part(place, each) for each in several), several


def _read_part(place: Place, value: Any) -> Part:
    if isinstance(value, str):
        return Part(value)
    if isinstance(value, dict) and isinstance(value.get("name"), str) and value.keys() <= {"name", "options"}:
        options = value.get("options", {})
        if isinstance(options, dict):
            return Part(value["name"], {name: _read_option(place, option) for name, option in options.items()})
    raise InputError(
        f"--set {place.path}: expected the name of one of `vreid-bench list {place.kind}`, "
        f'or {{"name": ..., "options": {{...}}}}, got {json.dumps(value)}'
    )


def _read_option(place: Place, value: Any) -> Any:
    return _read_part(place, value) if isinstance(value, dict) and "name" in value else _freeze(value)


def _read_table(path: str, text: str) -> dict[str, Any]:
    table = _parse_json(text)
    if not isinstance(table, dict):
        raise InputError(f'--set {path}: expected a table of names and values, as in {{"a": 1}}, got {text!r}')
    for name, value in table.items():
        if isinstance(value, float) and not math.isfinite(value):
            raise InputError(f"--set {path}: expected a finite number as {name!r}, got {value!r}")
    return table


def _read_length(path: str, text: str) -> Length:
    words = _parse_json(text)
    try:
        return parse_length(words if isinstance(words, str) else text)
    except ValueError as fault:
        raise InputError(f"--set {path}: {fault}") from fault


def _read_value(path: str, text: str, present: Any, types: Types = ()) -> Any:
    """A value of any type. That of an option is checked where the part is known (`Registry.resolve`).

    types: what an option accepts; only one that says so takes a table.
    """
    value = _parse_json(text)
    if path == "size" and (sides := re.fullmatch(r"(\d{1,6})x(\d{1,6})", text)):
        value = [int(side) for side in sides.groups()]
    if isinstance(present, float) and isinstance(value, int) and not isinstance(value, bool):
        value = _to_float(value)
    if isinstance(value, dict):
        if not any(each.kind == "Mapping" for each in types):
            form = f"as in {json.dumps(present, default=repr)}"
            expected = f"{describe_types(types)}, {form}" if types else f"one value, {form}"
            raise InputError(f"--set {path}: expected {expected}, got {text!r}; a table needs an option of type `dict`")
        _check_table(path, value)
    if isinstance(value, float) and not math.isfinite(value):
        raise InputError(f"--set {path}: expected a finite number, got {text!r}")
    return _freeze(value)


def _check_table(path: str, table: Mapping[str, Any]) -> None:
    """Raise InputError for a name that no path could have, and for a number that is not finite."""
    for name, value in table.items():
        if not re.fullmatch(r"[^\s.=]+", name):
            raise InputError(f"--set {path}: expected names without spaces, dots and =, got {name!r}")
        if isinstance(value, float) and not math.isfinite(value):
            raise InputError(f"--set {path}: expected a finite number as {name!r}, got {value!r}")
        if isinstance(value, dict):
            _check_table(f"{path}.{name}", value)


def _to_float(whole: int) -> float:
    """The nearest float; infinite where there is none."""
    try:
        return float(whole)
    except OverflowError:
        return math.inf if whole > 0 else -math.inf


def _read_setting(path: str, text: str, present: Any) -> Any:
    value = _read_value(path, text, present)
    if present is not None and type(value) is not type(present):
        form = json.dumps(present) if present != () else '["a","b"]'
        expected = f"{'list' if isinstance(present, tuple) else type(present).__name__}, as in {form}"
        expected += " or 64x32" if path == "size" else ""
        raise InputError(f"--set {path}: expected {expected}, got {text!r}")
    return value


def _parse_json(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):  # also a number of thousands of digits, and lists thousands deep
        return text


def _freeze(value: Any) -> Any:
    """A value of JSON as a recipe holds it: lists become tuples."""
    if isinstance(value, dict):
        return {name: _freeze(each) for name, each in value.items()}
    return tuple(map(_freeze, value)) if isinstance(value, list) else value
