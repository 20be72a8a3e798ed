"""`vreid-bench report`: boards and runs as pages to look at."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from vreid_bench.cli.arithmetic import take_arithmetic
from vreid_bench.cli.options import ACCEPT_WITHDRAWN, ARITHMETIC, DEVICE, FILE, QUIET, RUNS, THREADS
from vreid_bench.records import planned_run
from vreid_bench.records.run_directory import RunDirectory
from vreid_bench.system.errors import InputError
from vreid_bench.system.terminal import echo

LEADERBOARD, PAGES = Path("leaderboard"), Path("pages")
OF_RUNS = {
    "images": "--images/--no-images",
    "figures": "--figures/--no-figures",
    "data": "--data",
    "accept_withdrawn": "--accept-withdrawn",
}


@click.command()
@click.argument("run", type=FILE, default=LEADERBOARD, metavar="[LEADERBOARD | RUN]")
@click.option("--protocol", "protocols", multiple=True, help="Only boards of this protocol; may be repeated.")
@click.option("-o", "--out", type=FILE, default=PAGES, show_default=True, help="The folder of the pages.")
@click.option("--images/--no-images", default=None, help="Frames on the page of a run; default: of a twin alone.")
@click.option(
    "--figures/--no-figures",
    default=None,
    help="What its model computes: figures of papers, and ranks by a matcher of clips; default: yes.",
)
@click.option("--data", type=FILE, help="The data of the run; default: where the run had it.")
@ACCEPT_WITHDRAWN
@RUNS
@DEVICE
@THREADS
@ARITHMETIC
@QUIET
def report(run: Path, protocols: tuple[str, ...], out: Path, **options: Any) -> None:
    """Write boards, or a run, as HTML pages.

    A page needs no network and no other file: it can be mailed, put on any server, or opened from disk.

    Of a LEADERBOARD, a folder with records (default: leaderboard), each board is a page, and there is an index. A page
    sorts and filters its rows, ranks those that are shown, and shows them under each convention. Rows of three seeds
    and more are not ranked with rows of fewer.

    Of a finished RUN, named by folder or id, the page has its scores, curves, hardest people and cameras, the ranks of
    some queries, and the figures that papers draw of their methods, which the model of the run computes. Frames are
    shown of a synthetic twin, and of real data with --images alone.

    \b
        vreid-bench report
        vreid-bench report leaderboard --protocol mars --out pages
        vreid-bench report mars@synthetic-tacan-small-seed0-1a2b3c4d
    """
    if is_run(run, options["runs"]):
        if protocols:
            raise InputError(f"--protocol {protocols[0]}: chooses boards, and {run} is a run; leave it out")
        write_run(run, out, options)
        return
    for name, option in OF_RUNS.items():
        if options[name] not in (None, ()):
            raise InputError(f"{option} is of the page of a run, and {run} is none; leave it out")
    if not run.is_dir():
        raise InputError(
            f"{run}: no such folder, and no run in {options['runs']}; expected a leaderboard, with records/, or a "
            "finished run"
        )
    write_boards(run, protocols, out)


def is_run(path: Path, runs: Path) -> bool:
    """Is this the folder or the id of a run, finished or not?"""
    folders = [RunDirectory(path), RunDirectory(runs / path)]
    return any(
        folder.is_finished or folder.is_ranked or (folder.path / planned_run.FILE).is_file() for folder in folders
    )


def write_run(run: Path, out: Path, options: dict[str, Any]) -> None:
    """Write the page of a run. Raises InputError for a run without scores."""
    figures = options.pop("figures") is not False
    asked = options.pop("arithmetic")
    if figures:  # computed as the run was
        take_arithmetic(asked, run, options)
    from vreid_bench.planning.plan import RunRequest
    from vreid_bench.reporting.page.paper_figures import RunModel
    from vreid_bench.reporting.page.run_page import RunPageRequest, write_run_page
    from vreid_bench.system.files import write_atomic

    images = options.pop("images")

    def open_model(folder: Path) -> RunModel:
        from vreid_bench.evaluation.run_model import open_run_model

        return open_run_model(RunRequest(name=None, protocol=None, source=folder, **options))

    shared = {name: options[name] for name in ("runs", "data", "accept_withdrawn", "quiet")}
    name, content = write_run_page(RunPageRequest(run, images=images, **shared), open_model if figures else None)
    write_atomic(out / name, content)
    echo(out / name)


def write_boards(leaderboard: Path, protocols: Sequence[str], out: Path) -> None:
    """Write the pages of a leaderboard. Raises InputError for one without records, or without those protocols."""
    from vreid_bench.reporting.page.render import render_report
    from vreid_bench.reporting.record_folder import read_records
    from vreid_bench.system.files import write_atomic

    records = read_records(leaderboard)
    known = {record.protocol.name for record in records}
    for protocol in protocols:
        if protocol not in known:
            raise InputError(f"--protocol {protocol}: has no row in {leaderboard}; it has {', '.join(sorted(known))}")
    chosen = [record for record in records if not protocols or record.protocol.name in protocols]
    if not chosen:
        raise InputError(f"{leaderboard}: holds no record; `vreid-bench leaderboard add` adds those of runs")
    for name, content in render_report(chosen):
        write_atomic(out / name, content)
    echo(out / "index.html")
