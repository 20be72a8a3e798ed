"""Completion of names in the shell: of kinds, and of all that plugins provide.

Which option takes which names is decided here, once for all commands. Loading the plugins takes a moment, so names are
only looked up for a word that has to be completed.
"""

from __future__ import annotations

from collections.abc import Iterator

import click
from click.shell_completion import CompletionItem

from vreid_bench.system.errors import InputError

KIND = "kind"  # stands for the names of the kinds themselves
# option or argument -> kinds of the names that it takes
TAKES = {
    "--plugin": ("methods", "encoders", "aggregators", "matchers", "losses"),
    "--protocol": ("protocols",),
    "--layout": ("datasets",),
    "--accept-withdrawn": ("datasets",),
    "--matcher": ("matchers",),
    "--rerank": ("rerankers",),
    "--convention": ("conventions",),
    "kind": (KIND,),
    "dataset": ("datasets",),
}


class InstalledName(click.types.StringParamType):
    """A text that is completed to the installed names of some kinds."""

    def __init__(self, kinds: tuple[str, ...]) -> None:
        self.kinds = kinds

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        """The names that begin with `incomplete`, each with its first sentence for shells that show it."""
        try:
            return [CompletionItem(name, help=text) for name, text in self._list_names() if name.startswith(incomplete)]
        except InputError:  # a broken plugin: the command itself reports it
            return []

    def _list_names(self) -> Iterator[tuple[str, str]]:
        from vreid_bench.registry.entry import KINDS

        if self.kinds == (KIND,):
            yield from ((kind, f"every {one}") for kind, one in KINDS.items())
            return
        from vreid_bench.registry.registry import Registry
        from vreid_bench.reporting.terminal_tables import first_sentence

        registry = Registry.installed()
        for kind in self.kinds:
            yield from ((entry.name, first_sentence(entry.summary)) for entry in registry.entries(kind))


def complete_names(group: click.Group) -> None:
    """Let every option and argument under `group` that takes names be completed."""
    for command in group.commands.values():
        for parameter in command.params:
            kinds = next((TAKES[word] for word in (*parameter.opts, parameter.name) if word in TAKES), None)
            if kinds is None and parameter.name == "name" and not parameter.opts[0].startswith("-"):
                kinds = (str(group.name),)  # the NAME of `protocols show` and `methods show`
            if kinds is not None:
                parameter.type = InstalledName(kinds)
        if isinstance(command, click.Group):
            complete_names(command)
