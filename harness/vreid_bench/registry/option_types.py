"""What an option of a part accepts: what its annotation says, else a value like its default."""

from __future__ import annotations

import builtins
import collections.abc
import inspect
import json
import typing
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from itertools import cycle, islice
from numbers import Integral, Real
from types import NoneType, SimpleNamespace, UnionType
from typing import Any, Literal, NamedTuple, get_args, get_origin

from vreid_bench.contracts.recipe import Part
from vreid_bench.registry.enum_options import is_enum, list_words, to_word
from vreid_bench.system.errors import describe_exception


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
    "NoneType": Words((NoneType,), "null", "nulls"),
    "Mapping": Words((collections.abc.Mapping,), "a table of names and values", "tables of names and values"),
    "Callable": Words((Part, collections.abc.Callable), "a part", "parts"),
}
EXAMPLES = {  # of items of a list, as `--set` takes them
    "bool": ("true", "false"),
    "int": ("3", "4"),
    "float": ("0.5", "2"),
    "str": ('"a"', '"b"'),
    "NoneType": ("null",),
}
TABLE = '{"a": 1}'  # of names and values
COLLECTIONS = (list, tuple, collections.abc.Sequence, collections.abc.Collection, collections.abc.Iterable)
SCOPE = vars(builtins) | vars(collections.abc) | vars(typing)  # for names that are imported for a type checker alone


@dataclass(frozen=True)
class Type:
    """One type of values, as plain data: the catalogue of plugins keeps it."""

    kind: str  # of KINDS; or `choice` or `list`
    choices: tuple[Any, ...] = ()  # of a `choice`
    items: tuple[Type, ...] = ()  # of a `list`: the types of an item; none means any
    length: int | None = None  # of a `list`; None means any

    def accepts(self, value: Any) -> bool:
        """Has the value this type? True and false are no numbers here."""
        if self.kind == "choice":
            return any(type(value) is type(each) and value == each for each in self.choices)
        if self.kind == "list":
            fits = isinstance(value, list | tuple) and self.length in (None, len(value))
            return fits and all(accept(self.items, each) for each in value)
        return isinstance(value, KINDS[self.kind].types) and (self.kind == "bool" or not isinstance(value, bool))

    @property
    def form(self) -> str:
        """How `--set` takes a value that is a list or a table, by an example; empty for other types."""
        if self.kind == "Mapping":
            return TABLE
        if self.kind != "list":
            return ""
        inner = self.items[0] if self.items else Type("int")
        examples = tuple(map(json.dumps, inner.choices)) or EXAMPLES.get(inner.kind) or (inner.form or "...",)
        number = min(2, len(examples)) if self.length is None else self.length
        return f"[{','.join(islice(cycle(examples), number))}]"

    def describe(self, several: bool = False) -> str:
        """What one value of the type is called, or several."""
        if self.kind == "choice":
            return f"one of {', '.join(map(str, self.choices))}"
        if self.kind != "list":
            return KINDS[self.kind].several if several else KINDS[self.kind].one
        number = () if self.length is None else (str(self.length),)
        items = (describe_types(self.items, several=True),) if self.items else ("values",) if number else ()
        return " ".join(("lists" if several else "a list", *(("of",) if items else ()), *number, *items))


Types = tuple[Type, ...]  # a value has one of them; none means that any value will do


def accept(types: Types, value: Any) -> bool:
    """Has the value one of these types?"""
    return not types or any(each.accepts(value) for each in types)


def describe_types(types: Types, several: bool = False) -> str:
    """What values of these types are called: `a number or null`."""
    return " or ".join(dict.fromkeys(each.describe(several) for each in types))


def describe_fault(types: Types, value: Any) -> str:
    """What is said of an option with a value of another type: `takes a number, found 'hot'; ...`."""
    plain = value if isinstance(value, str) else json.dumps(value, default=repr)  # null and true as `--set` takes them
    found = f"the part {value.name!r}" if isinstance(value, Part) else repr(value) if value is plain else plain
    forms = dict.fromkeys(filter(None, (each.form for each in types)))
    as_in = f", as in {' or '.join(forms)}" if forms else ""
    return f"takes {describe_types(types)}, found {found}; change its value{as_in}"


def read_types(parameters: Iterable[inspect.Parameter], factory: Callable[..., Any]) -> dict[str, Types]:
    """Parameter -> what it accepts. A parameter without annotation takes values like its default."""
    scope = _read_scope(factory)
    return {each.name: _read(each, scope) for each in parameters}


