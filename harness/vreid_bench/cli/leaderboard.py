"""The `leaderboard` commands: add records, rebuild the pages, check them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import NamedTuple

import click

from vreid_bench.cli.options import AS_JSON, FILE
from vreid_bench.system.errors import InputError, RunError

FOLDER = Path("leaderboard")
DIR = click.option(
    "--dir", "folder", type=FILE, help=f"The folder of records and pages; default: {FOLDER}."
)  # before `add` or after it


class Chosen(NamedTuple):
    """Options that stand before `add`."""

    folder: Path | None
    as_json: bool


@click.group(invoke_without_command=True)
@click.option("--check", "only_check", is_flag=True, help="Change nothing; exit code 1 if a page is out of date.")
@DIR
@AS_JSON
@click.pass_context
def leaderboard(context: click.Context, only_check: bool, folder: Path | None, as_json: bool) -> None:
    """Build the pages of the leaderboard, or check them.

    They are built from the records.

    \b
        vreid-bench leaderboard
        vreid-bench leaderboard --check
        vreid-bench leaderboard add runs/mars@synthetic-personvlad-small-seed0-1a2b3c4d
    """
    if context.invoked_subcommand is not None:
        if only_check:
            raise InputError("--check changes nothing, but `add` does; leave one of them out")
        context.obj = Chosen(folder, as_json)
        return
    from vreid_bench.reporting.leaderboard import check, write_pages

    folder = folder or FOLDER
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
@DIR
@AS_JSON
@click.pass_obj
def add(before: Chosen, runs: tuple[Path, ...], replace: bool, folder: Path | None, as_json: bool) -> None:
    """Publish the records of RUNS and rebuild the pages.

    RUNS are folders of finished runs, or record files. Runs that are not finished are skipped with a note. Those that
    cannot be added are listed, the others are added, and the exit code is 2.

    \b
        vreid-bench leaderboard add runs/*
        vreid-bench leaderboard add runs/* --dir elsewhere
    """
    from vreid_bench.reporting.leaderboard import publish

    written, skipped, refused = publish(runs, folder or before.folder or FOLDER, replace)
    for run in skipped:
        click.echo(f"note: {run} is skipped: it is not finished; repeat its command", err=True)
    if as_json or before.as_json:
        click.echo(json.dumps({"written": written, "skipped": skipped, "refused": refused}))
    elif written:
        click.echo("\n".join(written))
    if refused:
        raise InputError("\n".join(refused))
