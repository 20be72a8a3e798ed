"""The `leaderboard` commands: add records, rebuild the pages, check them."""

from __future__ import annotations

import json
from pathlib import Path

import click

from vreid_bench.cli.options import AS_JSON, FILE
from vreid_bench.system.errors import InputError, RunError


@click.group(invoke_without_command=True)
@click.option("--check", "only_check", is_flag=True, help="Change nothing; exit code 1 if a page is out of date.")
@click.option(
    "--dir",
    "folder",
    type=FILE,
    default=Path("leaderboard"),
    show_default=True,
    help="The folder of records and pages.",
)
@AS_JSON
@click.pass_context
def leaderboard(context: click.Context, only_check: bool, folder: Path, as_json: bool) -> None:
    """Build the pages from the records, or check that they are up to date.

    \b
        vreid-bench leaderboard
        vreid-bench leaderboard --check
        vreid-bench leaderboard add runs/mars@synthetic-personvlad-small-seed0-1a2b3c4d
    """
    if context.invoked_subcommand is not None:
        context.obj = folder
        return
    from vreid_bench.reporting.leaderboard import check, write_pages

    if not folder.is_dir():
        raise InputError(f"--dir {folder}: no such folder; `vreid-bench leaderboard add` creates it")
    problems = check(folder) if only_check else []
    written = [] if only_check else write_pages(folder)
    if as_json:
        click.echo(json.dumps({"problems": problems, "written": written}))
    else:
        click.echo("\n".join([*problems, *written]) or f"{folder}: up to date")
    if problems:
        raise RunError(f"{folder} has {len(problems)} problem(s); each is described above")


@leaderboard.command()
@click.argument("runs", nargs=-1, required=True, type=FILE)
@click.option("--replace", is_flag=True, help="Replace a record of the same name.")
@AS_JSON
@click.pass_obj
def add(folder: Path, runs: tuple[Path, ...], replace: bool, as_json: bool) -> None:
    """Publish the records of RUNS (folders of finished runs, or record files) and rebuild the pages.

    \b
        vreid-bench leaderboard add runs/*
    """
    from vreid_bench.reporting.leaderboard import publish

    changed = publish(runs, folder, replace)
    click.echo(json.dumps({"written": changed}) if as_json else "\n".join(changed))
