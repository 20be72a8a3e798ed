"""What is checked of a value that a hook provides: a factory where a factory is expected, never a finished part."""

from __future__ import annotations

import inspect
import sys
from typing import Any

from vreid_bench.registry.entry import KINDS, Entry, Family
from vreid_bench.system.errors import InputError

PARTS = ("encoders", "aggregators", "matchers", "losses", "augmentations", "rerankers")
METHODS = {"matchers": "represent", "rerankers": "rerank"}  # what only a finished part of that kind can do
AUGMENTATION = ["clips", "generator", "planes"]  # what an augmentation itself takes, and its factory does not


def check_factory(entry: Entry) -> None:
    """Raise InputError, naming the distribution, for a finished part or method where a factory is expected."""
    value = entry.value
    if entry.kind not in (*PARTS, "methods") or isinstance(value, Family):
        return
    kind = KINDS[entry.kind]
    expected = f"a function of the preset that returns a {kind}" if entry.kind == "methods" else _describe(kind)
    if not callable(value) or _is_finished(entry.kind, value):
        raise InputError(f"{entry.title}: expected {expected}, got {_name(value)}; {_advise(entry.name, value)}")


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
