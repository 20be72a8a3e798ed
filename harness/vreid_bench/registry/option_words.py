"""Options whose values are objects that a text stands for: recipes and records hold the text, the part gets the object.

These are the members of an `Enum`, paths, and the keys of tables that are members or numbers.
"""

from __future__ import annotations

import typing
from collections.abc import Mapping
from enum import Enum, Flag
from pathlib import PurePath
from types import UnionType
from typing import Any, Literal, get_args, get_origin


def is_enum(annotation: Any) -> bool:
    """Is it a class of single words? A `Flag` is not, as its members are added up."""
    return isinstance(annotation, type) and issubclass(annotation, Enum) and not issubclass(annotation, Flag)


def is_path(annotation: Any) -> bool:
    """Is it a class of paths, such as `Path`?"""
    return isinstance(annotation, type) and issubclass(annotation, PurePath)


def unwrap(annotation: Any) -> Any:
    """What a name for another type (`NewType`, `type X = ...`) stands for; any other annotation as it is."""
    for each in ("__supertype__", "__value__"):
        if not isinstance(annotation, type) and hasattr(annotation, each):
            return unwrap(getattr(annotation, each))
    return annotation


def list_words(kind: type[Enum]) -> tuple[str, ...]:
    """The words that stand for the members: their values where all of them are texts, else their names."""
    return tuple(map(to_word, kind))


def to_word(value: Any) -> Any:
    """The word of a member, the text of a path, also within a collection; any other value as it is."""
    if is_enum(type(value)):
        texts = all(isinstance(each.value, str) for each in type(value))
        return value.value if texts else value.name
    if is_path(type(value)):
        return str(value)
    if isinstance(value, Mapping):
        return {to_word(name): to_word(each) for name, each in value.items()}
    return type(value)(map(to_word, value)) if type(value) in (list, tuple) else value


def to_object(annotation: Any, value: Any) -> Any:
    """What its annotation says that a text stands for, also within a collection; any other value as it is."""
    annotation = unwrap(annotation)
    origin, arguments = get_origin(annotation), get_args(annotation)
    if is_enum(annotation):
        return next((each for each in annotation if to_word(each) == value), value)
    if is_path(annotation):
        return annotation(value) if isinstance(value, str) else value
    if origin is Literal:
        return next((each for each in arguments if is_enum(type(each)) and to_word(each) == value), value)
    if origin in (typing.Union, UnionType):
        found = (to_object(each, value) for each in arguments)
        return next((each for each in found if each is not value), value)
    if len(arguments) == 2 and isinstance(value, Mapping):
        of_keys, of_values = arguments
        return {_to_key(of_keys, key): to_object(of_values, each) for key, each in value.items()}
    if arguments and isinstance(value, list | tuple):
        fixed = origin is tuple and arguments[-1] is not ... and len(arguments) == len(value)
        kinds = arguments if fixed else arguments[:1] * len(value)
        return type(value)(to_object(kind, each) for kind, each in zip(kinds, value, strict=True))
    return value


def _to_key(annotation: Any, key: Any) -> Any:
    """As `to_object`; a key that is a number is a text in JSON, as every key is."""
    number = unwrap(annotation) in (int, float) and isinstance(key, str)
    return annotation(key) if number else to_object(annotation, key)
