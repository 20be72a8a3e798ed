"""`vreid-bench conventions`: how much each rule of scoring changes the scores of a run."""

from __future__ import annotations

import json
from pathlib import Path

import click

from vreid_bench.cli.options import AS_JSON, FILE, RUNS


@click.group()
def conventions() -> None:
    """Show how the rules of scoring change the scores of a run."""


@conventions.command()
@click.argument("run", type=FILE)
@RUNS
@AS_JSON
def diff(run: Path, runs: Path, as_json: bool) -> None:
    """Show what each single rule changes in mAP and R1 of RUN.

    RUN is the folder or the id of a finished run.

    \b
        vreid-bench conventions diff runs/mars@synthetic-personvlad-small-seed0-1a2b3c4d
    """
    from vreid_bench.records.run_directory import find_run
    from vreid_bench.scoring.rule_effects import measure_rule_effects, render

    found = measure_rule_effects(find_run(run, runs))
    click.echo(json.dumps(found) if as_json else render(found))