def read_annotations(parameters: Iterable[inspect.Parameter], factory: Callable[..., Any]) -> dict[str, Any]:
    """Parameter -> what its annotation means; without one, the class of its default."""
    scope = _read_scope(factory)
    return {
        each.name: type(each.default) if each.annotation is each.empty else _evaluate(each.annotation, scope)
        for each in parameters
    }


def list_wrong_defaults(parameters: Iterable[inspect.Parameter], factory: Callable[..., Any]) -> dict[str, Types]:
    """Parameter -> what its annotation accepts, where its default is of another type; None fits every annotation."""
    scope, found = _read_scope(factory), {}
    for each in parameters:
        plain = _translate(type(each.default)) if each.default is not None else ()
        if plain and each.annotation is not each.empty:
            types = _translate(_evaluate(each.annotation, scope))
            if not accept(types, to_word(each.default)):
                found[each.name] = types
    return found


def list_unread(parameters: Iterable[inspect.Parameter], factory: Callable[..., Any]) -> dict[str, str]:
    """Parameter -> why its annotation says nothing: a name in it is not there, or it is no type. Any value fits it."""
    scope = _read_scope(factory)
    found = {each.name: _resolve(each.annotation, scope)[1] for each in parameters}
    return {name: reason for name, reason in found.items() if reason}


def find_code(factory: Callable[..., Any]) -> Any:
    """The function with the parameters of a factory: of a class, its `__init__`."""
    code: Any = factory.func if isinstance(factory, partial) else factory
    return inspect.unwrap(code.__init__ if inspect.isclass(code) else code)


def _read_scope(factory: Callable[..., Any]) -> dict[str, Any]:
    """The names that the annotations of a factory may use."""
    return SCOPE | getattr(find_code(factory), "__globals__", {})


def _read(parameter: inspect.Parameter, scope: dict[str, Any]) -> Types:
    annotation, default = parameter.annotation, parameter.default
    like_default = () if default is inspect.Parameter.empty else _translate(type(default))
    if annotation is inspect.Parameter.empty:
        return () if default is None else like_default
    types = _translate(_evaluate(annotation, scope))
    fits = not like_default or accept(types, to_word(default))
    return types if fits else types + like_default  # as in `p: float = None`


def _evaluate(annotation: Any, scope: dict[str, Any]) -> Any:
    """What an annotation means, with every text in it read; Any, if it says nothing."""
    return _resolve(annotation, scope)[0]


def _resolve(annotation: Any, scope: dict[str, Any]) -> tuple[Any, str]:
    """What an annotation means; or Any, and why it cannot be read, as with names that are there for a type checker."""
    alone = SimpleNamespace(__annotations__={"it": annotation})  # one that cannot be read spoils no other
    try:
        return typing.get_type_hints(alone, scope)["it"], ""
    except Exception as fault:  # a plugin may write anything into an annotation
        return Any, describe_exception(fault)


def _translate(annotation: Any) -> Types:
    """The types of an annotation; none where it says too little."""
    origin, arguments = get_origin(annotation) or annotation, get_args(annotation)
    if origin in (typing.Union, UnionType):
        each = [_translate(argument) for argument in arguments]
        return tuple(one for types in each for one in types) if all(each) else ()
    if origin is Literal:
        return (Type("choice", tuple(map(to_word, arguments))),)
    if is_enum(annotation):
        return (Type("choice", list_words(annotation)),)
    if annotation is None:
        return (Type("NoneType"),)
    if origin in COLLECTIONS:
        return (_translate_list(origin, arguments),)
    if origin in (dict, collections.abc.Mapping, collections.abc.MutableMapping):
        return (Type("Mapping"),)
    name = getattr(origin, "__name__", "")
    return (Type(name),) if origin in (bool, int, float, str, NoneType, collections.abc.Callable) else ()


def _translate_list(origin: Any, arguments: tuple[Any, ...]) -> Type:
    if origin is not tuple or not arguments or arguments[-1] is ...:
        return Type("list", items=_translate(arguments[0]) if arguments else ())
    each = [_translate(argument) for argument in arguments]
    items = tuple(dict.fromkeys(one for types in each for one in types)) if all(each) else ()
    return Type("list", items=items, length=len(arguments))
