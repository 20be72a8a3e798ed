"""What the fields of a protocol, of its test and of a convention may hold, wherever they come from.

A dataclass takes any value, and a wrong one scores as if it were another, or ends the program far from the plugin: a
word that is not known is compared with those that are, and a text in place of a tuple is taken letter by letter. So
each is held against the type that its class declares, and nothing is converted.
"""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable, Mapping
from dataclasses import MISSING, fields, is_dataclass
from functools import cache
from types import UnionType
from typing import TYPE_CHECKING, Any, Union, get_args, get_origin

from pydantic import BaseModel, ConfigDict, ValidationError, create_model
from pydantic_core import ErrorDetails

from vreid_bench.contracts.convention import Compared, Convention, Having
from vreid_bench.contracts.protocol import Protocol
from vreid_bench.registry.annotations import read_annotations

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

EXAMPLES: Mapping[Any, tuple[Any, ...]] = {  # of fields that are tuples
    tuple[Compared, ...]: (Compared("outfit", "other"),),
    tuple[Having, ...]: (Having("zone", ("gate",)),),
    tuple[str, ...]: ("a", "b"),
    tuple[int, ...]: (3, 4),
    tuple[float, ...]: (0.5, 2.0),
}
WORDS = {"string_type": "a text", "int_type": "an integer", "float_type": "a number"}  # by what pydantic calls a fault
LONGEST = 80  # characters of a value in a sentence


def read_fields(given: Mapping[str, Any]) -> Convention:
    """The convention of fields as TOML and JSON give them: with lists for tuples. Other names are passed over.

    Raises ValueError that says which field is what and what is expected, and InputError as `Convention` does.
    """
    values: dict[str, Any] = {}
    for each in fields(Convention):
        if each.name in given:
            values[each.name], fault = _judge(Convention, each.name, _freeze(given[each.name]), json.dumps)
        else:
            fault = f"its {each.name} is missing" if each.default is MISSING else ""
        if fault:
            raise ValueError(fault)
    return Convention(**values)


def describe_wrong_rule(rule: DataclassInstance) -> str:
    """Which field of which protocol, convention or strategy is what; empty if all are as declared.

    It may be one that its own checks have refused.
    """
    fault = find_fault(rule)
    title = f"{type(rule).__name__}()"
    if isinstance(rule, Protocol | Convention):
        title = f"{'protocol' if isinstance(rule, Protocol) else 'convention'} {rule.name!r}"
    return f"{title}: {fault}" if fault else ""


def find_fault(rule: DataclassInstance, inside: str = "") -> str:
    """Which field is what, and what is expected; empty if all are as declared, also those of dataclasses in it.

    inside: the field that holds it, with a dot.
    """
    for each in fields(rule):
        found = getattr(rule, each.name)
        if is_dataclass(found) and not isinstance(found, type):
            fault = find_fault(found, f"{inside}{each.name}.")
        else:
            read, fault = _judge(type(rule), each.name, found, _write, inside)
            if isinstance(rule, Convention) and each.name in ("query", "gallery") and not fault:
                plain = [pair for pair in zip(found, read, strict=True) if not isinstance(pair[0], Having)]
                fault = "".join(
                    f"its {each.name} has {_shorten(one)}, expected {_write(had)}" for one, had in plain[:1]
                )
        if fault:
            return fault
    return ""


def _judge(
    kind: type[DataclassInstance], name: str, found: Any, write: Callable[[Any], str], inside: str = ""
) -> tuple[Any, str]:
    """The value of a field as its class declares it, and what is wrong with it."""
    annotation = _read_annotations(kind).get(name, Any)
    try:
        judge = _make_judge(annotation)
    except Exception:  # a plugin may write anything into an annotation
        return found, ""
    try:
        return judge.model_validate({"value": found}).value, ""  # type: ignore[attr-defined]  # made at run time
    except ValidationError as fault:
        declared = next(str(each.type) for each in fields(kind) if each.name == name)
        return found, f"its {inside}{_describe(fault.errors()[0], name, found, annotation, declared, write)}"


@cache
def _read_annotations(kind: type[DataclassInstance]) -> Mapping[str, Any]:
    """Field -> its type, for those that are read; made when it is first needed, as it takes a while."""
    return read_annotations(inspect.signature(kind).parameters.values(), kind)


@cache
def _make_judge(annotation: Any) -> type[BaseModel]:
    strict = ConfigDict(strict=True, arbitrary_types_allowed=True)
    return create_model("Field", __config__=strict, value=(annotation, ...))


def _describe(
    fault: ErrorDetails, name: str, given: Any, annotation: Any, declared: str, write: Callable[[Any], str]
) -> str:
    """What a field is and what is expected; the place within it is named where a part alone is wrong."""
    inner = fault["loc"][1:]
    example = EXAMPLES.get(annotation)
    rule = example[0] if example and isinstance(example[0], Compared | Having) else None
    if example and (not inner or (rule and (len(inner) < 2 or fault["type"] == "missing"))):
        return f"{name} is {_shorten(given)}, expected {_name_kind(write, example)}"
    words = {**WORDS, "bool_type": f"{write(True)} or {write(False)}"}
    words["literal_error"] = fault["msg"].removeprefix("Input should be ")
    several = get_origin(annotation) in (Union, UnionType) and len(set(get_args(annotation)) - {type(None)}) > 1
    if several or fault["type"] not in (*words, "tuple_type" if rule else ""):
        return f"{name} is {_shorten(given)}, expected {declared}"
    if rule:
        index, part, *rest = inner
        if isinstance(part, int):  # of a plain tuple or list
            part = rule._fields[part]
        words["tuple_type"] = _name_kind(write, ("gate",))
        name, inner = f"{name}[{index}].{part}", tuple(rest)
    place = "".join(f"[{each!r}]" for each in inner if each != "[key]")
    return f"{name}{place} is {_shorten(fault['input'])}, expected {words[fault['type']]}"


def _name_kind(write: Callable[[Any], str], example: tuple[Any, ...]) -> str:
    return f"a {'list' if write is json.dumps else 'tuple'} such as {write(example)}"


def _freeze(value: Any) -> Any:
    """The value with a tuple for each list."""
    return tuple(map(_freeze, value)) if isinstance(value, list | tuple) else value


def _write(value: Any) -> str:
    """A rule, or a tuple, as a plugin writes it."""
    if isinstance(value, Compared | Having):
        return f"{type(value).__name__}({', '.join(map(repr, value))})"
    if isinstance(value, tuple):
        return f"({', '.join(map(_write, value))}{',' * (len(value) == 1)})"
    return repr(value)


def _shorten(value: Any) -> str:
    text = ascii(value)
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}..."
