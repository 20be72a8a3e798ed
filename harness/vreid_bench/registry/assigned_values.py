"""The values of `--set PATH=VALUE` and `--sweep PATH=VALUES`, JSON or text; what cannot be read is an InputError."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from typing import Any

from vreid_bench.contracts.length import Length, parse_length
from vreid_bench.contracts.recipe import Part
from vreid_bench.registry.settings import Place
from vreid_bench.system.errors import InputError

QUOTED = re.compile(r'"(?:[^"\\]|\\.)*"')


class Swept(str):
    """`PATH=VALUE` as `--sweep` makes it: what is wrong with it is told of that option."""


def name_option(assignment: str) -> str:
    """The option of the command that has made an assignment."""
    return "--sweep" if isinstance(assignment, Swept) else "--set"


def split_values(text: str) -> list[str]:
    """The values between the commas of a text; a comma in brackets, braces or quotes is a part of a value."""
    bare = QUOTED.sub(lambda quoted: "." * len(quoted[0]), text)
    depth, ends = 0, []
    for at, letter in enumerate(bare):
        depth += (letter in "[{") - (letter in "]}")
        if letter == "," and depth == 0:
            ends.append(at)
    starts = [0, *(end + 1 for end in ends)]
    return [text[start:end].strip() for start, end in zip(starts, [*ends, len(text)], strict=True)]


def read_place(place: Place, text: str) -> tuple[Part | tuple[Part, ...] | None, Any]:
    """What to put into a place of the recipe, and the same as plain JSON."""
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
    weight = place.kind == "losses" and isinstance(value, int | float)
    advice = f"; the weight of a loss in a stage is stages.0.{place.path}" if weight else ""
    raise InputError(
        f"--set {place.path}: expected the name of one of `vreid-bench list {place.kind}`, "
        f'or {{"name": ..., "options": {{...}}}}, got {json.dumps(value)}{advice}'
    )


def _read_option(place: Place, value: Any) -> Any:
    return _read_part(place, value) if isinstance(value, dict) and "name" in value else _freeze(value)


def read_table(path: str, text: str) -> dict[str, Any]:
    """A table of names and finite numbers or other values."""
    table = _parse_json(text)
    if not isinstance(table, dict):
        raise InputError(f'--set {path}: expected a table of names and values, as in {{"a": 1}}, got {text!r}')
    for name, value in table.items():
        if isinstance(value, float) and not math.isfinite(value):
            raise InputError(f"--set {path}: expected a finite number as {name!r}, got {value!r}")
    return table


def read_length(path: str, text: str) -> Length:
    """A number of steps, or of epochs."""
    words = _parse_json(text)
    try:
        return parse_length(words if isinstance(words, str) else text)
    except ValueError as fault:
        raise InputError(f"--set {path}: {fault}") from fault


def read_value(path: str, text: str, present: Any) -> Any:
    """A value of any type. That of an option is checked where the part is known (`check_option`)."""
    value = _parse_json(text)
    if path == "size" and (sides := re.fullmatch(r"(\d{1,6})x(\d{1,6})", text)):
        value = [int(side) for side in sides.groups()]
    if isinstance(present, float) and isinstance(value, int) and not isinstance(value, bool):
        value = _to_float(value)
    if isinstance(value, dict):
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


def read_setting(path: str, text: str, present: Any) -> Any:
    """A value of the same type as the `present` one."""
    value = read_value(path, text, present)
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
