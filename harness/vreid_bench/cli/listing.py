"""The command `list`: what the installed plugins provide."""

from __future__ import annotations

import json

import click

from vreid_bench.cli.options import AS_JSON
from vreid_bench.system.errors import InputError, suggestion


@click.command("list")
@click.argument("kind", required=False)
@AS_JSON
def list_(kind: str | None, as_json: bool) -> None:
    """List what plugins provide: all kinds, or one KIND.

    \b
        vreid-bench list
        vreid-bench list methods --json
    """
    from tabulate import tabulate

    from vreid_bench.registry.entry import KINDS
    from vreid_bench.registry.registry import Registry

    kind = next((k for k, one in KINDS.items() if kind in (k, one)), kind)
    if kind is not None and kind not in KINDS:
        raise InputError(f"no kind is named {kind!r}{suggestion(kind, KINDS)}; kinds: {', '.join(KINDS)}")
    rows = [entry.describe() for entry in Registry.installed().entries(kind)]
    click.echo(json.dumps(rows) if as_json else tabulate(rows, headers="keys", maxcolwidths=[None, None, 60]))
