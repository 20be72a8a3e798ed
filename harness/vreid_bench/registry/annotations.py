"""What the annotation of an option says, else its default: the types of the values that it accepts."""

from __future__ import annotations

import builtins
import collections.abc
import inspect
import typing
from collections.abc import Callable, Iterable
from functools import partial
from types import NoneType, SimpleNamespace, UnionType
from typing import Any, Literal, get_args, get_origin

from vreid_bench.contracts.recipe import Part
from vreid_bench.registry.option_types import Type, Types, accept
from vreid_bench.registry.option_words import is_enum, is_path, list_words, to_word, unwrap
from vreid_bench.system.errors import describe_exception

TABLES = (dict, collections.abc.Mapping, collections.abc.MutableMapping)
COLLECTIONS = (list, tuple, collections.abc.Sequence, collections.abc.Collection, collections.abc.Iterable)
SCOPE = vars(builtins) | vars(collections.abc) | vars(typing)  # for names that are imported for a type checker alone


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
        plain = all(one.writable for one in _read_default(each.default))
        if plain and each.default not in (None, each.empty) and each.annotation is not each.empty:
            types = _translate(_evaluate(each.annotation, scope))
            judged = all(one.kind != "object" for one in types)  # what has the attributes of a class may stand for it
            if judged and not accept(types, to_word(each.default)):
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
    like_default = _read_default(default)
    if annotation is inspect.Parameter.empty:
        return () if default is None else like_default
    types = _translate(_evaluate(annotation, scope))
    return types if accept(types, to_word(default)) else types + like_default  # as in `p: float = None`


def _read_default(default: Any) -> Types:
    """The types of values like a default; none for an option without one."""
    if default is inspect.Parameter.empty:
        return ()
    if isinstance(default, Part):
        return (Type("Callable"),)
    types = _translate(type(default))
    similar = (Type(each) for each in ("int", "float", "str", "table"))  # as a number of NumPy is
    written = all(each.writable for each in types)
    return types if written else next(((each,) for each in similar if each.accepts(default)), types)


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
    annotation = unwrap(annotation)
    origin, arguments = get_origin(annotation) or annotation, get_args(annotation)
    if origin in (typing.Union, UnionType):
        return _join(arguments)
    if origin is Literal:
        return (Type("choice", tuple(map(to_word, arguments))),)
    if is_enum(annotation):
        return (Type("choice", list_words(annotation)),)
    if annotation in (None, NoneType):
        return (Type("NoneType"),)
    if is_path(annotation):
        return (Type("path"),)
    if origin in COLLECTIONS:
        return (_translate_list(origin, arguments),)
    if origin in TABLES or typing.is_typeddict(origin):
        keys, values = map(_translate, arguments) if len(arguments) == 2 else ((), ())
        return (Type("table", items=values, keys=keys),)
    if origin in (collections.abc.Callable, Part):
        return (Type("Callable"),)
    if origin in (bool, int, float, str):
        return (Type(origin.__name__),)
    return (Type("object", (origin.__name__,)),) if isinstance(origin, type) and origin not in (Any, object) else ()


def _join(annotations: Iterable[Any]) -> Types:
    """The types of several annotations; none where one of them says too little."""
    each = [_translate(annotation) for annotation in annotations]
    return tuple(dict.fromkeys(one for types in each for one in types)) if all(each) else ()


def _translate_list(origin: Any, arguments: tuple[Any, ...]) -> Type:
    if origin is not tuple or not arguments or arguments[-1] is ...:
        return Type("list", items=_translate(arguments[0]) if arguments else ())
    return Type("list", items=_join(arguments), length=len(arguments))
