"""The installed plugins: found by their entry points and imported."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from vreid_bench.system.errors import InputError, suggestion

GROUP = "vreid_bench"


@dataclass(frozen=True)
class Plugin:
    """One installed plugin: the name of its entry point, its module, and the distribution that it belongs to."""

    name: str
    module: Any
    distribution: str
    version: str


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
