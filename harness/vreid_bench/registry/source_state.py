"""Whether anything has changed of what decides what plugins provide: their files, what is installed, variables."""

from __future__ import annotations

import os
import re
import sys
import time
from collections.abc import Collection, Iterable, Iterator
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path

from vreid_bench.registry.plugins import HARNESS, Installed, list_packages
from vreid_bench.system.fingerprint import digest

ENVIRONMENT, QUOTED = re.compile(r"\b(environ|getenv)\b"), re.compile(r"""["'](\w+)["']""")
BEGAN = time.time_ns()  # before this process has imported a plugin


def hash_state(installed: Collection[Installed], others: Collection[str], variables: Collection[str]) -> str | None:
    """A hash over the path, size and modification time of every file below the packages of plugins and of the harness.

    It also covers Python, its path, the installed distributions, the files `others` and the environment variables
    `variables`. None if a file is missing, if the files of a package cannot be listed, and if one has changed since
    this process began.
    """
    points = [[each.point.name, each.point.value, each.distribution, each.version] for each in installed]
    folders = [os.path.abspath(folder) for folder in sys.path]
    environment = {name: os.environ.get(name) for name in variables}
    state = [sys.version, folders, list(_list_distributions(folders)), points, environment]
    try:
        files = {
            file: read_state(file) for file in sorted({*others, *_list_sources([*_list_packages(installed), HARNESS])})
        }
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


def list_variables(installed: Collection[Installed]) -> list[str]:
    """The environment variables that decide what plugins provide, as far as their code shows.

    These are all words in quotes in those of their files that speak of the environment. A name that is put together
    while the code runs is not among them.
    """
    names: set[str] = set()
    with suppress(OSError, ImportError, ValueError):  # then `hash_state` has no hash
        for file in _list_sources(_list_packages(installed)):
            text = Path(file).read_text(errors="replace") if file.endswith(".py") else ""
            if ENVIRONMENT.search(text):
                names.update(QUOTED.findall(text))
    return sorted(names)


def _list_packages(installed: Collection[Installed]) -> set[str]:
    """The packages of the plugins' distributions, without the harness."""
    packages = {package for name in {each.distribution for each in installed} for package in list_packages(name)}
    return (packages | {each.point.module.partition(".")[0] for each in installed}) - {HARNESS}


def _list_sources(packages: Iterable[str]) -> Iterator[str]:
    """Every file of these packages."""
    for package in packages:
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
