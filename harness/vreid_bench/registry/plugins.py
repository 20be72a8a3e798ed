"""The installed plugins: found by their entry points and imported."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from importlib.metadata import EntryPoint, PackageNotFoundError, distribution, entry_points
from typing import Any, NamedTuple

from vreid_bench.registry.import_faults import describe_import_fault
from vreid_bench.system.errors import InputError, suggestion

GROUP = "vreid_bench"
HARNESS = "vreid_bench"  # its code counts for every part: `planning.code`


@dataclass(frozen=True)
class Plugin:
    """One installed plugin: the name of its entry point, its module, and the distribution that it belongs to."""

    name: str
    module: Any
    distribution: str
    version: str

    @property
    def source(self) -> str:
        """The full name of the module whose code it is; an entry point may also name a class or an instance."""
        named = self.module if hasattr(self.module, "__name__") else type(self.module)
        return str(getattr(named, "__module__", named.__name__))

    @property
    def package(self) -> str:
        """The top-level package of its code."""
        return self.source.partition(".")[0]

    @cached_property
    def packages(self) -> tuple[str, ...]:
        """The top-level packages of its distribution, without those of the harness."""
        return tuple(sorted({self.package, *list_packages(self.distribution)} - {HARNESS}))


def list_packages(of: str) -> list[str]:
    """The top-level packages of the distribution of that name, as far as it lists them."""
    try:
        return (distribution(of).read_text("top_level.txt") or "").split()
    except PackageNotFoundError:
        return []


class Installed(NamedTuple):
    """An installed plugin that is not imported yet, with the distribution that it belongs to."""

    point: EntryPoint
    distribution: str
    version: str

    def load(self) -> Plugin:
        """Import it. Raises InputError that names the distribution if that fails."""
        try:
            module = self.point.load()
        except Exception as fault:  # a module can raise anything; all of it is reported
            package = self.point.module.partition(".")[0]
            told = describe_import_fault(f"plugin {self.point.name!r} of {self.distribution}", fault, package)
            raise InputError(
                f"{told}; correct or uninstall {self.distribution}, or name the plugins to load in VREID_PLUGINS"
            ) from fault
        return Plugin(self.point.name, module, self.distribution, self.version)


def choose_installed(names: str) -> list[Installed]:
    """The plugins that `names` lists, separated by commas: each by its own name or that of its distribution.

    An empty list means all installed plugins. Raises InputError for a name that is not installed.
    """
    plugins = sorted(_list_installed(), key=lambda each: (each.distribution, each.point.name))
    chosen = [name.strip() for name in names.split(",") if name.strip()]
    known = {each.point.name for each in plugins} | {each.distribution for each in plugins}
    for name in chosen:
        if name not in known:
            near = suggestion(name, known, "install it, or take it out")
            raise InputError(f"VREID_PLUGINS names {name!r}, which is not installed{near}")
    return [each for each in plugins if not chosen or each.point.name in chosen or each.distribution in chosen]


def _list_installed() -> Iterator[Installed]:
    known: dict[int, tuple[str, str]] = {}  # of a distribution's many plugins, its description is parsed once
    for point in entry_points(group=GROUP):
        if id(point.dist) not in known:
            found = (point.dist.name, point.dist.version) if point.dist else ("unknown distribution", "")
            known[id(point.dist)] = found
        yield Installed(point, *known[id(point.dist)])
