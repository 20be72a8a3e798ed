"""Loads plugins: registers their hooks and collects what these provide, with every check of hooks, names and values."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

import pluggy

from vreid_bench.contracts import hookspecs
from vreid_bench.registry.entry import KINDS, Entry, Family, blame, sign
from vreid_bench.registry.import_faults import explain_rule
from vreid_bench.registry.inspection import GIVEN
from vreid_bench.registry.plugins import Plugin
from vreid_bench.registry.value_checks import check_value
from vreid_bench.system.errors import InputError, UnknownName

NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,79}")
FAMILY = re.compile(f"{NAME.pattern}:")


class LoadedPlugins:
    """Imported plugins, their hooks, and every named value that they provide."""

    def __init__(self, plugins: Iterable[Plugin]) -> None:
        """Raises InputError for a plugin, hook, name or value that cannot be used."""
        self.manager = pluggy.PluginManager("vreid_bench")
        self.manager.add_hookspecs(hookspecs)
        self.plugins: dict[str, Plugin] = {}
        for plugin in plugins:
            self._register(plugin)
        self.entries: dict[tuple[str, str], Entry] = {}  # by kind and name
        for kind in KINDS:
            for entry in self._collect(kind):
                self._add(entry)

    def _register(self, plugin: Plugin) -> None:
        if self.manager.has_plugin(plugin.name):
            first = self.plugins[plugin.name].distribution
            raise InputError(
                f"plugin {plugin.name!r} is provided by both {first} and {plugin.distribution}; uninstall one"
            )
        self.plugins[plugin.name] = plugin
        self._check_marks(plugin)
        try:
            self.manager.register(plugin.module, name=plugin.name)
            self.manager.check_pending()
        except (pluggy.PluginValidationError, ValueError) as fault:
            reason = " ".join(str(fault).split())
            raise InputError(f"plugin {plugin.name!r} of {plugin.distribution} is not usable: {reason}") from fault

    def _check_marks(self, plugin: Plugin) -> None:
        """Raise InputError for a hook that lacks `@hookimpl`, which pluggy would pass over, and for an unknown one."""
        hooks = vars(self.manager.hook)
        for name, value in vars(plugin.module).items():
            own = inspect.isfunction(value) and value.__module__ == getattr(plugin.module, "__name__", value.__module__)
            if not (name.startswith("vreid_") and own):
                continue
            marks = self.manager.parse_hookimpl_opts(plugin.module, name)
            if marks is None:
                raise InputError(
                    f"plugin {plugin.name!r} of {plugin.distribution}: {name}() lacks @hookimpl, so nothing that it "
                    "provides would be found; write @vreid_bench.hookimpl above it, or name it without vreid_"
                )
            if name not in hooks and not marks["optionalhook"]:
                raise UnknownName(
                    f"plugin {plugin.name!r} of {plugin.distribution} is not usable: there is no hook",
                    name,
                    hooks,
                    'docs/plugins.md lists all hooks under "Hooks and contracts"',
                )
            if name in hooks:
                _check_arguments(plugin, value, hooks[name].spec.argnames)

    def _collect(self, kind: str) -> Iterator[Entry]:
        for implementation in getattr(self.manager.hook, f"vreid_{kind}").get_hookimpls():
            plugin = self.plugins[implementation.plugin_name]
            who = f"vreid_{kind} of plugin {plugin.name!r} of {plugin.distribution}"
            with blame(who), sign(who):  # a protocol refuses its fields without knowing who provides it
                provided = _ask(implementation.function)
            if not isinstance(provided, Mapping):
                raise InputError(
                    f"plugin {plugin.name!r} of {plugin.distribution}: vreid_{kind} must return a mapping "
                    f'from name to value, got {type(provided).__name__}; return {{"my-name": value}}'
                )
            for name, value in provided.items():
                yield Entry(kind, name, value, plugin)

    def _add(self, entry: Entry) -> None:
        family = isinstance(entry.value, Family) and entry.kind in GIVEN
        if not (isinstance(entry.name, str) and (FAMILY if family else NAME).fullmatch(entry.name)):
            raise InputError(
                f"{KINDS[entry.kind]} {entry.name!r} of {entry.plugin.distribution}: expected lower-case letters, "
                f"digits, dots, dashes and underscores{' and a colon' * family}, because a name becomes part of "
                "a path; rename it"
            )
        check_value(entry)
        present = self.entries.get((entry.kind, entry.name))
        if present is not None:
            raise InputError(
                f"{KINDS[entry.kind]} {entry.name!r} is provided by both {present.plugin.distribution} "
                f"({present.plugin.name}) and {entry.plugin.distribution} ({entry.plugin.name}); "
                "uninstall one, name the plugins to load in VREID_PLUGINS, or give yours another name"
            )
        self.entries[entry.kind, entry.name] = entry


def _ask(hook: Callable[[], Any]) -> Any:
    """What a hook returns. Raises InputError for a protocol or convention that it cannot make because of a field."""
    try:
        return hook()
    except Exception as fault:
        if reason := explain_rule(fault):
            raise InputError(f"{reason}; correct the plugin") from fault
        raise


def _check_arguments(plugin: Plugin, hook: Callable[..., Any], given: Sequence[str]) -> None:
    """Raise InputError for an implementation of a hook that needs an argument which no such hook is given."""
    parameters = inspect.signature(hook).parameters.values()
    needed = [each.name for each in parameters if each.default is each.empty]
    if not set(needed) <= set(given):
        raise InputError(
            f"plugin {plugin.name!r} of {plugin.distribution}: found {hook.__name__}({', '.join(needed)}), expected "
            f"{' and '.join(given) or 'no argument'}; write def {hook.__name__}({', '.join(given)}):"
        )
