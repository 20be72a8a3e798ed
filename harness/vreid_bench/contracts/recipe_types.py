"""Whether the fields of a recipe hold what their annotations say."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import is_dataclass
from functools import cache
from numbers import Integral, Real
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from vreid_bench.system.errors import InputError

PLAIN: dict[Any, tuple[type, str]] = {
    int: (Integral, "a whole number"),
    float: (Real, "a number"),
    str: (str, "a text"),
    NoneType: (NoneType, "None"),
}
WORDS = {
    "Epochs": "Epochs",
    "Part": 'a part, written part("name")',
    "tuple": "a tuple, as in (value,)",
    "Mapping": "a table of names and values",
}
SKIPPED = ("reported", "quoted", "size")  # numbers that a paper prints, which no run uses; the recipe checks its size


def check_fields(value: Any, where: str = "") -> None:
    """Raise InputError for a field of a dataclass that is not what its annotation says, and so for all that it holds.

    The message names the field by its path, as `--set` takes it.
    """
    kind: Any = type(value)  # mypy takes no class for hashable
    for name, annotation in _read_hints(kind).items():
        if name not in SKIPPED:
            _check_value(f"{where}.{name}".lstrip("."), getattr(value, name), annotation)


def _check_value(where: str, value: Any, kind: Any) -> None:
    fitting = [each for each in _list_choices(kind) if _fits(value, each)]
    if not fitting:
        expected = " or ".join(_describe_kind(each) for each in _list_choices(kind))
        raise InputError(f"recipe: {where} is {_describe_value(value)}, expected {expected}")
    for name, child, inner in _list_children(value, fitting[0]):
        _check_value(f"{where}.{name}", child, inner)
    if is_dataclass(value):
        check_fields(value, where)


@cache
def _read_hints(kind: type) -> dict[str, Any]:
    return get_type_hints(kind)


def _list_choices(kind: Any) -> tuple[Any, ...]:
    return get_args(kind) if get_origin(kind) in (Union, UnionType) else (kind,)


def _fits(value: Any, kind: Any) -> bool:
    if kind is Any:
        return True
    if get_origin(kind) is Literal:
        return value in get_args(kind)
    outer = get_origin(kind) or kind
    if outer is tuple:
        return isinstance(value, tuple | list)
    return isinstance(value, PLAIN[outer][0] if outer in PLAIN else outer) and not isinstance(value, bool)


def _list_children(value: Any, kind: Any) -> Iterator[tuple[str, Any, Any]]:
    """(name, value, annotation) of what a tuple of any length or a table holds."""
    arguments = get_args(kind)
    if get_origin(kind) is tuple and arguments[-1] is ...:
        yield from ((str(number), each, arguments[0]) for number, each in enumerate(value))
    elif isinstance(value, Mapping) and arguments:
        yield from ((str(name), each, arguments[1]) for name, each in value.items())


def _describe_kind(kind: Any) -> str:
    if get_origin(kind) is Literal:
        return f"one of {', '.join(map(str, get_args(kind)))}"
    outer = get_origin(kind) or kind
    return PLAIN[outer][1] if outer in PLAIN else WORDS.get(outer.__name__, f"a {outer.__name__}")


def _describe_value(value: Any) -> str:
    if isinstance(value, type):
        return f"the class {value.__name__}"
    return f"a {type(value).__name__}" if is_dataclass(value) or callable(value) else repr(value)
