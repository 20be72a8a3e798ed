"""The types of values that an option of a part accepts, and the words for them."""

from __future__ import annotations

import collections.abc
import json
import re
from dataclasses import dataclass
from itertools import cycle, islice
from numbers import Integral, Real
from types import NoneType
from typing import Any, NamedTuple

from vreid_bench.contracts.recipe import Part


class Words(NamedTuple):
    """The Python types of a kind of value, and what one and several such values are called."""

    types: tuple[Any, ...]
    one: str
    several: str


KINDS = {
    "bool": Words((bool,), "true or false", "values true or false"),
    "int": Words((Integral,), "a whole number", "whole numbers"),
    "float": Words((Real,), "a number", "numbers"),
    "str": Words((str,), "a text", "texts"),
    "path": Words((str,), "a path", "paths"),
    "NoneType": Words((NoneType,), "null", "nulls"),
    "Callable": Words((Part, collections.abc.Callable), "a part or a function", "parts or functions"),
}
EXAMPLES = {  # of items of a list, as `--set` takes them
    "bool": ("true", "false"),
    "int": ("3", "4"),
    "float": ("0.5", "2"),
    "str": ('"a"', '"b"'),
    "path": ('"a"', '"b"'),
    "NoneType": ("null",),
}
# What a setting can be: values of these classes themselves, not of classes derived from them.
PLAIN = (NoneType, bool, int, float, str, list, tuple, dict, Part)


@dataclass(frozen=True)
class Type:
    """One type of values, as plain data: the catalogue of plugins keeps it."""

    kind: str  # of KINDS; or `choice`, `list`, `table`, or `object` for what no setting can be
    choices: tuple[Any, ...] = ()  # of a `choice`; of an `object`, the name of its class
    items: tuple[Type, ...] = ()  # of a `list` or a `table`: the types of an item or a value; none means any
    length: int | None = None  # of a `list`; None means any
    keys: tuple[Type, ...] = ()  # of a `table`: the types of its names; none means any

    def accepts(self, value: Any) -> bool:
        """Has the value this type? True and false are no numbers here."""
        if self.kind == "choice":
            return any(type(value) is type(each) and value == each for each in self.choices)
        if self.kind == "object":
            return type(value) not in PLAIN  # whether it is of that class, the part itself finds
        if self.kind == "list":
            fits = isinstance(value, list | tuple) and self.length in (None, len(value))
            return fits and all(accept(self.items, each) for each in value)
        if self.kind == "table":
            return isinstance(value, collections.abc.Mapping) and all(
                _accept_name(self.keys, name) and accept(self.items, each) for name, each in value.items()
            )
        return isinstance(value, KINDS[self.kind].types) and (self.kind == "bool" or not isinstance(value, bool))

    @property
    def form(self) -> str:
        """How `--set` takes a value that is a list or a table, by an example; empty for other types."""
        if not self.assignable or self.kind not in ("list", "table"):
            return ""
        inner = next((each for each in self.items if each.assignable), Type("int"))
        examples = tuple(map(json.dumps, inner.choices)) or EXAMPLES.get(inner.kind) or (inner.form or "...",)
        if self.kind == "table":
            names = [str(choice) for each in self.keys for choice in each.choices or EXAMPLES.get(each.kind, ())[:1]]
            name = names[0].strip('"') if names else "a"
            return f"{{{json.dumps(name)}: {examples[0] if self.items else 1}}}"
        number = min(2, len(examples)) if self.length is None else self.length
        return f"[{','.join(islice(cycle(examples), number))}]"

    @property
    def writable(self) -> bool:
        """Can a setting be such a value? Not an object, and no collection of objects."""
        return self.kind != "object" and (not self.items or any(each.writable for each in self.items))

    @property
    def assignable(self) -> bool:
        """Does `--set` write such a value? It is plain; a part is put into the place of a part, which is no value."""
        plain = self.kind not in ("object", "Callable")
        return plain and (not self.items or any(each.assignable for each in self.items))

    def describe(self, several: bool = False) -> str:
        """What one value of the type is called, or several."""
        if self.kind == "choice":
            return f"one of {', '.join(map(str, self.choices))}"
        if self.kind == "object":
            return f"{'objects' if several else 'an object'} of class {self.choices[0]}"
        items = describe_types(self.items, several=True) or "values"
        if self.kind == "table":
            names = "names" if self.keys in ((), (Type("str"),)) else f"names ({describe_types(self.keys, True)})"
            return f"{'tables' if several else 'a table'} of {names} and {items}"
        if self.kind != "list":
            return KINDS[self.kind].several if several else KINDS[self.kind].one
        number = () if self.length is None else (str(self.length),)
        return " ".join(("lists" if several else "a list", *(("of", *number, items) if self.items or number else ())))


Types = tuple[Type, ...]  # a value has one of them; none means that any value will do


def accept(types: Types, value: Any) -> bool:
    """Has the value one of these types?"""
    return not types or any(each.accepts(value) for each in types)


def _accept_name(types: Types, name: Any) -> bool:
    """Can it be a name in a table? JSON writes a number there as a text."""
    whole = isinstance(name, str) and re.fullmatch(r"-?\d{1,18}", name)
    return accept(types, name) or bool(whole and accept(types, int(name)))


def describe_types(types: Types, several: bool = False) -> str:
    """What values of these types are called: `a number or null`."""
    return " or ".join(dict.fromkeys(each.describe(several) for each in types))


def describe_fault(types: Types, value: Any) -> str:
    """What is said of an option with a value of another type: `takes a number, found 'hot'; ...`."""
    plain = value if isinstance(value, str) else json.dumps(value, default=repr)  # null and true as `--set` takes them
    found = f"the part {value.name!r}" if isinstance(value, Part) else repr(value) if value is plain else plain
    return f"takes {describe_types(types)}, found {found}; {_advise(types)}"


def _advise(types: Types) -> str:
    """What helps where a value has none of these types."""
    kinds = [each for each in types if each.kind != "NoneType"]
    choice = "for a choice, declare a text or an Enum"
    if not any(each.writable for each in kinds):
        return f"leave it out, as no setting can be such an object; {choice}"
    if not any(each.assignable for each in kinds):
        return f"give it in Python, in the recipe of a method, as --set cannot write it; {choice}"
    forms = dict.fromkeys(filter(None, (each.form for each in types)))
    return "change its value" + (f", as in {' or '.join(forms)}" if forms else "")
