"""A method with all that can be changed in it: parts, settings and their meaning; and what its paper reports."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

from vreid_bench.contracts.recipe import Method, Part, Preset, Reported
from vreid_bench.registry.meanings import explain_settings
from vreid_bench.registry.registry import Registry
from vreid_bench.registry.settings import describe, list_places, settings
from vreid_bench.reporting.terminal_tables import cut, first_sentence, wrap_table
from vreid_bench.reporting.text import sanitize


@dataclass(frozen=True)
class PlaceShown:
    """A place of the recipe that holds parts."""

    path: str
    kind: str
    name: str  # of the part that is there; several with commas, empty for none
    choices: tuple[str, ...]  # every installed part that `--set` can put there


@dataclass(frozen=True)
class SettingShown:
    """One setting of the recipe."""

    path: str
    value: Any  # as plain JSON
    meaning: str


@dataclass(frozen=True)
class MethodShown:
    """A method at one preset."""

    name: str
    preset: Preset
    summary: str
    method: Method  # with every option filled in
    parts: tuple[PlaceShown, ...]
    settings: tuple[SettingShown, ...]


def show_method(registry: Registry, name: str, preset: Preset) -> MethodShown:
    """The method of that name. Raises InputError for an unknown name, and if the method's code fails."""
    entry = registry.entry("methods", name)
    method = registry.build_method(entry, preset)
    parts = tuple(_list_parts(method, registry))
    meanings = explain_settings(method, registry)
    each = tuple(SettingShown(path, describe(value), meanings[path]) for path, value in settings(method))
    return MethodShown(name, preset, entry.summary, method, parts, each)


def to_plain(shown: MethodShown) -> dict[str, Any]:
    """The method as plain values, as for JSON."""
    return {
        "name": shown.name,
        "preset": shown.preset,
        "summary": shown.summary,
        "paper": shown.method.paper,
        "parts": [asdict(part) for part in shown.parts],
        "settings": [asdict(setting) for setting in shown.settings],
        "reported": [asdict(number) for number in shown.method.reported],
        "protocols": list(shown.method.protocols),
    }


def render_method(shown: MethodShown, width: int | None) -> str:
    """The method as text, with lines of that width at most."""
    parts = [[part.path, part.name or "none", ", ".join(part.choices)] for part in shown.parts]
    rows = [[one.path, _write(one.value), first_sentence(one.meaning)] for one in shown.settings]
    blocks = [
        "\n".join(
            cut(sanitize(line), width)
            for line in (f"{shown.name}, preset {shown.preset}", shown.summary, shown.method.paper)
            if line
        ),
        wrap_table(parts, ["part", "is", "--set PART=NAME can put there"], width),
        wrap_table(rows, ["setting", "value", "meaning"], width),
    ]
    reported = [_list_reported(number) for number in shown.method.reported]
    if reported:
        blocks.append(wrap_table(reported, ["reported on", "metric", "%", "", "where"], width))
    return "\n\n".join(blocks)


def _list_reported(number: Reported) -> list[str]:
    """The cells of one of the paper's numbers."""
    how = [number.condition, "re-ranked" if number.reranked else ""]
    how += [f"{path}={_write(value)}" for path, value in number.settings.items()]
    return [number.dataset, number.metric, f"{100 * number.value:.1f}", ", ".join(filter(None, how)), number.where]


def _list_parts(method: Method, registry: Registry) -> Iterator[PlaceShown]:
    for path, kind, value, _ in list_places(method):
        parts = (value,) if isinstance(value, Part) else value or ()
        choices = tuple(entry.name for entry in registry.entries(kind))
        yield PlaceShown(path, kind, ", ".join(part.name for part in parts), choices)


def _write(value: Any) -> str:
    """A value as `--set` takes it."""
    return value if isinstance(value, str) else json.dumps(value)
