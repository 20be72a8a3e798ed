"""Plugins that are single files and not installed: `--plugin FILE.py`, and the files in VREID_PLUGIN_FILES."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import NamedTuple

from vreid_bench.registry.import_faults import describe_import_fault
from vreid_bench.registry.plugins import Plugin
from vreid_bench.registry.source_code import CODE_NAME
from vreid_bench.system.errors import InputError
from vreid_bench.system.fingerprint import sha256

VARIABLE = "VREID_PLUGIN_FILES"  # paths with `os.pathsep` between them; processes that a command starts see them, too
HASH = "sha256:"  # before the hash of the file, which is what a record has as the version of such a plugin


class PluginFile(NamedTuple):
    """A file whose hooks are those of a plugin. A record names the file and its hash as distribution and version."""

    path: Path
    content: bytes

    @classmethod
    def open(cls, path: Path) -> PluginFile:
        """Raises InputError for a file that cannot be read."""
        try:
            return cls(path.expanduser().resolve(), path.expanduser().read_bytes())
        except OSError as fault:
            raise InputError(f"{path}: cannot be read as a plugin ({fault.strerror}); name a Python file") from fault

    def load(self) -> Plugin:
        """Import it. Raises InputError that names the file if that fails."""
        digest = sha256(self.content)
        stem = re.sub(r"\W", "_", self.path.stem)
        name = f"vreid_file_{stem}_{digest[:8]}"  # a changed file is another module, also in one process
        if name not in sys.modules:
            sys.modules[name] = module = ModuleType(name)
            module.__file__ = str(self.path)
            setattr(module, CODE_NAME, "file")  # not its name, which changes with a comment
            try:
                exec(compile(self.content, self.path, "exec"), vars(module))  # as an import of an installed one would
            except Exception as fault:  # a module can raise anything; all of it is reported
                del sys.modules[name]
                told = describe_import_fault(f"plugin {self.path}", fault, name)
                alone = ". It may import installed packages, but no file beside it" * isinstance(fault, ImportError)
                raise InputError(f"{told}; correct it{alone}") from fault
        return Plugin(self.path.name, sys.modules[name], self.path.name, HASH + digest)


def shorten_version(version: str) -> str:
    """The version of a distribution for people: of a file, the first digits of its hash."""
    return version[: len(HASH) + 8] if version.startswith(HASH) else version


def advise_names(kind: str) -> str:
    """What to do where no plugin provides a name of this kind; `--long`: of several. It works for every command."""
    return f"`vreid-bench list {kind}` shows all, and {VARIABLE}=FILE.py adds those in a file"


def list_plugin_files() -> list[PluginFile]:
    """The files that VREID_PLUGIN_FILES names. Raises InputError for one that cannot be read."""
    paths = os.environ.get(VARIABLE, "").split(os.pathsep)
    return [PluginFile.open(Path(path)) for path in dict.fromkeys(paths) if path]


@contextmanager
def add_plugin_file(path: Path) -> Iterator[None]:
    """Within the block, the plugins that are installed have this file among them."""
    before, added = os.environ.get(VARIABLE), path.expanduser().resolve()
    known = [Path(each).expanduser().resolve() for each in (before or "").split(os.pathsep) if each]
    os.environ[VARIABLE] = os.pathsep.join(map(str, known if added in known else [*known, added]))
    try:
        yield
    finally:
        if before is None:
            del os.environ[VARIABLE]
        else:
            os.environ[VARIABLE] = before
