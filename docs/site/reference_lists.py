"""The page of what is installed: every data set, part, protocol, convention and method, in a sentence."""

from __future__ import annotations

from vreid_bench.registry.entry import KINDS, Entry
from vreid_bench.registry.inspection import GIVEN
from vreid_bench.registry.registry import Registry

HINTS = {
    "datasets": "[Data sets](datasets.md) has licence, access, citation and published counts.",
    "methods": "`vreid-bench methods show NAME` has every setting, its meaning, and the numbers of the paper.",
    "protocols": "[Protocols](../protocols.md) has the counts; `vreid-bench protocols show NAME` describes one.",
    "conventions": "`vreid-bench conventions show NAME` has every rule of one.",
    "checkpoints": "[Checkpoints](../checkpoints.md) says what each family reads.",
}


def installed_page() -> str:
    """A table for each kind, of the plugins of this package; a name that ends in a colon stands for many."""
    registry = Registry.installed()
    text = ["# What is installed", "What `vreid-bench list` shows with the plugins of this package alone."]
    for kind, one in KINDS.items():
        entries = [entry for entry in registry.entries(kind) if entry.distribution == "vreid-bench"]
        title = "Data sets" if kind == "datasets" else f"{one.capitalize()}s" if kind != "losses" else "Losses"
        options = kind in GIVEN  # those that are built
        head = "| name | what it is | options |\n|---|---|---|" if options else "| name | what it is |\n|---|---|"
        rows = [head, *(_row(entry, options) for entry in entries)]
        text += [f"## {title}", *([HINTS[kind]] if kind in HINTS else []), "\n".join(rows)]
    return "\n\n".join(text) + "\n"


def _row(entry: Entry, options: bool) -> str:
    cells = [f"`{entry.name}`", _cell(entry.summary)]
    if options and not entry.name.endswith(":"):  # a family has the options of its members
        cells.append(", ".join(f"`{name}={_default(value)}`" for name, value in entry.options.items()))
    return f"| {' | '.join(cells)} |"


def _default(value: object) -> str:
    return str(value).replace("|", "\\|")


def _cell(text: str) -> str:
    pieces = text.split("`")
    pieces[::2] = [piece.replace("<", "&lt;").replace("*", "\\*").replace("_", "\\_") for piece in pieces[::2]]
    return "`".join(pieces).replace("|", "\\|")
