"""What the installed plugins provide, kept as plain data so that they need not be imported to be listed or chosen.

Most plugins import torch, which takes seconds. The catalogue is a file in the cache folder, and holds as long as
nothing of what was read to make it has changed; else the plugins are loaded as if there were none, and it is made
again. Only what was loaded without a fault is in it, so no plugin is refused, or accepted, because of a catalogue.
"""

from __future__ import annotations

import io
import json
import pickle
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from functools import cache, cached_property, partial
from pathlib import Path
from typing import Any, get_args

from vreid_bench.contracts import recipe
from vreid_bench.contracts.corruption import ClipCorruption
from vreid_bench.contracts.length import Epochs
from vreid_bench.contracts.recipe import Method, Preset
from vreid_bench.contracts.weight_file import WeightFile
from vreid_bench.registry.entry import Entry
from vreid_bench.registry.inspection import REQUIRED
from vreid_bench.registry.loading import LoadedPlugins
from vreid_bench.registry.option_types import Type
from vreid_bench.registry.plugins import HARNESS, Installed, Plugin
from vreid_bench.registry.source_state import hash_state, list_loaded_files, list_variables
from vreid_bench.system.cache_folder import read_cached, write_cached
from vreid_bench.system.fingerprint import digest, sha256

# What the harness asks of an entry before it builds anything: properties of `Entry`.
FACTS = (
    "distribution",
    "version",
    "summary",
    "can_fit",
    "files",
    "shipped",
    "options",
    "types",
    "docstrings",
    "modules",
    "packages",
    "planes",
    "description",
)
# What plain data may consist of, besides numbers, texts and their collections.
CLASSES = (
    *(recipe.Clipping, recipe.Fit, recipe.Method, recipe.Optimizer, recipe.Part, recipe.Reported, recipe.Schedule),
    *(recipe.Train, ClipCorruption, Epochs, WeightFile, REQUIRED, Type),
)


class CataloguedEntry(Entry):
    """An entry with known facts and recipes. Its plugin is imported when anything else of it is needed."""

    _recipes: Mapping[Preset, Method]
    _load: Callable[[], LoadedPlugins]

    def __init__(
        self,
        kind: str,
        name: str,
        facts: Mapping[str, Any],
        recipes: Mapping[Preset, Method],
        load: Callable[[], LoadedPlugins],
    ) -> None:
        vars(self).update(facts, kind=kind, name=name, _recipes=recipes, _load=load)

    @cached_property
    def loaded(self) -> Entry:
        """The same with its plugin imported."""
        return self._load().entries[self.kind, self.name]

    @cached_property
    def value(self) -> Any:
        """The value itself."""
        return self.loaded.value

    @cached_property
    def plugin(self) -> Plugin:
        """The plugin that provides it."""
        return self.loaded.plugin

    def build_method(self, preset: Preset) -> Method:
        """As `Entry.build_method`: a recipe that is not known is built by the plugin, which may refuse to."""
        return self._recipes.get(preset) or self.loaded.build_method(preset)


class Catalogue:
    """The catalogue of some installed plugins."""

    def __init__(self, installed: Sequence[Installed]) -> None:
        self._installed = installed
        version = sha256(Path(__file__).read_bytes())  # of what a catalogue holds
        which = digest([sys.prefix, __file__, version, [each.point.name for each in installed]])
        self._name = f"plugins/{which[:16]}"
        packages = {each.point.module.partition(".")[0] for each in installed} - {HARNESS}
        self._late = not packages.isdisjoint(sys.modules)  # what is imported already may be older than its file

    def read(self) -> list[Entry] | None:
        """Every entry, without its plugin imported; None without a catalogue that holds."""
        content = read_cached(self._name)
        if content is None:
            return None
        head, _, body = content.partition(b"\n")
        try:
            known = json.loads(head)
            if known["state"] != hash_state(self._installed, known["others"], known["variables"]):
                return None
            load = {each.point.name: cache(partial(_load_alone, each)) for each in self._installed}
            return [
                CataloguedEntry(kind, name, dict(facts), dict(recipes), load[plugin])
                for plugin, kind, name, facts, recipes in _unpack(body)
            ]
        except Exception:  # of somebody else, who may have written anything
            return None

    def write(self, entries: Iterable[Entry]) -> None:
        """Keep what these entries are, all of whose plugins were loaded; nothing, if it could not be relied upon."""
        if self._late:
            return
        others, variables = list_loaded_files(), list_variables(self._installed)
        state = hash_state(self._installed, others, variables)
        if state is not None:
            head = json.dumps({"state": state, "others": others, "variables": variables})
            write_cached(self._name, head.encode() + b"\n" + pickle.dumps([_describe(entry) for entry in entries]))


def _load_alone(installed: Installed) -> LoadedPlugins:
    return LoadedPlugins([installed.load()])


def _describe(entry: Entry) -> tuple[str, str, str, dict[str, Any], dict[str, Any]]:
    """Plugin, kind, name, facts and recipes of an entry, as plain data."""
    facts = _keep_plain({fact: partial(getattr, entry, fact) for fact in FACTS})
    presets = get_args(Preset) if entry.kind == "methods" else ()
    recipes = _keep_plain({preset: partial(entry.build_method, preset) for preset in presets})
    return entry.plugin.name, entry.kind, entry.name, facts, recipes


def _keep_plain(questions: Mapping[str, Callable[[], Any]]) -> dict[str, Any]:
    """The answers that are plain data. What is left out is asked of the plugin itself, when it is needed."""
    kept = {}
    for name, ask in questions.items():
        with suppress(Exception):  # a plugin can raise anything, and it is not the time to say so
            answer = ask()
            if _unpack(pickle.dumps(answer)) == answer:
                kept[name] = answer
    return kept


class _PlainUnpickler(pickle.Unpickler):
    """Reads plain data alone, so that a file that somebody else has put there cannot run code."""

    def find_class(self, module: str, name: str) -> Any:
        for each in CLASSES:
            if (each.__module__, each.__qualname__) == (module, name):
                return each
        raise pickle.UnpicklingError(f"{module}.{name} is not plain data")


def _unpack(content: bytes) -> Any:
    return _PlainUnpickler(io.BytesIO(content)).load()
