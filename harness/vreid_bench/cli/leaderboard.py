"""The `leaderboard` commands: add records, rebuild the pages, check them, judge the claims of papers; `fill` beside."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from vreid_bench.cli.drift import drift
from vreid_bench.cli.fill import fill
from vreid_bench.cli.options import AS_JSON, FILE, LEADERBOARD, LEADERBOARD_DIR, RUNS, LeaderboardOptions
from vreid_bench.system.counting import count
from vreid_bench.system.errors import InputError, RunError
from vreid_bench.system.terminal import echo

CLAIMS = "claims"
FORMATS = ("markdown", "latex", "csv", "json")
METRICS = ("mAP", "R1", "R5", "R10", "R20", "mINP")
SOURCES = ("official", "unverified", "synthetic")


@click.group(invoke_without_command=True)
@click.option("--check", "only_check", is_flag=True, help="Change nothing; exit code 1 if a page is out of date.")
@LEADERBOARD_DIR
@AS_JSON
@click.pass_context
def leaderboard(context: click.Context, only_check: bool, folder: Path | None, as_json: bool) -> None:
    """Build the pages of the leaderboard, or check them.

    They are built from the records and from the claims of papers beside them.

    \b
        vreid-bench leaderboard
        vreid-bench leaderboard --check
        vreid-bench leaderboard add runs/mars@synthetic-personvlad-small-seed0-1a2b3c4d
        vreid-bench leaderboard fill --dry-run
        vreid-bench leaderboard claims
        vreid-bench leaderboard drift before leaderboard
    """
    if context.invoked_subcommand is not None:
        if only_check:
            raise InputError(
                f"--check checks pages, which `{context.invoked_subcommand}` does not; leave one of them out"
            )
        context.obj = LeaderboardOptions(folder, as_json)
        return
    from vreid_bench.reporting.leaderboard import check, write_pages

    folder = folder or LEADERBOARD
    if not folder.is_dir():
        raise InputError(f"--dir {folder}: no such folder; `vreid-bench leaderboard add` creates it")
    problems = check(folder) if only_check else []
    written = [] if only_check else write_pages(folder)
    if as_json:
        echo(json.dumps({"problems": problems, "written": written}))
    else:
        echo("\n".join([*problems, *written]) or f"{folder}: up to date")
    if problems:
        raise RunError(f"{folder} has {count(len(problems), 'problem')}; each is described above")


@leaderboard.command()
@click.argument("run", nargs=-1, required=True, type=FILE, metavar="RUN...")
@click.option("--replace", is_flag=True, help="Replace a record of the same name.")
@LEADERBOARD_DIR
@RUNS
@AS_JSON
@click.pass_obj
def add(before: LeaderboardOptions, /, folder: Path | None, as_json: bool, **chosen: Any) -> None:
    """Publish the records of runs and rebuild the pages.

    RUN is the folder or the id of a run, or a record. Runs that are not finished are skipped with a note. Those that
    cannot be added are listed, the others are added, and the exit code is 2. Of runs whose records differ in nothing
    but the time and the costs, a published one stays, else the earliest is added; a note names the others.

    \b
        vreid-bench leaderboard add runs/*
        vreid-bench leaderboard add runs/* --dir elsewhere
    """
    from vreid_bench.reporting.leaderboard import publish
    from vreid_bench.reporting.record_folder import describe_skipped

    done = publish(chosen.pop("run"), folder or before.folder or LEADERBOARD, **chosen)
    for run in done.skipped:
        echo(describe_skipped(run), err=True)
    for sentence in done.repeats:
        echo(f"note: {sentence}", err=True)
    if as_json or before.as_json:
        echo(json.dumps(done._asdict()))
    elif done.written:
        echo("\n".join(done.written))
    if done.refused:
        raise InputError("\n".join(done.refused))


@leaderboard.command()
@click.argument("protocol")
@click.option("--format", "form", type=click.Choice(FORMATS), default="markdown", show_default=True)
@click.option("--convention", help="Default: that of the protocol.")
@click.option(
    "--metric",
    "metrics",
    multiple=True,
    default=METRICS[:2],
    type=click.Choice(METRICS),
    help="Default: mAP and R1; may be repeated.",
)
@click.option("--intervals", is_flag=True, help="With the 95 % interval over people behind mAP and R1.")
@click.option("--source", type=click.Choice(SOURCES), help="Of the data, where the protocol has several boards.")
@click.option("--fingerprint", default="", metavar="TEXT", help="How that of the protocol or of the data begins.")
@LEADERBOARD_DIR
@click.pass_obj
def table(
    before: LeaderboardOptions,
    /,
    protocol: str,
    source: str | None,
    fingerprint: str,
    folder: Path | None,
    **shape: Any,
) -> None:
    """Print the board of PROTOCOL as a table for a paper.

    Rows of three seeds and more stand first. A letter is a tier: over other people and seeds, its rows cannot be told
    from the first of them. Records have the scores of people under the protocol's own convention alone, so there are
    no tiers with another --convention. LaTeX needs the package booktabs; CSV and JSON have full numbers.

    \b
        vreid-bench leaderboard table mars --format latex --intervals
        vreid-bench leaderboard table mars --format csv --metric mAP --metric R1 --metric R5 > mars.csv
    """
    from vreid_bench.reporting.board import boards
    from vreid_bench.reporting.paper_tables import TableShape, render_table
    from vreid_bench.reporting.record_folder import read_records

    folder = folder or before.folder or LEADERBOARD
    if not folder.is_dir():
        raise InputError(f"--dir {folder}: no such folder; expected a leaderboard, with records/")
    every = boards(read_records(folder))
    found = [b for b in every if b.first.protocol.name == protocol and source in (None, b.first.dataset.source)]
    found = [b for b in found if any(each.startswith(fingerprint) for each in b.fingerprints)]
    if not found:
        names = sorted({board.first.folder for board in every})
        raise InputError(f"{protocol}: has no such board in {folder}; it has {', '.join(names) or 'none'}")
    if len(found) > 1:
        names = [f"{board.first.folder} {' '.join(board.fingerprints)}" for board in found]
        raise InputError(
            f"{protocol}: has {len(found)} boards, expected one: {', '.join(names)} (the fingerprints of protocol and "
            "data); choose with --source or --fingerprint"
        )
    echo(render_table(found[0], TableShape(**shape)), nl=False)


@leaderboard.command()
@click.option("--claims", "source", type=FILE, help=f"The folder of claims; default: {CLAIMS} in the leaderboard.")
@LEADERBOARD_DIR
@AS_JSON
@click.pass_obj
def claims(before: LeaderboardOptions, source: Path | None, folder: Path | None, as_json: bool) -> None:
    """Judge the orderings that papers state.

    Does an ordering hold for the records of a leaderboard, over seeds and people? The verdict follows from the
    interval of the difference. Where a method has one seed, the verdict says so. Nothing is written.

    \b
        vreid-bench leaderboard claims
        vreid-bench leaderboard claims --dir mine --claims leaderboard/claims
    """
    from vreid_bench.reporting.claims import read_claims
    from vreid_bench.reporting.claims_page import render_claims_text
    from vreid_bench.reporting.judgement import judge_papers, to_plain
    from vreid_bench.reporting.record_folder import read_records
    from vreid_bench.reporting.terminal_tables import terminal_width

    folder = folder or before.folder or LEADERBOARD
    source = source or folder / CLAIMS
    if not folder.is_dir():
        raise InputError(f"--dir {folder}: no such folder; expected a leaderboard, with records/")
    papers = read_claims(source)
    if not papers:
        raise InputError(f"{source}: has no claims; expected .toml files, --claims FOLDER names another folder of them")
    judged = judge_papers(papers, read_records(folder))
    as_json = as_json or before.as_json
    echo(json.dumps(to_plain(judged)) if as_json else render_claims_text(judged, terminal_width()).rstrip("\n"))


leaderboard.add_command(fill)
leaderboard.add_command(drift)
