"""A plugin as commands name it: an installed name, or FILE.py, which is a plugin for this command alone."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click

from vreid_bench.system.errors import InputError, suggestion

END = ".py"


def take_plugin(text: str, kinds: Sequence[str], *, by_kind: bool = False) -> str:
    """The name that `text` means: itself, or what a file provides of these kinds, the first kind before the others.

    `FILE.py:NAME` chooses one of several. The file is a plugin until the command ends. Raises InputError for a file
    that cannot be imported, or that does not provide such a name. by_kind: the command has an option `--kind`.
    """
    path, name = (Path(text), "") if text.endswith(END) else (Path(text.rpartition(":")[0]), text.rpartition(":")[2])
    if path.suffix != END:
        return text
    from vreid_bench.registry.loading import LoadedPlugins
    from vreid_bench.registry.plugin_files import PluginFile, add_plugin_file

    every = list(LoadedPlugins([PluginFile.open(path).load()]).entries)
    given = [key for key in every if key[0] in kinds]
    click.get_current_context().with_resource(add_plugin_file(path))
    first = [each for kind, each in given if kind == kinds[0]]
    names = list(dict.fromkeys(first or [each for _, each in given]))
    known = list(dict.fromkeys(each for _, each in given))
    if name:
        if name not in known:
            has = f"it has {', '.join(known) or 'none'}"
            raise InputError(f"{path}: provides no {name!r}{suggestion(name, known, has)}")
        return name
    if len(names) == 1:
        return names[0]
    found = ", ".join(names) or _describe_others(every, kinds)
    what, how = ("check", _advise(path, given)) if by_kind else ("run", f"write {path}:NAME, or add a hook")
    raise InputError(f"{path}: provides {found}, expected one name to {what}; {how}")


def _describe_others(keys: Sequence[tuple[str, str]], kinds: Sequence[str]) -> str:
    """What a file provides that has none of these kinds, which it should have."""
    from vreid_bench.registry.entry import KINDS

    others = ", ".join(f"{KINDS[kind]} {name}" for kind, name in keys)
    return f"no {KINDS[kinds[0]]}{' or part' * (len(kinds) > 1)}, but {others}" if others else "nothing"


def _advise(path: Path, given: Sequence[tuple[str, str]]) -> str:
    """How to choose one of what a file provides where the command has `--kind`."""
    from vreid_bench.registry.entry import KINDS

    kinds = [kind for kind, _ in given]
    if not kinds:
        return "choose another --kind, or add a hook"
    single = [f"--kind {KINDS[kind]} for {name}" for kind, name in given if kinds.count(kind) == 1]
    return " or ".join([f"write {path}:NAME", *(single if len(set(kinds)) > 1 else [])])
