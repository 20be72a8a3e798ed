"""The value of `--plugin`: an installed name, or FILE.py, which is a plugin for this command alone."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click

from vreid_bench.system.errors import InputError, suggestion

END = ".py"


def take_plugin(text: str, kinds: Sequence[str]) -> str:
    """The name that `text` means: itself, or what a file provides of these kinds, the first kind before the others.

    `FILE.py:NAME` chooses one of several. The file is a plugin until the command ends. Raises InputError for a file
    that cannot be imported, or that does not provide such a name.
    """
    path, name = (Path(text), "") if text.endswith(END) else (Path(text.rpartition(":")[0]), text.rpartition(":")[2])
    if path.suffix != END:
        return text
    from vreid_bench.registry.loading import LoadedPlugins
    from vreid_bench.registry.plugin_files import PluginFile, add_plugin_file

    given = [key for key in LoadedPlugins([PluginFile.open(path).load()]).entries if key[0] in kinds]
    click.get_current_context().with_resource(add_plugin_file(path))
    first = [each for kind, each in given if kind == kinds[0]]
    names = list(dict.fromkeys(first or [each for _, each in given]))
    known = list(dict.fromkeys(each for _, each in given))
    if name:
        if name not in known:
            raise InputError(
                f"{path}: provides no {name!r}{suggestion(name, known)}; it has {', '.join(known) or 'none'}"
            )
        return name
    if len(names) != 1:
        found = ", ".join(names) or "nothing"
        raise InputError(f"{path}: provides {found}, expected one name to run; write {path}:NAME, or add a hook")
    return names[0]
