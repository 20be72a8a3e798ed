"""JSON that may be a stranger's: read strictly, and what is wrong with it told in a sentence."""

from __future__ import annotations

import json
import math
from collections import Counter
from typing import Any, TypeVar

from pydantic import ValidationError

from vreid_bench.records.fields import Entry

AnyEntry = TypeVar("AnyEntry", bound=Entry)


def parse(content: bytes, entry: type[AnyEntry]) -> AnyEntry:
    """The entry that the JSON holds. Raises ValueError that says which field, what was found and what was wanted."""
    try:
        parsed = entry.model_validate_json(content)
    except ValidationError as fault:
        raise ValueError(_told(fault)) from fault
    json.loads(content, object_pairs_hook=_unique, parse_float=_finite, parse_constant=_finite)
    return parsed


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        (twice, _), *_ = Counter(key for key, _ in pairs).most_common(1)
        raise ValueError(f"key {twice!a} stands twice in one object")
    return found


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"{text} is no finite number")
    return number


def _told(fault: ValidationError) -> str:
    """The first faults as field, found, wanted. Keys and values are a stranger's: shown in ASCII, cut short."""
    faults = fault.errors(include_url=False)
    told = [_sentence(".".join(map(str, e["loc"])), e["type"], e["msg"], e.get("input")) for e in faults[:3]]
    return "; ".join(told) + (f"; and {len(faults) - 3} more" if len(faults) > 3 else "")


def _sentence(where: str, kind: str, message: str, found: object) -> str:
    field = ascii(where)[1:-1][:120] or "the file"
    if kind == "missing":
        return f"{field}: is missing"
    if kind == "extra_forbidden":
        return f"{field}: is not a field of this schema"
    if kind in ("json_invalid", "value_error"):
        return f"{field}: {message.removeprefix('Value error, ')}"
    shown = type(found).__name__ if isinstance(found, dict | list) else ascii(found)[:60]
    return f"{field}: found {shown}, wanted {message.removeprefix('Input should be ').removeprefix('String should ')}"
