"""What the fields of a convention may hold, whether a plugin, a file or a record gives them.

A dataclass takes any value, and a convention with a wrong one scores as if it had another: a word that is not known is
compared with those that are, and a text in place of a tuple is taken letter by letter. So each is held against the
types that `Convention` declares, and nothing is converted.
"""

from __future__ import annotations

import json
import typing
from collections.abc import Callable, Mapping
from dataclasses import MISSING, fields
from functools import cache
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError, create_model
from pydantic_core import ErrorDetails

from vreid_bench.contracts.convention import Compared, Convention, Having

EXAMPLES: Mapping[str, Compared | Having] = {  # of each field that is a tuple of rules
    "match": Compared("outfit", "other"),
    "query": Having("zone", ("gate",)),
    "gallery": Having("zone", ("gate",)),
}
WORDS = {"a valid string": "a text", "a valid integer": "an integer"}
LONGEST = 80  # characters of a value in a sentence


def read_fields(given: Mapping[str, Any]) -> Convention:
    """The convention of fields as TOML and JSON give them: with lists for tuples. Other names are passed over.

    Raises ValueError that says which field is what and what is expected, and InputError as `Convention` does.
    """
    try:
        read = _model().model_validate({name: _freeze(value) for name, value in given.items()})
    except ValidationError as fault:
        raise ValueError(_describe(fault.errors()[0], given, json.dumps)) from fault
    return Convention(**dict(read))


def find_fault(convention: Convention) -> str:
    """Which field of a plugin's convention is what, and what is expected; empty if all are as declared.

    It may be a convention that its own checks have refused.
    """
    given = {each.name: getattr(convention, each.name) for each in fields(Convention)}
    try:
        read = dict(_model().model_validate(given))
    except ValidationError as fault:
        return _describe(fault.errors()[0], given, _write)
    for name in ("query", "gallery"):
        for found, rule in zip(given[name], read[name], strict=True):
            if not isinstance(found, Having):
                return f"its {name} has {_shorten(found)}, expected {_write(rule)}"
    return ""


@cache
def _model() -> type[BaseModel]:
    """The fields of `Convention` with their types; made when it is first needed, as it takes a while."""
    types = typing.get_type_hints(Convention)
    each: dict[str, Any] = {
        one.name: (types[one.name], ... if one.default is MISSING else one.default) for one in fields(Convention)
    }
    return create_model("ConventionFields", __config__=ConfigDict(strict=True), **each)


def _describe(fault: ErrorDetails, given: Mapping[str, Any], write: Callable[[Any], str]) -> str:
    name, *inner = map(str, fault["loc"])
    if name not in given:
        return f"its {name} is missing"
    example = EXAMPLES.get(name)
    if example is not None and (len(inner) < 2 or fault["type"] == "missing"):
        return f"its {name} is {_shorten(given[name])}, expected {_name_kind(write, (example,))}"
    expected = fault["msg"].removeprefix("Input should be ")
    expected = {**WORDS, "a valid boolean": f"{write(True)} or {write(False)}"}.get(expected, expected)
    if example is not None:
        index, part, *rest = inner
        if part.isdecimal():  # of a plain tuple or list
            part = example._fields[int(part)]
        name = f"{name}[{index}].{part}{''.join(f'[{each}]' for each in rest)}"
        if part == "values" and not rest:
            expected = _name_kind(write, ("gate",))
    return f"its {name} is {_shorten(fault['input'])}, expected {expected}"


def _name_kind(write: Callable[[Any], str], example: tuple[Any, ...]) -> str:
    return f"a {'list' if write is json.dumps else 'tuple'} such as {write(example)}"


def _freeze(value: Any) -> Any:
    """The value with a tuple for each list."""
    return tuple(map(_freeze, value)) if isinstance(value, list | tuple) else value


def _write(value: Any) -> str:
    """A rule, or a tuple of one thing, as a plugin writes it."""
    if isinstance(value, Compared | Having):
        return f"{type(value).__name__}({', '.join(map(repr, value))})"
    return f"({_write(value[0])},)" if isinstance(value, tuple) else repr(value)


def _shorten(value: Any) -> str:
    text = ascii(value)
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}..."
