"""What of an earlier run no plugin provides now, and how to name the plugin that did."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from vreid_bench.registry.entry import KINDS
from vreid_bench.registry.plugin_files import HASH, VARIABLE
from vreid_bench.registry.registry import Registry
from vreid_bench.system.errors import InputError

OF_TEST = KINDS["rerankers"]  # not of the weights: it is looked for where it is asked for

Providers = Sequence[Mapping[str, str | None]]  # of the method and its parts, as `Registry.providers` gives them


def check_parts(run: Path, providers: Providers, registry: Registry) -> None:
    """Raise InputError, with what to do, for a method or part of a run that no plugin provides now."""
    kinds = {one: kind for kind, one in KINDS.items()}
    for part in providers:
        kind, name, version = str(part["kind"]), str(part["name"]), str(part["version"])
        if kind in kinds and kind != OF_TEST and registry.find(kinds[kind], name) is None:
            whose = part["distribution"]
            origin = f"the file {whose}" if version.startswith(HASH) else f"{whose} {version}"
            raise InputError(
                f"{run}: its {kind} {name!r} is of {origin}, and no plugin provides it here; {advise_plugin(providers)}"
            )


def check_conventions(run: Path, providers: Providers, names: Iterable[str], registry: Registry) -> None:
    """Raise InputError, with what to do, if no plugin provides one of these conventions of a run now."""
    for name in names:
        if registry.find("conventions", name) is None:
            raise InputError(
                f"{run}: it was scored under the convention {name!r}, which no plugin provides here; "
                f"{advise_plugin(providers)}, or choose with --convention"
            )


def advise_plugin(providers: Providers) -> str:
    """What to do where a plugin of a run is missing: its files are not installed, so each command has to name them."""
    files = sorted({str(part["distribution"]) for part in providers if str(part["version"]).startswith(HASH)})
    if not files:
        return f"install its package, or name its file in {VARIABLE}"
    if len(files) > 1:  # several --plugin are several runs
        return f"name them by {VARIABLE}={':'.join(files)}"
    return f"name {files[0]} with --plugin FILE.py, or in {VARIABLE} where a command has no --plugin"
