"""The installed plugins: found by their entry points and imported."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from importlib.metadata import EntryPoint, PackageNotFoundError, distribution, entry_points
from typing import Any

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
        try:
            listed = distribution(self.distribution).read_text("top_level.txt") or ""
        except PackageNotFoundError:
            listed = ""
        return tuple(sorted({self.package, *listed.split()} - {HARNESS}))


def load_plugins(names: str) -> Iterator[Plugin]:
    """Import the plugins that `names` lists, separated by commas: each by its own name or that of its distribution.

    An empty list means all installed plugins. Raises InputError for a name that is not installed, and for a plugin
    that cannot be imported.
    """
    return (_load(point) for point in _choose(names))


def _choose(names: str) -> list[EntryPoint]:
    points = sorted(entry_points(group=GROUP), key=lambda point: (_distribution(point), point.name))
    chosen = [name.strip() for name in names.split(",") if name.strip()]
    known = {p.name for p in points} | {_distribution(p) for p in points}
    for name in chosen:
        if name not in known:
            raise InputError(f"VREID_PLUGINS names {name!r}, which is not installed{suggestion(name, known)}")
    return [p for p in points if not chosen or p.name in chosen or _distribution(p) in chosen]


def _load(point: EntryPoint) -> Plugin:
    distribution = _distribution(point)
    try:
        module = point.load()
    except Exception as fault:  # a module can raise anything; all of it is reported
        raise InputError(
            f"plugin {point.name!r} of {distribution} cannot be imported ({type(fault).__name__}: {fault}); "
            f"repair or uninstall {distribution}"
        ) from fault
    return Plugin(point.name, module, distribution, point.dist.version if point.dist else "")


def _distribution(point: EntryPoint) -> str:
    return point.dist.name if point.dist else "unknown distribution"
