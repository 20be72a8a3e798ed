"""The commands on results: finished runs, and the records of many."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from vreid_bench.cli.options import AS_JSON, DEVICE, FILE, QUIET, RUNS, THREADS
from vreid_bench.system.errors import InputError, RunError


@click.command()
@click.argument("run_a", type=FILE)
@click.argument("run_b", type=FILE)
@RUNS
@AS_JSON
def compare(run_a: Path, run_b: Path, runs: Path, as_json: bool) -> None:
    """Compare two runs, by folder or id, on the same test set: difference, interval, p, person by person.

    \b
    `smallest` is the difference from which on this test set could have told the two apart at 5 %.
        vreid-bench compare mars-personvlad-small-seed0-1a2b3c4d mars-mean-pooling-small-seed0-5e6f7a8b
    """
    from vreid_bench.scoring import comparison

    compared = comparison.compare(run_a, run_b, runs)
    click.echo(json.dumps({"conventions": comparison.as_json(compared)}) if as_json else comparison.shown(compared))


@click.group()
def conventions() -> None:
    """How a ranking is scored: what the rules make of one run."""


@conventions.command()
@click.argument("run", type=FILE)
@AS_JSON
def diff(run: Path, as_json: bool) -> None:
    """Which single rule moved mAP and R1 of RUN (a finished run's folder), and by how much.

    \b
        vreid-bench conventions diff runs/mars-personvlad-small-seed0-1a2b3c4d
    """
    from vreid_bench.scoring.rule_effects import differences, shown

    found = differences(run)
    click.echo(json.dumps(found) if as_json else shown(found))


@click.command()
@click.argument("run", type=FILE)
@click.option("--protocol", help="Test its weights under this protocol; default: that of the run.")
@click.option("--data", type=FILE, help="The rendered data; default VREID_DATA, else the synthetic twin.")
@RUNS
@DEVICE
@THREADS
@QUIET
@AS_JSON
def visibility(run: Path, as_json: bool, **options: Any) -> None:
    """Does RUN weigh frames and clips by how much of the person can be seen? On rendered data, where that is known.

    Spearman's rank correlation within a clip or a tracklet, averaged, with its interval over people.

    \b
        vreid-bench visibility runs/mars-tacan-small-seed0-1a2b3c4d
        vreid-bench visibility runs/mars-clip-learned-small-seed0-5e6f7a8b --protocol mars-corruption
    """
    from vreid_bench.evaluation.agreement import as_json as listed
    from vreid_bench.evaluation.agreement import shown
    from vreid_bench.evaluation.visibility import measure_visibility

    found = measure_visibility(run, **options)
    click.echo(json.dumps({"agreement": listed(found)}) if as_json else shown(found))


@click.group(invoke_without_command=True)
@click.option("--check", "only_check", is_flag=True, help="Change nothing; exit code 1 if a table is stale.")
@click.option(
    "--dir",
    "folder",
    type=FILE,
    default=Path("leaderboard"),
    show_default=True,
    help="Where records and tables are.",
)
@AS_JSON
@click.pass_context
def leaderboard(context: click.Context, only_check: bool, folder: Path, as_json: bool) -> None:
    """Build the tables from leaderboard/records, or check that they are up to date.

    \b
        vreid-bench leaderboard
        vreid-bench leaderboard --check
        vreid-bench leaderboard add runs/mars-personvlad-small-seed0-1a2b3c4d
    """
    if context.invoked_subcommand is not None:
        context.obj = folder
        return
    from vreid_bench.reporting import leaderboard as board

    if not folder.is_dir():
        raise InputError(f"--dir {folder}: no such folder; `vreid-bench leaderboard add` makes one")
    problems = board.check(folder) if only_check else []
    written = [] if only_check else board.write(folder)
    if as_json:
        click.echo(json.dumps({"problems": problems, "written": written}))
    else:
        click.echo("\n".join([*problems, *written]) or f"{folder}: up to date")
    if problems:
        raise RunError(f"{folder} has {len(problems)} problem(s)")


@leaderboard.command()
@click.argument("runs", nargs=-1, required=True, type=FILE)
@click.option("--replace", is_flag=True, help="Put the record in the place of another of the same name.")
@AS_JSON
@click.pass_obj
def add(folder: Path, runs: tuple[Path, ...], replace: bool, as_json: bool) -> None:
    """Publish the records of RUNS (folders of finished runs, or record files) and rebuild the tables.

    \b
        vreid-bench leaderboard add runs/*
    """
    from vreid_bench.reporting import leaderboard as board

    changed = board.publish(runs, folder, replace)
    click.echo(json.dumps({"written": changed}) if as_json else "\n".join(changed))
