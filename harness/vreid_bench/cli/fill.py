"""The command `leaderboard fill`: run what the boards of a leaderboard are to have and do not have."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from vreid_bench.cli.options import AS_JSON, LEADERBOARD, LEADERBOARD_DIR, QUIET, RUNS, TRACKERS, LeaderboardOptions
from vreid_bench.system.counting import count
from vreid_bench.system.errors import InputError, RunError
from vreid_bench.system.terminal import echo


@click.command()
@click.argument("boards", nargs=-1)
@click.option("--dry-run", "dry", is_flag=True, help="Only list the rows that are missing or outdated.")
@click.option(
    "--executor",
    metavar="NAME",
    default="local",
    show_default=True,
    help="Where runs are made: local, slurm, ray or that of a plugin, with options as in slurm:partition=cpu,time=120.",
)
@click.option(
    "-j",
    "--jobs",
    type=click.IntRange(1),
    help="How many runs at a time; default: one on this machine, as many as there is room for on a cluster.",
)
@RUNS
@TRACKERS
@QUIET
@LEADERBOARD_DIR
@AS_JSON
@click.pass_obj
def fill(
    before: LeaderboardOptions, /, boards: tuple[str, ...], folder: Path | None, as_json: bool, dry: bool, **how: Any
) -> None:
    """Run the rows of BOARDS that are missing or outdated.

    A board is a file boards/NAME.toml of the leaderboard, or any path that ends in .toml: it lists methods, protocols,
    seeds and settings, as here. Seeds are [0] and settings none unless it says so.

    \b
        says = "what its rows are for"
        [[rows]]
        protocols = ["mars"]
        methods = ["mean-pooling", "tacan"]
        seeds = [0, 1, 2]
        settings = ["test.clips=2"]

    Without BOARDS, every board of the leaderboard is filled. A row is outdated if the method, the
    protocol, the data, the first weights or the code that decides its numbers has changed since, whatever its date.
    Rows of your own data are judged and run while VREID_DATA names your copy.

    Runs use one thread each, and portable arithmetic. Each record is added as soon as it is there, and what an earlier
    run trained is used again: repeat an interrupted command to go on. Rows that fail are listed at the end, the others
    are added, and the exit code is 1.

    An executor makes the runs: `local` in processes of this machine, `slurm` in jobs of Slurm, `ray` in tasks of a Ray
    cluster. `vreid-bench list executors` shows them with their options.

    \b
        vreid-bench leaderboard fill --dry-run
        vreid-bench leaderboard fill papers -j 2
        vreid-bench leaderboard fill mine.toml --dir mine
        vreid-bench leaderboard fill papers --executor slurm:partition=cpu,time=240 -j 20
        vreid-bench leaderboard fill papers --executor ray:address=auto
    """
    from vreid_bench.boards.board_file import read_boards
    from vreid_bench.boards.fill import Making, choose_executor, estimate_seconds
    from vreid_bench.boards.fill import fill as fill_rows
    from vreid_bench.boards.outline import explain_unjudged, render_failures, render_states, to_plain
    from vreid_bench.boards.state import judge_rows
    from vreid_bench.registry.assignments import parse_part
    from vreid_bench.registry.registry import Registry
    from vreid_bench.reporting.leaderboard import write_pages
    from vreid_bench.reporting.record_folder import read_records

    folder, as_json = folder or before.folder or LEADERBOARD, as_json or before.as_json
    if not boards and not folder.is_dir():
        raise InputError(f"--dir {folder}: no such folder; expected a leaderboard, with boards/, or name a board FILE")
    making, registry = Making(how.pop("runs"), how.pop("trackers")), Registry.installed()
    for tracker in making.trackers:
        parse_part("trackers", tracker, registry)  # which refuses a wrong name before anything is read or run
    executor = choose_executor(how.pop("executor"), how.pop("jobs"), registry)
    wanted, records = read_boards(folder, boards), read_records(folder)
    states = judge_rows(wanted, records, registry)
    due = [state for state in states if state.is_due]
    seconds = estimate_seconds(due, records)
    failures = []
    if not due and not dry:
        write_pages(folder)  # an interruption may have come between the last record and the pages
    if due and not dry:
        failures = fill_rows(due, seconds, folder, making=making, executor=executor, **how)
        states = judge_rows(wanted, read_records(folder), registry)
        due = [state for state in states if state.is_due]
        seconds = estimate_seconds(due, records)
    echo(json.dumps(to_plain(states, failures)) if as_json else render_states(states, seconds))
    if failures:
        raise RunError(f"{count(len(failures), 'row')} failed:\n{render_failures(failures)}")
    if not dry and (unjudged := explain_unjudged(states)):
        raise InputError(unjudged)
