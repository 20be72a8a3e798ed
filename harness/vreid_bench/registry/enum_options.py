"""Options that are annotated with an `Enum`: recipes and records hold words, the part gets the member of its class."""

from __future__ import annotations

import typing
from collections.abc import Mapping
from enum import Enum, Flag
from types import UnionType
from typing import Any, Literal, get_args, get_origin


def is_enum(annotation: Any) -> bool:
    """Is it a class of single words? A `Flag` is not, as its members are added up."""
    return isinstance(annotation, type) and issubclass(annotation, Enum) and not issubclass(annotation, Flag)


def list_words(kind: type[Enum]) -> tuple[str, ...]:
    """The words that stand for the members: their values where all of them are texts, else their names."""
    return tuple(map(to_word, kind))


def to_word(value: Any) -> Any:
    """The word of a member, also within a collection; any other value as it is."""
    if is_enum(type(value)):
        texts = all(isinstance(each.value, str) for each in type(value))
        return value.value if texts else value.name
    if isinstance(value, Mapping):
        return {name: to_word(each) for name, each in value.items()}
    return type(value)(map(to_word, value)) if type(value) in (list, tuple) else value


def to_member(annotation: Any, value: Any) -> Any:
    """The member for its word where the annotation names its class, also within a list; any other value as it is."""
    origin, arguments = get_origin(annotation), get_args(annotation)
    if is_enum(annotation):
        return next((each for each in annotation if to_word(each) == value), value)
    if origin is Literal:
        return next((each for each in arguments if is_enum(type(each)) and to_word(each) == value), value)
    if origin in (typing.Union, UnionType):
        found = (to_member(each, value) for each in arguments)
        return next((each for each in found if each is not value), value)
    if arguments and isinstance(value, list | tuple):
        fixed = origin is tuple and arguments[-1] is not ... and len(arguments) == len(value)
        kinds = arguments if fixed else arguments[:1] * len(value)
        return type(value)(to_member(kind, each) for kind, each in zip(kinds, value, strict=True))
    return value
