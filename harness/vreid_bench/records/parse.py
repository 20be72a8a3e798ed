"""Parses untrusted JSON strictly; every fault is described in a sentence."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, TypeVar, get_args

from pydantic import ValidationError

from vreid_bench.records.fields import WORDS, Entry
from vreid_bench.system.counting import count
from vreid_bench.system.errors import suggestion

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

EXPECTED = {  # the validator's name of a fault -> what was expected
    "tuple_type": "a list",
    "list_type": "a list",
    "dict_type": "an object with fields",
    "model_type": "an object with fields",
    "string_type": "a text",
    "string_too_short": "a text that is not empty",
    "string_too_long": "a text of at most {length} characters",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "bool_type": "true or false",
    "too_short": "a list of at least {few}",
    "too_long": "a list of at most {many}",
}
AnyEntry = TypeVar("AnyEntry", bound=Entry)


def parse(content: bytes, entry: type[AnyEntry]) -> AnyEntry:
    """The entry in the JSON text. Raises ValueError that names the field, what was found and what was expected."""
    try:
        parsed = entry.model_validate_json(content)
    except ValidationError as fault:
        raise ValueError(_describe_faults(fault, entry)) from fault
    json.loads(content, object_pairs_hook=_parse_object, parse_float=_parse_finite, parse_constant=_parse_finite)
    return parsed


def _parse_object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        (twice, _), *_ = Counter(key for key, _ in pairs).most_common(1)
        raise ValueError(f"key {twice!a} appears twice in one object")
    return found


def _parse_finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"{text} is not finite")
    return number


def _describe_faults(fault: ValidationError, entry: type[Entry]) -> str:
    """The first three faults: field, found, expected. Keys and values are untrusted: printed as ASCII, shortened.

    A list or an object with a fault inside is not told as one of its own: only what is sound is counted there.
    """
    errors = fault.errors(include_url=False)
    around = {each["loc"][:depth] for each in errors for depth in range(len(each["loc"]))}
    faults = [each for each in errors if each["loc"] not in around]
    first = [_describe_fault(each, entry) for each in faults[:3]]
    return "; ".join(first) + (f"; and {len(faults) - 3} more" if len(faults) > 3 else "")


def _describe_fault(fault: ErrorDetails, entry: type[Entry]) -> str:
    place, kind, found = fault["loc"], fault["type"], fault.get("input")
    field = ascii(".".join(map(str, place)))[1:-1][:120] or "the file"
    if kind == "missing":
        return f"{field}: is missing"
    if kind == "extra_forbidden":
        known = _list_fields(entry, place[:-1])
        near = suggestion(str(place[-1])[:120], known)
        return f"{field}: is not a field here" + (near or f"; expected one of {', '.join(known)}" if known else "")
    if kind in ("json_invalid", "value_error"):
        return f"{field}: {fault['msg'].removeprefix('Value error, ')}"
    return f"{field}: found {_write_value(found)}, expected {_write_expected(fault)}"


def _write_value(found: object) -> str:
    if isinstance(found, list):
        return f"a list of {len(found)}" if found else "an empty list"
    return "an object with fields" if isinstance(found, dict) else ascii(found)[:60]


def _write_expected(fault: ErrorDetails) -> str:
    """What a field has to be, in words for people who know neither Python nor the validator."""
    context: dict[str, Any] = {"pattern": "", "min_length": 0, "max_length": 0} | fault.get("ctx", {})
    words = EXPECTED.get(fault["type"], "") or WORDS.get(context["pattern"], "")
    if not words:
        return fault["msg"].removeprefix("Input should be ").removeprefix("String should ")
    few, many = context["min_length"], context["max_length"]
    return words.format(few=count(few, "item"), many=count(many, "item"), length=many)


def _list_fields(entry: type[Entry], place: Sequence[int | str]) -> list[str]:
    """The fields of the object at that place of an entry; those of every form that it may have there."""
    kinds = [entry]
    for key in place:
        fields = [kind.model_fields[key] for kind in kinds if key in kind.model_fields]
        kinds = [each for field in fields for each in _list_entries(field.annotation)] or kinds  # else in a list
    return [name for kind in kinds for name in (*kind.model_fields, *kind.shared)]


def _list_entries(annotation: Any) -> Iterator[type[Entry]]:
    """The entries that a field of that type holds, also in lists."""
    if isinstance(annotation, type) and issubclass(annotation, Entry):
        yield annotation
    for each in get_args(annotation):
        yield from _list_entries(each)
