"""The settings of a recipe by their paths, the places of its parts, and all of it as plain JSON."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import fields, is_dataclass
from typing import Any, NamedTuple

from vreid_bench.contracts.length import Epochs
from vreid_bench.contracts.recipe import Fit, Method, Part, Train

PROSE = ("reported", "quoted", "paper", "begins", "shipped")  # fields of a method that change no number

ADDRESS = re.compile(r" at 0x[0-9a-f]+")  # in the text of a function or an object; each process has others


def describe(value: Any) -> Any:
    """A recipe as plain JSON: parts as {"name", "options"}, tuples as lists, epochs as text, every setting included."""
    if isinstance(value, Epochs):
        return str(value)
    if is_dataclass(value) and not isinstance(value, type):
        named = {f.name: describe(getattr(value, f.name)) for f in fields(value) if f.name not in PROSE}
        return {"stage": type(value).__name__.lower(), **named} if isinstance(value, Train | Fit) else named
    if isinstance(value, Mapping):
        return {str(k): describe(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [describe(v) for v in value]
    if value is None or isinstance(value, str | int | float | bool):
        return value
    return ADDRESS.sub("", repr(value))


def settings(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Every setting of a recipe as (dotted path, value)."""
    for name, child in _children(value):
        at = f"{path}.{name}" if path else name
        whole = isinstance(child, Epochs)
        if not whole and (_is_record(child) or isinstance(child, Mapping) or _holds_parts(child)):
            yield from settings(child, at)
        else:
            yield at, child


def look_up(value: Any, path: Iterable[str]) -> Any:
    """What a recipe, or what is in it, has at the names of a path."""
    for name in path:
        value = dict(_children(value))[name]
    return value


class Place(NamedTuple):
    """Where a recipe holds a part, several parts, or None for a part that may be absent."""

    path: str  # dotted, as `--set` takes it
    kind: str  # of the parts that fit, as `vreid-bench list` names it
    value: Part | tuple[Part, ...] | None
    optional: bool = False  # may it be None?


def list_places(method: Method) -> Iterator[Place]:
    """Every place of a method that holds parts; a part inside a part comes after it."""
    yield from _nest("encoder", "encoders", method.encoder)
    yield from _nest("aggregator", "aggregators", method.aggregator)
    yield from _nest("matcher", "matchers", method.matcher)
    for name, loss in method.losses.items():
        yield from _nest(f"losses.{name}", "losses", loss)
    for number, stage in enumerate(method.stages):
        if isinstance(stage, Train):
            at = f"stages.{number}"
            yield Place(f"{at}.augment", "augmentations", stage.augment)
            for place, augmentation in enumerate(stage.augment):
                yield from _nest(f"{at}.augment.{place}", "augmentations", augmentation)
            yield Place(f"{at}.matcher", "matchers", stage.matcher, optional=True)
            if stage.matcher is not None:
                yield from list(_nest(f"{at}.matcher", "matchers", stage.matcher))[1:]


def list_inner_places(kind: str, part: Part) -> Iterator[Place]:
    """Every place of a part that holds another part, by its path below the part."""
    for option, value in part.options.items():
        if isinstance(value, Part):
            yield from _nest(option, kind, value)


def list_tables(method: Method) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """(path, value) of every setting of a method that is a table of names and values; also of an option of a part."""
    for place in list_places(method):
        if isinstance(place.value, Part):
            yield from ((f"{place.path}.{name}", value) for name, value in list_option_tables(place.value))
    for number, stage in enumerate(method.stages):
        if isinstance(stage, Train):
            yield f"stages.{number}.losses", stage.losses
            yield f"stages.{number}.optimizer.options", stage.optimizer.options


def list_option_tables(part: Part) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """(path, value) of every option of a part that is a table, and of every table in one."""
    tables = [(name, value) for name, value in part.options.items() if isinstance(value, Mapping)]
    for path, table in tables:
        yield path, table
        tables += [(f"{path}.{name}", value) for name, value in table.items() if isinstance(value, Mapping)]


def list_lengths(method: Method) -> Iterator[str]:
    """The path of every setting of a method that is a number of steps, or of epochs."""
    for number, stage in enumerate(method.stages):
        if isinstance(stage, Train):
            yield f"stages.{number}.steps"
            yield f"stages.{number}.schedule.every"


def _children(value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, Part):
        yield from value.options.items()
    elif isinstance(value, Mapping):
        yield from ((str(name), v) for name, v in value.items())
    elif isinstance(value, tuple):
        yield from ((str(i), v) for i, v in enumerate(value))
    else:
        yield from ((f.name, getattr(value, f.name)) for f in fields(value) if f.name not in PROSE)


def _is_record(value: Any) -> bool:
    return is_dataclass(value) and not isinstance(value, type)


def _holds_parts(value: Any) -> bool:
    return isinstance(value, tuple) and any(is_dataclass(v) for v in value)


def _nest(path: str, kind: str, part: Part) -> Iterator[Place]:
    yield Place(path, kind, part)
    for place in list_inner_places(kind, part):
        yield place._replace(path=f"{path}.{place.path}")
