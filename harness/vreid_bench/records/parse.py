"""Parses untrusted JSON strictly; every fault is described in a sentence."""

from __future__ import annotations

import json
import math
from collections import Counter
from typing import Any, TypeVar

from pydantic import ValidationError

from vreid_bench.records.fields import Entry

AnyEntry = TypeVar("AnyEntry", bound=Entry)


def parse(content: bytes, entry: type[AnyEntry]) -> AnyEntry:
    """The entry in the JSON text. Raises ValueError that names the field, what was found and what was expected."""
    try:
        parsed = entry.model_validate_json(content)
    except ValidationError as fault:
        raise ValueError(_describe_faults(fault)) from fault
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


def _describe_faults(fault: ValidationError) -> str:
    """The first three faults: field, found, expected. Keys and values are untrusted: printed as ASCII, shortened."""
    faults = fault.errors(include_url=False)
    first = [_describe_fault(".".join(map(str, e["loc"])), e["type"], e["msg"], e.get("input")) for e in faults[:3]]
    return "; ".join(first) + (f"; and {len(faults) - 3} more" if len(faults) > 3 else "")


def _describe_fault(where: str, kind: str, message: str, found: object) -> str:
    field = ascii(where)[1:-1][:120] or "the file"
    if kind == "missing":
        return f"{field}: is missing"
    if kind == "extra_forbidden":
        return f"{field}: is not a field of this schema"
    if kind in ("json_invalid", "value_error"):
        return f"{field}: {message.removeprefix('Value error, ')}"
    value = type(found).__name__ if isinstance(found, dict | list) else ascii(found)[:60]
    return f"{field}: found {value}, expected {message.removeprefix('Input should be ').removeprefix('String should ')}"
