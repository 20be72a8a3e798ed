"""What a plugin may provide under each hook; checked when the registry is built."""

from __future__ import annotations

import inspect
from typing import Any

from vreid_bench.contracts.checkpoint import CheckpointFamily
from vreid_bench.contracts.convention import Convention
from vreid_bench.contracts.dataset_description import DatasetDescription
from vreid_bench.contracts.protocol import Protocol
from vreid_bench.registry.entry import Entry
from vreid_bench.registry.factory_checks import check_factory
from vreid_bench.registry.inspection import accepts_call
from vreid_bench.system.errors import InputError

RULES: dict[str, type[Protocol | Convention]] = {"protocols": Protocol, "conventions": Convention}

READER = {  # the methods that a reader may have, and what they are given
    "read": ("root",),
    "verify": ("root", "decode"),
    "twin": (),
    "synthesize": ("root",),
    "visibility": ("root",),
    "roles": ("info",),
    "withdrawn": ("root",),
}


def check_value(entry: Entry) -> None:
    """Raises InputError, naming the distribution, for a value that is not of the kind of its hook.

    A data set is a reader, a protocol or convention has the name under which it is provided and fields of their types,
    a family of checkpoints is one, and all others are factories.
    """
    if entry.kind == "datasets":
        fault = _find_reader_fault(entry.value)
    elif entry.kind in RULES:
        fault = _find_rule_fault(entry, RULES[entry.kind])
    elif entry.kind == "checkpoints":
        fault = _find_family_fault(entry.value)
    else:
        return check_factory(entry)
    if fault:
        raise InputError(f"{entry.title}: {fault}; correct the plugin")


def describe_value(value: Any) -> str:
    """What kind of thing a value is, for the middle of a sentence."""
    if value is None:
        return "None"
    if inspect.isclass(value):
        return f"the class {value.__name__}"
    if inspect.isroutine(value):
        return f"the function {value.__name__}"
    name = type(value).__name__
    return f"{'an' if name[0] in 'aeiouAEIOU' else 'a'} {name}"


def _find_family_fault(value: Any) -> str:
    if not isinstance(value, CheckpointFamily):
        return f"got {describe_value(value)}, expected a vreid_bench.CheckpointFamily"
    if not all(value.signs) or not (value.signs or value.container):
        return "its signs are empty, so no file could be recognised; expected names for each of its networks"
    if accepts_call(value.read, ("shapes",)) or accepts_call(value.read, ("shapes", "beside")):
        return ""
    return "its read takes other arguments, expected read(shapes) or read(shapes, beside)"


def _find_reader_fault(value: Any) -> str:
    if inspect.isclass(value):
        return f"got the class {value.__name__}, expected an instance of it: {value.__name__}()"
    if not callable(getattr(value, "read", None)):
        return f"got {describe_value(value)}, expected an instance with a method `read(root)` that returns a Dataset"
    described = getattr(value, "description", None)
    if described is not None and not isinstance(described, DatasetDescription):
        return f"its `description` is {described!r}, expected a vreid_bench.DatasetDescription"
    if fault := _find_variants_fault(value, getattr(value, "variants", None)):
        return fault
    for name, arguments in READER.items():
        if callable(method := getattr(value, name, None)) and not accepts_call(method, arguments):
            found = ", ".join(inspect.signature(method).parameters)
            return f"got the method {name}({found}), expected {name}({', '.join(arguments)})"
    return ""


def _find_variants_fault(reader: Any, variants: Any) -> str:
    if variants is None:
        return ""
    if not isinstance(variants, tuple | list) or not variants or not all(isinstance(each, str) for each in variants):
        return f"its `variants` is {variants!r}, expected a tuple of names, as in ('by-door', 'by-week')"
    if accepts_call(reader.read, ("root",)) and accepts_call(reader.read, ("root", "variant")):
        return ""
    found = ", ".join(inspect.signature(reader.read).parameters)
    return f"it has variants and the method read({found}), expected read(root, variant={variants[0]!r})"


def _find_rule_fault(entry: Entry, expected: type[Protocol | Convention]) -> str:
    from vreid_bench.registry.rule_fields import find_fault  # pydantic, which the catalogue does without

    rule = entry.value
    if not isinstance(rule, expected):
        return f"got {describe_value(rule)}, expected an instance of {expected.__name__}"
    if rule.name != entry.name:
        return f"its field `name` is {rule.name!r}, expected {entry.name!r}, the name under which it is provided"
    if fault := find_fault(rule):
        return fault
    if isinstance(rule, Protocol) and rule.target and rule.holdout:
        return (
            f"it has holdout {rule.holdout:g} and the target {rule.target!r}: people are held out of the data that is "
            "trained on, and the target is tested; leave out one of them"
        )
    return ""
