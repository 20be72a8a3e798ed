"""The command `list`: what the installed plugins provide."""

from __future__ import annotations

import json

import click

from vreid_bench.cli.options import AS_JSON
from vreid_bench.system.errors import InputError
from vreid_bench.system.terminal import echo


@click.command("list")
@click.argument("kind", required=False)
@click.option("--long", "in_full", is_flag=True, help="Also show who provides each name, and in which version.")
@AS_JSON
def list_(kind: str | None, in_full: bool, as_json: bool) -> None:
    """List what plugins provide.

    Without KIND: how many there are of each; with it: their names. Lines are cut to the width of the terminal; what
    goes to a file or another program is not. With --json, each data set has its licence, access, citation and counts.

    \b
        vreid-bench list
        vreid-bench list methods
        vreid-bench list methods --long
    """
    from vreid_bench.registry.entry import KINDS
    from vreid_bench.registry.registry import Registry
    from vreid_bench.reporting import listing
    from vreid_bench.reporting.terminal_tables import terminal_width

    kind = next((k for k, one in KINDS.items() if kind in (k, one)), kind)
    if kind is not None and kind not in KINDS:
        raise InputError(f"no kind is named {kind!r}; expected one of {', '.join(KINDS)}, or none of them to count all")
    entries = list(Registry.installed().entries(kind))
    if as_json:
        known = [{"description": entry.description} if entry.kind == "datasets" else {} for entry in entries]
        echo(json.dumps([entry.describe() | more for entry, more in zip(entries, known, strict=True)]))
    elif in_full:
        echo(listing.list_in_full(entries))
    elif kind is None:
        echo(listing.count_kinds(entries, terminal_width()))
    elif kind == "executors":  # their options stand in no recipe that `methods show` could show
        echo(listing.list_with_options(entries, terminal_width()))
    else:
        echo(listing.list_names(entries, terminal_width()))
