"""What is read of a factory without calling it: its options and what its docstrings say."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from typing import Any

from vreid_bench.registry.option_types import Types, read_types

# How many arguments the harness itself passes to a factory of each kind, before the options of the recipe.
GIVEN = {"encoders": 0, "aggregators": 1, "matchers": 1, "losses": 2, "augmentations": 0, "rerankers": 0}

REQUIRED = inspect.Parameter.empty  # stands for the default of an option that has none


def read_options(kind: str, factory: Callable[..., Any]) -> dict[str, Any]:
    """Option -> its default, of the factory of a part."""
    return {each.name: each.default for each in _list_options(kind, factory)}


def read_option_types(kind: str, factory: Callable[..., Any]) -> dict[str, Types]:
    """Option -> what it accepts, of the factory of a part."""
    return read_types(_list_options(kind, factory), factory)


def _list_options(kind: str, factory: Callable[..., Any]) -> list[inspect.Parameter]:
    parameters = list(inspect.signature(factory).parameters.values())[GIVEN[kind] :]
    return [each for each in parameters if each.kind in (each.POSITIONAL_OR_KEYWORD, each.KEYWORD_ONLY)]


def read_docstrings(factory: Callable[..., Any]) -> Iterator[str]:
    """The docstrings of a factory, of its base classes and of their `__init__`."""
    for each in inspect.getmro(factory) if isinstance(factory, type) else (factory,):
        if not str(each.__module__).startswith(("torch.", "builtins")):
            for owner in (each, getattr(each, "__dict__", {}).get("__init__")):
                if owner is not None and owner.__doc__:
                    yield inspect.cleandoc(owner.__doc__)
