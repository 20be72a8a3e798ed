"""What is read of a factory without calling it: what it takes, its options, and what its docstrings say."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from vreid_bench.registry.enum_options import to_member, to_word
from vreid_bench.registry.option_types import Types, list_unread, list_wrong_defaults, read_annotations, read_types

# What the harness itself passes to a factory of each kind, before the options of the recipe.
GIVEN: dict[str, tuple[str, ...]] = {
    "encoders": (),
    "aggregators": ("shape",),
    "matchers": ("dim",),
    "losses": ("dims", "identities"),
    "augmentations": (),
    "rerankers": (),
    "trackers": (),
    "executors": ("jobs",),
}

REQUIRED = inspect.Parameter.empty  # stands for the default of an option that has none


def read_options(kind: str, factory: Callable[..., Any]) -> dict[str, Any]:
    """Option -> its default, of the factory of a part; a word for the member of an `Enum`."""
    return {each.name: to_word(each.default) for each in _list_options(kind, factory)}


def read_option_types(kind: str, factory: Callable[..., Any]) -> dict[str, Types]:
    """Option -> what it accepts, of the factory of a part."""
    return read_types(_list_options(kind, factory), factory)


def restore_members(kind: str, factory: Callable[..., Any], options: Mapping[str, Any]) -> Mapping[str, Any]:
    """The options as the factory takes them: members of an `Enum` in the place of their words."""
    if not options or kind not in GIVEN:
        return options
    annotations = read_annotations(_list_options(kind, factory), factory)
    return {name: to_member(annotations.get(name), value) for name, value in options.items()}


def find_wrong_defaults(kind: str, factory: Callable[..., Any]) -> dict[str, Types]:
    """Option -> what it accepts, for the options of a part whose default is something else."""
    try:
        return list_wrong_defaults(_list_options(kind, factory), factory)
    except (TypeError, ValueError):  # some callables of C have no signature
        return {}


def find_unread_annotations(kind: str, factory: Callable[..., Any]) -> dict[str, str]:
    """Option -> why its annotation says nothing, for the options of a part that have such a one."""
    try:
        return list_unread(_list_options(kind, factory), factory)
    except (TypeError, ValueError):  # as above
        return {}


def _list_options(kind: str, factory: Callable[..., Any]) -> list[inspect.Parameter]:
    parameters = list(inspect.signature(factory).parameters.values())[len(GIVEN[kind]) :]
    return [each for each in parameters if each.kind in (each.POSITIONAL_OR_KEYWORD, each.KEYWORD_ONLY)]


def accepts_call(function: Callable[..., Any], arguments: Sequence[str], *, whole: bool = True) -> bool:
    """Can it be called with so many arguments? Unless `whole`, others may follow them."""
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):  # some callables of C have no signature
        return True
    try:
        signature.bind(*arguments) if whole else signature.bind_partial(*arguments)
    except TypeError:
        return False
    return True


def read_docstrings(factory: Callable[..., Any]) -> Iterator[str]:
    """The docstrings of a factory, of its base classes and of their `__init__`."""
    for each in inspect.getmro(factory) if isinstance(factory, type) else (factory,):
        if not str(each.__module__).startswith(("torch.", "builtins")):
            for owner in (each, getattr(each, "__dict__", {}).get("__init__")):
                if owner is not None and owner.__doc__:
                    yield inspect.cleandoc(owner.__doc__)
