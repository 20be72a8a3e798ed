"""What is read of a factory without calling it: what it takes, its options, and what its docstrings say."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from vreid_bench.registry.annotations import list_unread, list_wrong_defaults, read_annotations, read_types
from vreid_bench.registry.option_types import Types
from vreid_bench.registry.option_words import to_object, to_word

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
    """Option -> its default, of the factory of a part; a text for an object that texts stand for."""
    return {each.name: to_word(each.default) for each in _list_options(kind, factory)}


def read_option_types(kind: str, factory: Callable[..., Any]) -> dict[str, Types]:
    """Option -> what it accepts, of the factory of a part."""
    return read_types(_list_options(kind, factory), factory)


def restore_objects(kind: str, factory: Callable[..., Any], options: Mapping[str, Any]) -> Mapping[str, Any]:
    """The options as the factory takes them: objects in the place of the texts that stand for them."""
    if not options or kind not in GIVEN:
        return options
    parameters = _list_options(kind, factory)
    annotations = read_annotations(parameters, factory)
    defaults = {each.name: each.default for each in parameters}
    return {name: _restore(value, defaults.get(name), annotations.get(name)) for name, value in options.items()}


def _restore(value: Any, default: Any, annotation: Any) -> Any:
    """The default itself for its texts, whatever is annotated; else what the annotation says of a text."""
    return default if repr(value) == repr(to_word(default)) else to_object(annotation, value)


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
