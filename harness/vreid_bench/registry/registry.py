"""From installed plugins to named values: who provides what, and the factories that recipes ask for."""

from __future__ import annotations

import difflib
import inspect
import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from importlib.metadata import EntryPoint, entry_points, version
from typing import Any

import pluggy

from vreid_bench.contracts import hookspecs
from vreid_bench.contracts.recipe import Method, Part, Train
from vreid_bench.system.errors import InputError

GROUP = "vreid_bench"
KINDS = {
    "datasets": "dataset",
    "encoders": "encoder",
    "aggregators": "aggregator",
    "matchers": "matcher",
    "losses": "loss",
    "augmentations": "augmentation",
    "protocols": "protocol",
    "conventions": "convention",
    "methods": "method",
    "rerankers": "re-ranker",
}
# What the harness itself passes to a factory of each kind, in front of the recipe's options.
GIVEN = {"encoders": 0, "aggregators": 1, "matchers": 1, "losses": 2, "augmentations": 0, "rerankers": 0}

NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,79}")
FAMILY = re.compile(f"{NAME.pattern}:")
REQUIRED = inspect.Parameter.empty  # in the place of a default that there is not


@dataclass(frozen=True)
class Plugin:
    """One installed plugin: its entry point's name, its module, and the distribution it came with."""

    name: str
    module: Any
    distribution: str
    version: str


@dataclass(frozen=True)
class Family:
    """In the place of a factory, under a name that ends in a colon: `timm:` provides every `timm:<member>`.

    member: what follows the colon -> the factory; raises InputError if it cannot have any. distribution: who really
    provides the members, so that runs are told apart by its version; "" is the plugin's own.
    """

    member: Callable[[str], Callable[..., Any]]
    summary: str
    distribution: str = ""


@dataclass(frozen=True)
class Entry:
    """One named value of a kind, and the plugin that provides it."""

    kind: str
    name: str
    value: Any
    plugin: Plugin

    @contextmanager
    def blamed(self) -> Iterator[None]:
        """Tell whose code it was that failed. VREID_TRACEBACK=1 shows where it failed, for its author."""
        with _blamed(f"{KINDS[self.kind]} {self.name!r} of {self.plugin.distribution}"):
            yield

    @property
    def summary(self) -> str:
        """The value's own `summary`, or the first line of its docstring."""
        text = getattr(self.value, "summary", None) or inspect.getdoc(self.value) or ""
        return str(text).strip().partition("\n")[0]

    def provider(self) -> dict[str, str]:
        """Who provides it, as a record has it."""
        who = {"distribution": self.plugin.distribution, "version": self.plugin.version}
        return {"kind": KINDS[self.kind], "name": self.name, **who}

    def described(self) -> dict[str, str]:
        """As `vreid-bench list` shows it."""
        provided = {"distribution": self.plugin.distribution, "version": self.plugin.version}
        return {"kind": self.kind, "name": self.name, "summary": self.summary, **provided}


@dataclass(frozen=True)
class Factory:
    """A part that waits only for what the harness gives it."""

    entry: Entry
    options: Mapping[str, Any]  # of the recipe; nested parts are factories themselves

    def __call__(self, *given: Any) -> Any:
        """The part. Raises InputError that names the distribution if its code fails."""
        with self.entry.blamed():
            return self.entry.value(*given, **self.options)

    def blamed(self) -> AbstractContextManager[None]:
        """Tell whose code it was that failed in the block."""
        return self.entry.blamed()


@dataclass(frozen=True)
class Factories:
    """What builds the parts of a method."""

    encoder: Factory
    aggregator: Factory
    matcher: Factory
    losses: Mapping[str, Factory]
    augment: Sequence[Sequence[Factory]]  # of each training stage
    matchers: Sequence[Factory | None]  # of each training stage: in place of the method's


