"""`vreid-bench leaderboard drift`: what changed between two states of a leaderboard."""

from __future__ import annotations

import json
from pathlib import Path

import click

from vreid_bench.cli.options import FILE
from vreid_bench.system.errors import InputError
from vreid_bench.system.terminal import echo

FORMATS = ("markdown", "json")


@click.command()
@click.argument("before", type=FILE)
@click.argument("after", type=FILE)
@click.option("--format", "form", type=click.Choice(FORMATS), default="markdown", show_default=True)
@click.option("--partial", is_flag=True, help="AFTER has only some of the rows: do not tell the others as gone.")
@click.option("--exit-code", is_flag=True, help="End with exit code 1 if a score left its interval.")
@click.pass_context
def drift(context: click.Context, before: Path, after: Path, form: str, partial: bool, exit_code: bool) -> None:
    """Tell which scores left the interval that they had.

    BEFORE and AFTER are folders of leaderboards. Their rows are compared by mAP and R1 under the headline convention,
    over the seeds that both have. Rows whose test changed, its rules or its data, are told as not comparable.

    \b
        vreid-bench leaderboard drift before leaderboard
        vreid-bench leaderboard drift leaderboard made-again --partial --exit-code
    """
    from vreid_bench.reporting.drift import LEFT, find_drift
    from vreid_bench.reporting.drift_report import render_drift, to_plain
    from vreid_bench.reporting.record_folder import read_records

    for folder in (before, after):
        if not folder.is_dir():
            raise InputError(f"{folder}: no such folder; expected a leaderboard, with records/")
    old, new = read_records(before), read_records(after)
    for folder, records in ((before, old), (after, new)):
        if not records:
            raise InputError(f"{folder}: holds no record; expected a leaderboard, with records/")
    drifts = find_drift(old, new, partial=partial)
    echo(json.dumps(to_plain(drifts), indent=1) + "\n" if form == "json" else render_drift(drifts), nl=False)
    if exit_code and any(each.state == LEFT for each in drifts):
        context.exit(1)
