"""Whether anything has changed of what decides what plugins provide: their files, and what is installed beside them."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Collection, Iterator
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path

from vreid_bench.registry.plugins import HARNESS, Installed, list_packages
from vreid_bench.system.fingerprint import digest

BEGAN = time.time_ns()  # before this process has imported a plugin


def hash_state(installed: Collection[Installed], others: Collection[str]) -> str | None:
    """A hash over the path, size and modification time of every file below the packages of plugins and of the harness.

    It also covers Python, its path, the installed distributions, and the files `others`. None if a file is missing, if
    the files of a package cannot be listed, and if one has changed since this process began.
    """
    points = [[each.point.name, each.point.value, each.distribution, each.version] for each in installed]
    folders = [os.path.abspath(folder) for folder in sys.path]
    state = [sys.version, folders, list(_list_distributions(folders)), points]
    try:
        files = {file: read_state(file) for file in sorted({*others, *_list_sources(installed)})}
    except (OSError, ImportError, ValueError):  # ValueError: a module that says nothing of where it is from
        return None
    return None if None in files.values() else digest([*state, files])


def read_state(file: str) -> list[int] | None:
    """Size and modification time (ns) of a file; None if it has changed since this process began.

    Then what the process has read or imported may be older. Raises OSError if there is no such file.
    """
    found = os.stat(file)
    return None if found.st_mtime_ns >= BEGAN else [found.st_size, found.st_mtime_ns]


def list_loaded_files() -> list[str]:
    """The files of all modules that this process has imported."""
    files = (getattr(module, "__dict__", {}).get("__file__") for module in list(sys.modules.values()))
    return sorted({file for file in files if isinstance(file, str) and os.path.isabs(file)})


def _list_sources(installed: Collection[Installed]) -> Iterator[str]:
    """Every file of the packages of the plugins' distributions, and of the harness."""
    packages = {package for name in {each.distribution for each in installed} for package in list_packages(name)}
    for package in packages | {each.point.module.partition(".")[0] for each in installed} | {HARNESS}:
        spec = find_spec(package)
        if spec is None:
            raise ModuleNotFoundError(f"no package {package!r}", name=package)
        if spec.submodule_search_locations is None:
            yield str(spec.origin)
        for folder in spec.submodule_search_locations or ():
            yield from _list_files(folder)


def _list_files(folder: str) -> Iterator[str]:
    if not Path(folder).is_dir():
        raise NotADirectoryError(folder)
    for parent, folders, files in os.walk(folder):
        folders[:] = [each for each in folders if each != "__pycache__"]
        yield from (os.path.join(parent, file) for file in files)


def _list_distributions(folders: list[str]) -> Iterator[str]:
    """The folders of what is installed: each name has the version in it."""
    for folder in folders:
        with suppress(OSError):
            yield from sorted(name for name in os.listdir(folder) if name.endswith((".dist-info", ".egg-info")))