class Registry:
    """All named values of the given plugins. Building it checks every hook and every name."""

    def __init__(self, plugins: Iterable[Plugin]) -> None:
        self.manager = pluggy.PluginManager("vreid_bench")
        self.manager.add_hookspecs(hookspecs)
        self._plugins: dict[str, Plugin] = {}
        for plugin in plugins:
            self._register(plugin)
        self._entries: dict[str, dict[str, Entry]] = {kind: {} for kind in KINDS}
        for kind in KINDS:
            for entry in self._provided(kind):
                self._add(entry)

    @classmethod
    def installed(cls) -> Registry:
        """The plugins of every installed distribution, or only those that VREID_PLUGINS names."""
        return cls(_load(point) for point in _chosen(os.environ.get("VREID_PLUGINS", "")))

    def entries(self, kind: str | None = None) -> Iterator[Entry]:
        """Every entry, or those of one kind, sorted by name within its kind."""
        for each in KINDS if kind is None else (kind,):
            yield from sorted(self._entries[each].values(), key=lambda entry: entry.name)

    def find(self, kind: str, name: str) -> Entry | None:
        """The entry of that kind and name, or None."""
        family, colon, member = name.partition(":")
        found = self._entries[kind].get(family + colon)
        return _member(found, member) if found is not None and colon else found

    def entry(self, kind: str, name: str) -> Entry:
        """The entry of that kind and name. Raises InputError with the nearest names."""
        found = self.find(kind, name)
        if found is None:
            hint = suggestion(name, self._entries[kind])
            raise InputError(f"no {KINDS[kind]} is named {name!r}{hint}; `vreid-bench list {kind}` shows all")
        return found

    def get(self, kind: str, name: str) -> Any:
        """The value of that kind and name. Raises InputError with the nearest names."""
        return self.entry(kind, name).value

    def values(self, kind: str) -> dict[str, Any]:
        """Every value of that kind, by name."""
        return {entry.name: entry.value for entry in self.entries(kind)}

    def choose(self, name: str, kinds: Sequence[str]) -> Entry:
        """The entry of that name: of the first of these kinds, else of one of the others.

        Raises InputError for a name that nothing, or that only values of several other kinds, carry.
        """
        first, *others = kinds
        if (entry := self.find(first, name)) is not None:
            return entry
        entries = [found for kind in others if (found := self.find(kind, name))]
        if not entries:
            known = [entry.name for kind in kinds for entry in self.entries(kind)]
            near = suggestion(name, known)
            raise InputError(f"no {KINDS[first]} or part is named {name!r}{near}; `vreid-bench list` shows all")
        if len(entries) > 1:
            words = " and ".join(f"an {KINDS[e.kind]}" if e.kind[0] in "ae" else f"a {KINDS[e.kind]}" for e in entries)
            raise InputError(f"{name!r} names {words}; write a method that uses the one you mean")
        return entries[0]

    def providers(self, entry: Entry, parts: Iterable[tuple[str, Part]]) -> tuple[Mapping[str, str], ...]:
        """Who provides what `entry` names and each of these parts, given with their kinds; each once, sorted."""
        entries = [entry, *(self.entry(kind, part.name) for kind, part in parts)]
        providers = {(KINDS[each.kind], each.name): each.provider() for each in entries}
        return tuple(provider for _, provider in sorted(providers.items()))

    def resolve(self, kind: str, part: Part) -> Part:
        """The part with every option of its factory filled in. Raises InputError on an unknown option."""
        defaults = self._defaults(kind, part.name)
        for option in part.options:
            if option not in defaults:
                hint = suggestion(option, defaults)
                raise InputError(f"{KINDS[kind]} {part.name!r} has no option {option!r}{hint}")
        options = {**defaults, **part.options}
        for option, value in options.items():
            if value is REQUIRED:
                raise InputError(f"{KINDS[kind]} {part.name!r} needs its option {option!r}")
        return Part(part.name, {k: self._resolved(kind, v) for k, v in options.items()})

    def factory(self, kind: str, part: Part) -> Factory:
        """What builds the part; nested parts arrive as factories."""
        options = {k: self.factory(kind, v) if isinstance(v, Part) else v for k, v in part.options.items()}
        return Factory(self.entry(kind, part.name), options)

    def factories(self, method: Method) -> Factories:
        """What builds each part of a method."""
        trainings = [stage for stage in method.stages if isinstance(stage, Train)]
        return Factories(
            encoder=self.factory("encoders", method.encoder),
            aggregator=self.factory("aggregators", method.aggregator),
            matcher=self.factory("matchers", method.matcher),
            losses={name: self.factory("losses", part) for name, part in method.losses.items()},
            augment=[[self.factory("augmentations", part) for part in stage.augment] for stage in trainings],
            matchers=[self.factory("matchers", s.matcher) if s.matcher else None for s in trainings],
        )

    def _resolved(self, kind: str, value: Any) -> Any:
        return self.resolve(kind, value) if isinstance(value, Part) else value

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
        try:
            self.manager.register(plugin.module, name=plugin.name)
            self.manager.check_pending()
        except (pluggy.PluginValidationError, ValueError) as fault:
            reason = " ".join(str(fault).split())
            raise InputError(f"plugin {plugin.name!r} of {plugin.distribution} is not usable: {reason}") from fault

    def _provided(self, kind: str) -> Iterator[Entry]:
        for implementation in getattr(self.manager.hook, f"vreid_{kind}").get_hookimpls():
            plugin = self._plugins[implementation.plugin_name]
            with _blamed(f"vreid_{kind} of plugin {plugin.name!r} of {plugin.distribution}"):
                provided = implementation.function()
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
                f"{KINDS[entry.kind]} {entry.name!r} of {entry.plugin.distribution}: a name is lower-case letters, "
                f"digits, dots, dashes and underscores, for it becomes part of a path{', and a colon' * family}"
            )
        present = self._entries[entry.kind].get(entry.name)
        if present is not None:
            raise InputError(
                f"{KINDS[entry.kind]} {entry.name!r} is provided by both {present.plugin.distribution} "
                f"({present.plugin.name}) and {entry.plugin.distribution} ({entry.plugin.name}); "
                "uninstall one, or name the plugins to load in VREID_PLUGINS"
            )
        self._entries[entry.kind][entry.name] = entry


