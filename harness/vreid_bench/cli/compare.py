"""`vreid-bench compare`: two runs on the same test set."""

from __future__ import annotations

import json
from pathlib import Path

import click

from vreid_bench.cli.options import AS_JSON, FILE, RUNS


@click.command()
@click.argument("run_a", type=FILE)
@click.argument("run_b", type=FILE)
@RUNS
@AS_JSON
def compare(run_a: Path, run_b: Path, runs: Path, as_json: bool) -> None:
    """Compare two runs, by folder or id, on the same test set, person by person: difference, interval, p.

    \b
    `smallest` is the smallest difference that this test set can show at 5 %.
        vreid-bench compare mars-personvlad-small-seed0-1a2b3c4d mars-mean-pooling-small-seed0-5e6f7a8b
    """
    from vreid_bench.scoring import comparison

    compared = comparison.compare(run_a, run_b, runs)
    if as_json:
        click.echo(json.dumps({"conventions": comparison.to_plain(compared)}))
    else:
        click.echo(comparison.render(compared))
