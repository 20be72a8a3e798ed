"""The registry: every named value of the installed plugins, and the factories of the parts that a recipe names."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from importlib.metadata import version
from typing import Any

import pluggy

from vreid_bench.contracts.recipe import Method, Part, Preset, Train
from vreid_bench.registry.catalogue import Catalogue
from vreid_bench.registry.entry import KINDS, Entry, sign
from vreid_bench.registry.factories import Factories, Factory
from vreid_bench.registry.inspection import REQUIRED
from vreid_bench.registry.loading import NAME, LoadedPlugins
from vreid_bench.registry.option_types import accept, describe_fault
from vreid_bench.registry.option_words import to_word
from vreid_bench.registry.plugin_files import advise_names, list_plugin_files
from vreid_bench.registry.plugins import Plugin, choose_installed
from vreid_bench.system.errors import InputError, UnknownName


class Registry:
    """All named values of the given plugins."""

    def __init__(self, plugins: Iterable[Plugin], entries: Iterable[Entry] | None = None) -> None:
        """entries: all that the plugins provide, if a catalogue has them: then no plugin is imported before its use."""
        self._given = plugins
        self._entries: dict[str, dict[str, Entry]] = {kind: {} for kind in KINDS}
        for entry in self._loaded.entries.values() if entries is None else entries:
            self._entries[entry.kind][entry.name] = entry

    @classmethod
    def installed(cls) -> Registry:
        """A registry of the plugins of every installed distribution, or only of those that VREID_PLUGINS names.

        The files that VREID_PLUGIN_FILES names are plugins, too; then all are imported, as no catalogue has a file.
        """
        installed = choose_installed(os.environ.get("VREID_PLUGINS", ""))
        if files := list_plugin_files():
            return cls([*(each.load() for each in installed), *(file.load() for file in files)])
        plugins = (each.load() for each in installed)
        catalogue = Catalogue(installed)
        if (known := catalogue.read()) is not None:
            return cls(plugins, known)
        registry = cls(plugins)
        catalogue.write(registry.entries())
        return registry

    @cached_property
    def _loaded(self) -> LoadedPlugins:
        return LoadedPlugins(self._given)

    @property
    def manager(self) -> pluggy.PluginManager:
        """The hooks of all plugins, which are imported for them."""
        return self._loaded.manager

    def plugin(self, name: str) -> Plugin:
        """The plugin of that name, imported."""
        return self._loaded.plugins[name]

    def entries(self, kind: str | None = None) -> Iterator[Entry]:
        """Every entry, or those of one kind, sorted by name within its kind."""
        for each in KINDS if kind is None else (kind,):
            yield from sorted(self._entries[each].values(), key=lambda entry: entry.name)

    def find(self, kind: str, name: str) -> Entry | None:
        """The entry of that kind and name, or None."""
        family, colon, member = name.partition(":")
        found = self._entries[kind].get(family + colon)
        return _build_member(found.loaded, member) if found is not None and colon else found

    def entry(self, kind: str, name: str) -> Entry:
        """The entry of that kind and name. Raises InputError with the nearest names."""
        found = self.find(kind, name)
        if found is None:
            raise UnknownName(f"no {KINDS[kind]} is named", name, self._entries[kind], advise_names(kind))
        return found

    def get(self, kind: str, name: str) -> Any:
        """The value of that kind and name. Raises InputError with the nearest names."""
        return self.entry(kind, name).value

    def values(self, kind: str) -> dict[str, Any]:
        """Every value of that kind, by name."""
        return {entry.name: entry.value for entry in self.entries(kind)}

    def choose(self, name: str, kinds: Sequence[str]) -> Entry:
        """The entry of that name, of the first of these kinds or else of the only other kind that has it.

        Raises InputError if no kind has the name, or if the first lacks it and several others have it.
        """
        first, *others = kinds
        if (entry := self.find(first, name)) is not None:
            return entry
        entries = [found for kind in others if (found := self.find(kind, name))]
        if not entries:
            known = [entry.name for kind in kinds for entry in self.entries(kind)]
            raise UnknownName(f"no {KINDS[first]} or part is named", name, known, advise_names("--long"))
        if len(entries) > 1:
            words = " and ".join(f"an {KINDS[e.kind]}" if e.kind[0] in "ae" else f"a {KINDS[e.kind]}" for e in entries)
            raise InputError(f"{name!r} names {words}; write a method that uses the one you mean")
        return entries[0]

    def providers(self, entry: Entry, parts: Iterable[tuple[str, Part]]) -> tuple[Mapping[str, str | None], ...]:
        """Who provides `entry` and each of these (kind, part) pairs, as a record stores it: each once, sorted."""
        entries = [entry, *(self.entry(kind, part.name) for kind, part in parts)]
        providers = {(KINDS[each.kind], each.name): each.provider() for each in entries}
        return tuple(provider for _, provider in sorted(providers.items()))

    def build_method(self, entry: Entry, preset: Preset) -> Method:
        """The method of an entry at a preset, with every option filled in. Raises InputError that names the method."""
        method = entry.build_method(preset)
        with sign(entry.title):
            return self.resolve_method(method)

    def resolve_method(self, method: Method) -> Method:
        """The method with every option of every part filled in, so that the record shows all defaults."""
        return replace(
            method,
            encoder=self.resolve("encoders", method.encoder),
            aggregator=self.resolve("aggregators", method.aggregator),
            matcher=self.resolve("matchers", method.matcher),
            losses={name: self.resolve("losses", loss) for name, loss in method.losses.items()},
            stages=tuple(self._resolve_stage(s) if isinstance(s, Train) else s for s in method.stages),
        )

    def resolve(self, kind: str, part: Part) -> Part:
        """The part with every option of its factory filled in.

        Raises InputError for an unknown option, for a missing one that has no default, and for a value of a wrong type.
        """
        filled = self.fill(kind, part)
        for option, value in filled.options.items():
            if value is REQUIRED:
                raise InputError(
                    f"{KINDS[kind]} {part.name!r} needs its option {option!r}; give it a value, or write its default"
                )
        return filled

    def fill(self, kind: str, part: Part) -> Part:
        """As `resolve`; a missing option that has no default is `REQUIRED`."""
        entry = self.entry(kind, part.name)
        given = {name: self._resolve_option(kind, value) for name, value in part.options.items()}
        defaults = {n: self._resolve_option(kind, v) for n, v in entry.options.items()}
        for option, value in given.items():
            check_option(entry, option, value)
        return Part(part.name, {**defaults, **given})

    def factory(self, kind: str, part: Part) -> Factory:
        """The factory of the part; an option that is a part becomes a factory itself."""
        options = {k: self.factory(kind, v) if isinstance(v, Part) else v for k, v in part.options.items()}
        return Factory(self.entry(kind, part.name), options)

    def factories(self, method: Method) -> Factories:
        """The factories of all parts of a method."""
        trainings = [stage for stage in method.stages if isinstance(stage, Train)]
        return Factories(
            encoder=self.factory("encoders", method.encoder),
            aggregator=self.factory("aggregators", method.aggregator),
            matcher=self.factory("matchers", method.matcher),
            losses={name: self.factory("losses", part) for name, part in method.losses.items()},
            augment=[[self.factory("augmentations", part) for part in stage.augment] for stage in trainings],
            matchers=[self.factory("matchers", s.matcher) if s.matcher else None for s in trainings],
        )

    def _resolve_option(self, kind: str, value: Any) -> Any:
        return self.resolve(kind, value) if isinstance(value, Part) else to_word(value)

    def _resolve_stage(self, stage: Train) -> Train:
        augment = tuple(self.resolve("augmentations", part) for part in stage.augment)
        matcher = None if stage.matcher is None else self.resolve("matchers", stage.matcher)
        return replace(stage, augment=augment, matcher=matcher)


def check_option(entry: Entry, option: str, value: Any) -> None:
    """Raise InputError for an option that a part does not have, or for a value of a wrong type."""
    if option not in entry.options:
        advice = f"its options: {', '.join(entry.options) or 'none'}"
        raise UnknownName(f"{KINDS[entry.kind]} {entry.name!r} has no option", option, entry.options, advice)
    if not accept(entry.types[option], value):
        raise InputError(f"setting {option!r} of {entry.title} {describe_fault(entry.types[option], value)}")


def _build_member(family: Entry, name: str) -> Entry:
    """The entry of the family's member `name`, which is what follows the colon."""
    if not NAME.fullmatch(name):
        raise InputError(
            f"{KINDS[family.kind]} {family.name + name!r}: the name after the colon must consist of lower-case "
            "letters, digits, dots, dashes and underscores; correct the name"
        )
    plugin, provider = family.plugin, family.value.distribution
    with family.blame():
        value = family.value.member(name)
        if provider:
            plugin = replace(plugin, distribution=provider, version=version(provider))
    return Entry(family.kind, family.name + name, value, plugin)
