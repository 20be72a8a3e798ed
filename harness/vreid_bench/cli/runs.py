"""The command `runs`: what a folder of runs holds."""

from __future__ import annotations

import json
from pathlib import Path

import click

from vreid_bench.cli.options import AS_JSON, RUNS
from vreid_bench.system.terminal import echo


@click.command("runs")
@RUNS
@AS_JSON
def runs_(runs: Path, as_json: bool) -> None:
    """List all runs, the newest first.

    Each with its state, its score under the headline convention, its data, and what differs: from the method, from
    the installed code, and from runs that are alike otherwise. An interrupted run goes on when its command is
    repeated. Columns that do not fit the terminal stand below the line.

    \b
        vreid-bench runs
        vreid-bench runs --json
    """
    from vreid_bench.reporting.runs import list_runs, render_runs, to_plain
    from vreid_bench.reporting.terminal_tables import terminal_width

    found = list_runs(runs)
    if as_json:
        echo(json.dumps(to_plain(found)))
    else:
        echo(render_runs(found, terminal_width()) or f"{runs}: no runs")
