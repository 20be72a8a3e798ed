"""Changing a recipe with `--set PATH=VALUE`: one setting, a part, several parts, or a table of names and values."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from vreid_bench.contracts.length import Epochs
from vreid_bench.contracts.recipe import LOADABLE, Method, Part
from vreid_bench.registry.assigned_values import (
    name_option,
    read_length,
    read_place,
    read_setting,
    read_table,
    read_value,
    split_values,
)
from vreid_bench.registry.entry import Entry
from vreid_bench.registry.registry import Registry, check_option
from vreid_bench.registry.settings import (
    Place,
    describe,
    list_inner_places,
    list_lengths,
    list_option_tables,
    list_places,
    list_tables,
    look_up,
    settings,
)
from vreid_bench.system.errors import InputError, UnknownName


def override(
    method: Method, assignments: Sequence[str], registry: Registry, only: tuple[str, ...] = ()
) -> tuple[Method, dict[str, Any]]:
    """Apply `path=value` assignments to a method, with every option of every part filled in.

    A path has dots (`losses.triplet.margin`, `stages.0.steps`); its end is enough if only one setting has it
    (`margin`). Values are JSON or text; a length is a number of steps, or text such as `500 epochs`. Where a part
    stands (`aggregator`, `stages.0.augment`), the value is its name, which means its default options, or
    `{"name": ..., "options": {...}}`; where several stand, it is a JSON list of these, or names with commas. A matcher
    that can be fitted brings the stage that fits it, as it does with `--plugin`.
    `only`: beginnings of the paths that may be set; empty for all. Returns the new method and {full path: value} of the
    settings that changed. Raises InputError for a path that fits none or several settings or that may not be set, for
    an unknown part, with the near ones, and for a value of the wrong type.
    """
    method, applied = registry.resolve_method(method), dict[str, Any]()
    for assignment in assignments:
        with _tell_option(assignment):
            changed, full, words = _assign(method, assignment, registry, only)
        if changed != method:
            method = changed
            applied = {each: v for each, v in applied.items() if not each.startswith(f"{full}.")} | {full: words}
    return method, applied


@contextmanager
def _tell_option(assignment: str) -> Iterator[None]:
    """Let what is wrong with an assignment of another option than `--set` begin with that option."""
    try:
        yield
    except InputError as fault:
        option, found = name_option(assignment), str(fault)
        if option == "--set":
            raise
        about = found.removeprefix("--set") if found.startswith("--set") else f" {assignment}: {found}"
        raise InputError(f"{option}{about}") from fault


def _assign(method: Method, assignment: str, registry: Registry, only: tuple[str, ...]) -> tuple[Method, str, Any]:
    """The method after one assignment, the full path of what it sets, and the value as plain JSON."""
    path, equals, text = (each.strip() for each in assignment.partition("="))
    if not equals or not path:
        raise InputError(f"--set {assignment!r}: expected NAME=VALUE, for instance --set margin=0.2")
    single, tables = dict(settings(method)), dict(list_tables(method))
    places = {place.path: place for place in list_places(method)}
    full = _find(path, list(single), [*places, *tables], only, list(places.values()))
    if full in places:
        part, words = read_place(places[full], text)
        return _put(method, full, part, registry), full, words
    value: Any
    if any(isinstance(place.value, Part) and full.startswith(f"{at}.") for at, place in places.items()):
        value = _read_option_value(method, full, text, single.get(full))
    elif full in tables:
        value = read_table(full, text)
    elif full in list_lengths(method):
        value = read_length(full, text)
    else:
        value = read_setting(full, text, single[full])
    words = describe(value) if isinstance(value, tuple | Epochs | Mapping) else value
    return _put(method, full, value, registry), full, words


def parse_part(kind: str, text: str, registry: Registry) -> Part:
    """The part that the text `NAME` or `NAME:option=value,...` names, with every option filled in.

    Raises InputError for an unknown name or option, and for a value of the wrong type.
    """
    name, _, rest = text.partition(":")
    assignments = list(filter(None, split_values(rest)))
    for assignment in assignments:
        if "=" not in assignment:
            raise InputError(f"{text!r}: expected NAME:OPTION=VALUE,..., got {assignment!r}")
    return registry.resolve(kind, Part(name, parse_options(kind, name, assignments, registry)))


def parse_options(kind: str, name: str, assignments: Sequence[str], registry: Registry) -> dict[str, Any]:
    """The options of a part that `OPTION=VALUE` assignments give.

    Raises InputError for an unknown name or option, and for a value of the wrong type.
    """
    entry = registry.entry(kind, name)
    given: dict[str, Any] = {}
    for assignment in assignments:
        path, equals, text = (each.strip() for each in assignment.partition("="))
        if not equals:
            raise InputError(f"--set {assignment!r}: expected OPTION=VALUE, for instance --set margin=0.2")
        part = registry.fill(kind, Part(name, given))
        places = {place.path: place for place in list_inner_places(kind, part)}
        values = dict(settings(part))
        if path not in {*values, *places, *dict(list_option_tables(part))}:
            _refuse_path(entry, path, text, [*values, *places])
        if path in places:
            value, _ = read_place(places[path], text)
        else:
            value = _read_option_value(part, path, text, values.get(path))
        option, *below = path.split(".")
        given[option] = _replace(part.options[option], below, value)
        check_option(entry, option, given[option])
    return given


def _refuse_path(entry: Entry, path: str, text: str, known: Sequence[str]) -> None:
    """Raise InputError for what is no setting of a part that is tried alone."""
    names = path.split(".")
    ends = [".".join(names[at:]) for at in range(1, len(names))]
    if end := next((each for each in ends if each in known), ""):
        raise InputError(f"--set {path}={text}: {entry.title} is tried alone, so write {end}={text}")
    if names[0] not in entry.options:
        check_option(entry, names[0], None)  # raises the error
    raise UnknownName(f"--set: {entry.title} has no setting", path, known)


def _read_option_value(root: Method | Part, path: str, text: str, present: Any) -> Any:
    """A value of any type for an option, or in a table that is one: its part says which it takes.

    In anything else that an option can be, one of the same type as the `present` one.
    """
    owner, _, _ = path.rpartition(".")
    holder = look_up(root, owner.split(".") if owner else ())
    return (read_value if isinstance(holder, Part | Mapping) else read_setting)(path, text, present)


def _find(
    path: str, single: Sequence[str], several: Sequence[str], only: tuple[str, ...], places: Sequence[Place]
) -> str:
    """The full path of a setting: of a `single` one, else of what holds several."""
    usable = [p for p in (*single, *several) if p.startswith(only or "")]
    fits = _list_fits(path, [p for p in single if p in usable], usable)
    if len(fits) == 1:
        return fits[0]
    if fits:
        raise InputError(f"--set: {path!r} fits several settings, write one of {', '.join(sorted(fits))}")
    if _list_fits(path, single, several):
        raise InputError(
            f"--set {path}: decides how weights are trained, but --from tests weights that are trained already; "
            f"expected one of {', '.join(p for p in usable if p in single)}; leave --from out to train with {path}"
        )
    _refuse_part_name(path, places)
    ends = {p.rpartition(".")[2] for p in usable} | set(usable)
    advice = "`vreid-bench methods show NAME` lists those of a method"
    counted = "; settings count stages from 0: stages.0 is stage 1" if path.startswith("stages.") else ""
    raise UnknownName("--set: the recipe has no setting", path, ends, advice + counted)


def _refuse_part_name(path: str, places: Sequence[Place]) -> None:
    """Raise InputError with the right path for an option of a part that is named by the part, not by its place."""
    named = [(p.path, p.value) for p in places if isinstance(p.value, Part) and path.startswith(f"{p.value.name}.")]
    for place, found in named:
        option = path.removeprefix(f"{found.name}.")
        paths = [f"{at}.{option}" for at, other in named if option in other.options]
        if paths:
            raise InputError(f"--set {path}: a part is named by its place in the recipe; write {' or '.join(paths)}")
        known = [f"{place}.{each}" for each in found.options]
        raise InputError(
            f"--set {path}: a part is named by its place in the recipe, and {place} has no option {option!r}; "
            f"it has {', '.join(known) or 'none'}"
        )


def _list_fits(path: str, single: Sequence[str], several: Sequence[str]) -> list[str]:
    exact = [p for p in {*single, *several} if p == path]
    ends = ([p for p in paths if p.endswith("." + path)] for paths in (single, several))
    return exact or next(filter(None, ends), [])


def _put(method: Method, path: str, value: Any, registry: Registry) -> Method:
    """The method with that value at that path; a part that is there already and is only named keeps its options."""
    present = look_up(method, path.split("."))
    if isinstance(value, Part) and isinstance(present, Part) and value == Part(present.name):
        return method
    if path not in LOADABLE:
        changed = _replace(method, path.split("."), value)
    else:
        fits = registry.entry(f"{path}s", value.name).can_fit
        changed = method.with_part(path, value, fits=fits)
    return registry.resolve_method(changed)


def _replace(value: Any, path: Sequence[str], new: Any) -> Any:
    if not path:
        return new
    head, rest = path[0], path[1:]
    inner = _replace(look_up(value, [head]), rest, new)
    if isinstance(value, Part):
        return Part(value.name, {**value.options, head: inner})
    if isinstance(value, Mapping):
        return {name: inner if str(name) == head else each for name, each in value.items()}
    if isinstance(value, tuple):
        at = int(head)
        return (*value[:at], inner, *value[at + 1 :])
    return replace(value, **{head: inner})
