"""What is checked of a value that a hook provides: a factory that takes what it is given, never a finished part."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Sequence
from typing import Any

from vreid_bench.registry.entry import KINDS, Entry, Family
from vreid_bench.registry.inspection import GIVEN, accepts_call, find_wrong_defaults
from vreid_bench.registry.option_types import describe_fault
from vreid_bench.system.errors import InputError

PARTS = ("encoders", "aggregators", "matchers", "losses", "augmentations", "rerankers", "trackers", "executors")
# what only a finished part of that kind can do
METHODS = {"matchers": "represent", "rerankers": "rerank", "executors": "run"}
MEANINGS = {  # of what factories are given
    "preset": "which is 'paper' or 'small'",
    "shape": "the sizes (D, h, w) of the encoder's maps",
    "dim": "the width of the embedding of a clip",
    "dims": "the widths of what it can learn from",
    "identities": "the number of people to train on",
    "jobs": "how many may run at a time, or None",
}
AUGMENTATION = ["clips", "generator", "planes"]  # what an augmentation itself takes, and its factory does not


def check_factory(entry: Entry) -> None:
    """Raise InputError, naming the distribution, for a value that is not a factory of its kind.

    That is a finished part or method, and a factory that does not take what the harness gives to it.
    """
    value = entry.value
    if entry.kind not in (*PARTS, "methods") or isinstance(value, Family):
        return
    kind = KINDS[entry.kind]
    expected = f"a function of the preset that returns a {kind}" if entry.kind == "methods" else _describe(kind)
    if not callable(value) or _is_finished(entry.kind, value):
        raise InputError(f"{entry.title}: expected {expected}, got {_name(value)}; {_advise(entry.name, value)}")
    if entry.kind == "methods":
        _check_arguments(entry, ("preset",), whole=True)
    else:
        _check_kind(entry)
        _check_arguments(entry, GIVEN[entry.kind])
        _check_defaults(entry)


def _check_arguments(entry: Entry, given: Sequence[str], whole: bool = False) -> None:
    """Raise InputError for a factory that does not take these arguments first; if `whole`, if it needs any other."""
    names = _parameters(entry.value)
    in_order = all(name not in names or names.index(name) == place for place, name in enumerate(given))
    first = [] if whole else names[: len(given)]
    options = [name for name in first if name not in given and _has_default(entry.value, name)]
    instead = bool(first) and options == first  # they stand where it should take what it is given
    if in_order and not instead and accepts_call(entry.value, given, whole=whole):
        return
    name = getattr(entry.value, "__name__", "").replace("<lambda>", "")
    start = ("self",) if inspect.isclass(entry.value) else ()
    head = ", ".join((*start, *given, *(() if whole else ("...",))))
    raise InputError(
        f"{entry.title} takes {'one argument' if len(given) == 1 else f'{len(given)} arguments'}"
        f"{'' if whole else ' before its options'}: {', and '.join(f'{each}, {MEANINGS[each]}' for each in given)}; "
        f"found {name}({', '.join(names)}); write def {'__init__' if start else name or 'build'}({head})"
    )


def _check_kind(entry: Entry) -> None:
    """Raise InputError for a part that takes exactly what a loss is given, and is provided as another kind."""
    given, loss = GIVEN[entry.kind], GIVEN["losses"]
    if entry.kind != "losses" and tuple(_parameters(entry.value)[: len(loss)]) == loss:
        raise InputError(
            f"{entry.title} takes {' and '.join(loss)} like the factories of vreid_losses, expected "
            f"{' and '.join(given) or 'its options alone'}; provide it there, or rename its arguments"
        )


def _check_defaults(entry: Entry) -> None:
    """Raise InputError for an option whose default is of another type than its annotation names."""
    for option, types in find_wrong_defaults(entry.kind, entry.value).items():
        fault = describe_fault(types, entry.options[option])
        raise InputError(f"the default of {option!r} of {entry.title} is wrong: by its annotation it {fault}")


def _has_default(value: Any, name: str) -> bool:
    return inspect.signature(value).parameters[name].default is not inspect.Parameter.empty


def _describe(kind: str) -> str:
    return f"a factory of the {kind}, a class or a function that builds it"


def _is_finished(kind: str, value: Any) -> bool:
    if isinstance(value, type):
        return False
    torch = sys.modules.get("torch")  # a module of torch exists only where torch was imported
    if torch is not None and isinstance(value, torch.nn.Module):
        return True
    if kind == "augmentations":
        return _parameters(value)[:3] == AUGMENTATION
    return kind in METHODS and hasattr(value, METHODS[kind])


def _parameters(value: Any) -> list[str]:
    try:
        return list(inspect.signature(value).parameters)
    except (TypeError, ValueError):  # some callables of C have no signature
        return []


def _name(value: Any) -> str:
    if value is None:
        return "None"
    if inspect.isroutine(value):
        return f"the function {getattr(value, '__name__', '')}({', '.join(_parameters(value))})"
    return f"a finished {type(value).__name__}"


def _advise(name: str, value: Any) -> str:
    if value is None or inspect.isroutine(value):
        return f'give the class or a function without these arguments under "{name}"'
    return f'write {{"{name}": {type(value).__name__}}} without calling it, so that each run builds its own'
