"""`vreid-bench reproduce`: the tables of papers, printed and measured side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from vreid_bench.cli.leaderboard import CLAIMS
from vreid_bench.cli.options import FILE, LEADERBOARD, LEADERBOARD_DIR, QUIET, RUNS
from vreid_bench.system.counting import count
from vreid_bench.system.errors import InputError, RunError
from vreid_bench.system.terminal import echo

if TYPE_CHECKING:
    from vreid_bench.boards.wanted import Wanted
    from vreid_bench.records.record import Record

FORMATS = ("text", "markdown", "csv", "json")


@click.command()
@click.argument("paper", required=False)
@click.option("--table", "numbers", multiple=True, metavar="N", help="Only this table, 7 or VII; may be repeated.")
@click.option("--format", "form", type=click.Choice(FORMATS), default="text", show_default=True)
@click.option("--papers", "source", type=FILE, help="A folder of tables, one .toml for each paper; default: ours.")
@click.option("--run", "runs_missing", is_flag=True, help="Run the rows that are missing, and add them, first.")
@click.option(
    "-j", "--jobs", type=click.IntRange(1), default=1, show_default=True, help="Of --run: how many at a time."
)
@RUNS
@QUIET
@LEADERBOARD_DIR
def reproduce(
    paper: str | None, numbers: tuple[str, ...], form: str, source: Path | None, folder: Path | None, **options: Any
) -> None:
    """Show tables of papers beside what was measured.

    Every table of results of a paper, as it is printed, and below each row what the records of a leaderboard hold for
    the method that stands for it; then the claims of the paper with their verdicts, and the commands that make the
    rows that are missing. Without --run, nothing is run and nothing is written. Without PAPER: the papers and their
    tables.

    \b
        vreid-bench reproduce
        vreid-bench reproduce tacan
        vreid-bench reproduce personvlad --table IX --format markdown
        vreid-bench reproduce ica --dir mine --format csv > ica.csv
        vreid-bench reproduce tacan --table 2 --run -j 2
    """
    from vreid_bench.boards.printed_rows import list_missing, write_command
    from vreid_bench.reporting.claims import read_claims
    from vreid_bench.reporting.printed_tables import choose_tables, read_papers
    from vreid_bench.reporting.record_folder import read_records
    from vreid_bench.reporting.reproduction import count_numbers, reproduce_paper, reproduce_table
    from vreid_bench.reporting.reproduction_page import render_csv, render_json, render_list, render_markdown
    from vreid_bench.reporting.reproduction_text import render_papers, render_reproduction
    from vreid_bench.reporting.terminal_tables import terminal_width
    from vreid_bench.reporting.text import sanitize

    papers = read_papers(source) if source else read_papers()
    if folder and not folder.is_dir():
        raise InputError(f"--dir {folder}: no such folder; expected a leaderboard, with records/")
    folder = folder or LEADERBOARD
    records = read_records(folder) if folder.is_dir() else []
    known = ", ".join(map(sanitize, papers))
    if paper is None:
        if numbers:
            raise InputError(f"--table {numbers[0]}: of which paper? expected one of {known} before it")
        counts = {
            name: [count_numbers(reproduce_table(table, records)) for table in each.table]
            for name, each in papers.items()
        }
        as_text = form == "text"
        listed = render_papers(papers, counts, terminal_width()) if as_text else render_list(papers, counts, form)
        echo(listed, nl=False)
        return
    if paper not in papers:
        raise InputError(f"{paper}: no such paper; expected one of {known}")
    claims = read_claims(folder / CLAIMS)
    tables = choose_tables(papers[paper], numbers)
    shown = reproduce_paper(paper, papers[paper], tables, claims.get(paper), records)
    if options.pop("runs_missing") and (missing := list_missing(shown.tables)):
        run_missing(missing, records, folder, options)
        shown = reproduce_paper(paper, papers[paper], tables, claims.get(paper), read_records(folder))
    commands = [write_command(wanted) for wanted in list_missing(shown.tables)]
    if form == "text":
        echo(render_reproduction(shown, commands, terminal_width()), nl=False)
    elif form == "markdown":
        echo(render_markdown(shown, commands), nl=False)
    else:
        echo(render_csv(shown) if form == "csv" else render_json(shown, commands), nl=False)


def run_missing(wanted: Sequence[Wanted], records: Sequence[Record], folder: Path, how: Mapping[str, Any]) -> None:
    """Run these rows and add them.

    how: runs, jobs and quiet, as the command has them. Raises RunError with a line for each row that failed, and
    InputError if one is of data that is not given.
    """
    from vreid_bench.boards.fill import Making, choose_executor, estimate_seconds, fill
    from vreid_bench.boards.outline import explain_unjudged, render_failures
    from vreid_bench.boards.state import judge_rows
    from vreid_bench.registry.registry import Registry

    registry = Registry.installed()
    states = judge_rows(wanted, records, registry)
    if unjudged := explain_unjudged(states):
        raise InputError(unjudged)
    making, executor = Making(how["runs"]), choose_executor("local", how["jobs"], registry)
    seconds = estimate_seconds(states, records)
    if failures := fill(states, seconds, folder, making=making, executor=executor, quiet=how["quiet"]):
        raise RunError(f"{count(len(failures), 'row')} failed:\n{render_failures(failures)}")
