"""The registry: every named value of the installed plugins, and the factories of the parts that a recipe names."""

from __future__ import annotations

import inspect
import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from importlib.metadata import version
from typing import Any

import pluggy

from vreid_bench.contracts import hookspecs
from vreid_bench.contracts.recipe import Method, Part, Train
from vreid_bench.registry.entry import KINDS, Entry, Family, blame
from vreid_bench.registry.factories import Factories, Factory
from vreid_bench.registry.plugins import Plugin, load_plugins
from vreid_bench.registry.value_checks import check_value
from vreid_bench.system.errors import InputError, UnknownName

NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,79}")
FAMILY = re.compile(f"{NAME.pattern}:")
# How many arguments the harness itself passes to a factory of each kind, before the options of the recipe.
GIVEN = {"encoders": 0, "aggregators": 1, "matchers": 1, "losses": 2, "augmentations": 0, "rerankers": 0}

REQUIRED = inspect.Parameter.empty  # stands for the default of an option that has none


class Registry:
    """All named values of the given plugins. Every hook and every name is checked when it is built."""

    def __init__(self, plugins: Iterable[Plugin]) -> None:
        self.manager = pluggy.PluginManager("vreid_bench")
        self.manager.add_hookspecs(hookspecs)
        self._plugins: dict[str, Plugin] = {}
        for plugin in plugins:
            self._register(plugin)
        self._entries: dict[str, dict[str, Entry]] = {kind: {} for kind in KINDS}
        for kind in KINDS:
            for entry in self._collect(kind):
                self._add(entry)

    @classmethod
    def installed(cls) -> Registry:
        """A registry of the plugins of every installed distribution, or only of those that VREID_PLUGINS names."""
        return cls(load_plugins(os.environ.get("VREID_PLUGINS", "")))

    def entries(self, kind: str | None = None) -> Iterator[Entry]:
        """Every entry, or those of one kind, sorted by name within its kind."""
        for each in KINDS if kind is None else (kind,):
            yield from sorted(self._entries[each].values(), key=lambda entry: entry.name)

    def find(self, kind: str, name: str) -> Entry | None:
        """The entry of that kind and name, or None."""
        family, colon, member = name.partition(":")
        found = self._entries[kind].get(family + colon)
        return _build_member(found, member) if found is not None and colon else found

    def entry(self, kind: str, name: str) -> Entry:
        """The entry of that kind and name. Raises InputError with the nearest names."""
        found = self.find(kind, name)
        if found is None:
            advice = f"; `vreid-bench list {kind}` shows all"
            raise UnknownName(f"no {KINDS[kind]} is named", name, self._entries[kind], advice)
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
            advice = "; `vreid-bench list --long` shows all"
            raise UnknownName(f"no {KINDS[first]} or part is named", name, known, advice)
        if len(entries) > 1:
            words = " and ".join(f"an {KINDS[e.kind]}" if e.kind[0] in "ae" else f"a {KINDS[e.kind]}" for e in entries)
            raise InputError(f"{name!r} names {words}; write a method that uses the one you mean")
        return entries[0]

    def providers(self, entry: Entry, parts: Iterable[tuple[str, Part]]) -> tuple[Mapping[str, str | None], ...]:
        """Who provides `entry` and each of these (kind, part) pairs, as a record stores it: each once, sorted."""
        entries = [entry, *(self.entry(kind, part.name) for kind, part in parts)]
        providers = {(KINDS[each.kind], each.name): each.provider() for each in entries}
        return tuple(provider for _, provider in sorted(providers.items()))

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

        Raises InputError for an unknown option, and for a missing one that has no default.
        """
        given = {name: self._resolve_option(kind, value) for name, value in part.options.items()}
        defaults = {n: self._resolve_option(kind, v) for n, v in self._defaults(kind, part.name).items()}
        for option in given:
            if option not in defaults:
                raise UnknownName(f"{KINDS[kind]} {part.name!r} has no option", option, defaults)
        options = {**defaults, **given}
        for option, value in options.items():
            if value is REQUIRED:
                raise InputError(f"{KINDS[kind]} {part.name!r} needs its option {option!r}")
        return Part(part.name, options)

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
        return self.resolve(kind, value) if isinstance(value, Part) else value

    def _resolve_stage(self, stage: Train) -> Train:
        augment = tuple(self.resolve("augmentations", part) for part in stage.augment)
        matcher = None if stage.matcher is None else self.resolve("matchers", stage.matcher)
        return replace(stage, augment=augment, matcher=matcher)

    def _defaults(self, kind: str, name: str) -> Mapping[str, Any]:
        parameters = list(inspect.signature(self.get(kind, name)).parameters.values())[GIVEN[kind] :]
        return {p.name: p.default for p in parameters if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)}

    def _register(self, plugin: Plugin) -> None:
        if self.manager.has_plugin(plugin.name):
            first = self._plugins[plugin.name].distribution
            raise InputError(
                f"plugin {plugin.name!r} is provided by both {first} and {plugin.distribution}; uninstall one"
            )
        self._plugins[plugin.name] = plugin
        self._check_marks(plugin)
        try:
            self.manager.register(plugin.module, name=plugin.name)
            self.manager.check_pending()
        except (pluggy.PluginValidationError, ValueError) as fault:
            reason = " ".join(str(fault).split())
            raise InputError(f"plugin {plugin.name!r} of {plugin.distribution} is not usable: {reason}") from fault

    def _check_marks(self, plugin: Plugin) -> None:
        """Raise InputError for a hook that lacks `@hookimpl`: pluggy would pass over it without a word."""
        for name, value in vars(plugin.module).items():
            own = inspect.isfunction(value) and value.__module__ == getattr(plugin.module, "__name__", value.__module__)
            if name.startswith("vreid_") and own and self.manager.parse_hookimpl_opts(plugin.module, name) is None:
                raise InputError(
                    f"plugin {plugin.name!r} of {plugin.distribution}: {name}() lacks @hookimpl, so nothing that it "
                    "provides would be found; write @vreid_bench.hookimpl above it, or name it without vreid_"
                )

    def _collect(self, kind: str) -> Iterator[Entry]:
        for implementation in getattr(self.manager.hook, f"vreid_{kind}").get_hookimpls():
            plugin = self._plugins[implementation.plugin_name]
            who = f"vreid_{kind} of plugin {plugin.name!r} of {plugin.distribution}"
            try:
                with blame(who):
                    provided = implementation.function()
            except InputError as fault:  # a protocol refuses its fields without knowing who provides it
                raise InputError(f"{who}: {fault}") from fault
            if not isinstance(provided, Mapping):
                raise InputError(
                    f"plugin {plugin.name!r} of {plugin.distribution}: vreid_{kind} must return a mapping "
                    f"from name to value, got {type(provided).__name__}"
                )
            for name, value in provided.items():
                yield Entry(kind, name, value, plugin)

    def _add(self, entry: Entry) -> None:
        family = isinstance(entry.value, Family) and entry.kind in GIVEN
        if not (isinstance(entry.name, str) and (FAMILY if family else NAME).fullmatch(entry.name)):
            raise InputError(
                f"{KINDS[entry.kind]} {entry.name!r} of {entry.plugin.distribution}: expected lower-case letters, "
                f"digits, dots, dashes and underscores{' and a colon' * family}, because a name becomes part of a path"
            )
        check_value(entry)
        present = self._entries[entry.kind].get(entry.name)
        if present is not None:
            raise InputError(
                f"{KINDS[entry.kind]} {entry.name!r} is provided by both {present.plugin.distribution} "
                f"({present.plugin.name}) and {entry.plugin.distribution} ({entry.plugin.name}); "
                "uninstall one, or name the plugins to load in VREID_PLUGINS"
            )
        check_value(entry)
        self._entries[entry.kind][entry.name] = entry


def _build_member(family: Entry, name: str) -> Entry:
    """The entry of the family's member `name`, which is what follows the colon."""
    if not NAME.fullmatch(name):
        raise InputError(
            f"{KINDS[family.kind]} {family.name + name!r}: the name after the colon must consist of lower-case "
            "letters, digits, dots, dashes and underscores"
        )
    plugin, provider = family.plugin, family.value.distribution
    with family.blame():
        value = family.value.member(name)
        if provider:
            plugin = replace(plugin, distribution=provider, version=version(provider))
    return Entry(family.kind, family.name + name, value, plugin)