def _member(family: Entry, name: str) -> Entry:
    """The entry that a family makes of what follows its colon."""
    if not NAME.fullmatch(name):
        raise InputError(
            f"{KINDS[family.kind]} {family.name + name!r}: behind the colon a name is wanted, of lower-case letters, "
            "digits, dots, dashes and underscores"
        )
    plugin, provider = family.plugin, family.value.distribution
    with family.blamed():
        value = family.value.member(name)
        if provider:
            plugin = replace(plugin, distribution=provider, version=version(provider))
    return Entry(family.kind, family.name + name, value, plugin)


@contextmanager
def _blamed(who: str) -> Iterator[None]:
    try:
        yield
    except InputError:
        raise
    except Exception as fault:  # a stranger's code can raise anything; all of it is told, none swallowed
        if os.environ.get("VREID_TRACEBACK"):
            raise
        raise InputError(f"{who} failed ({type(fault).__name__}: {fault}); VREID_TRACEBACK=1 shows where") from fault


def suggestion(name: str, known: Iterable[str]) -> str:
    """`; did you mean a, b?` or nothing."""
    near = difflib.get_close_matches(name, list(known), n=3, cutoff=0.5)
    return f"; did you mean {', '.join(near)}?" if near else ""


def _chosen(names: str) -> list[EntryPoint]:
    """Entry points by name, or by the name of their distribution; all of them for an empty list."""
    points = sorted(entry_points(group=GROUP), key=lambda point: (_distribution(point), point.name))
    wanted = [name.strip() for name in names.split(",") if name.strip()]
    known = {p.name for p in points} | {_distribution(p) for p in points}
    for name in wanted:
        if name not in known:
            raise InputError(f"VREID_PLUGINS names {name!r}, which is not installed{suggestion(name, known)}")
    return [p for p in points if not wanted or p.name in wanted or _distribution(p) in wanted]


def _load(point: EntryPoint) -> Plugin:
    distribution = _distribution(point)
    try:
        module = point.load()
    except Exception as fault:  # a stranger's module can raise anything; all of it is told, none swallowed
        raise InputError(
            f"plugin {point.name!r} of {distribution} cannot be imported ({type(fault).__name__}: {fault}); "
            f"repair or uninstall {distribution}"
        ) from fault
    return Plugin(point.name, module, distribution, point.dist.version if point.dist else "")


def _distribution(point: EntryPoint) -> str:
    return point.dist.name if point.dist else "unknown distribution"
