"""`vreid-bench report`: boards as pages to look at."""

from __future__ import annotations

from pathlib import Path

import click

from vreid_bench.cli.options import FILE, ONLY_BARS
from vreid_bench.system.errors import InputError

PAGES = Path("pages")


@click.command()
@click.argument("leaderboard", type=FILE, default=Path("leaderboard"))
@click.option("--protocol", "protocols", multiple=True, help="Only boards of this protocol; may be repeated.")
@click.option("-o", "--out", type=FILE, default=PAGES, show_default=True, help="The folder of the pages.")
@ONLY_BARS
def report(leaderboard: Path, protocols: tuple[str, ...], out: Path) -> None:
    """Write each board as an HTML page, and an index of them.

    A page needs no network and no other file: it can be mailed, put on any server, or opened from disk. It sorts and
    filters its rows, ranks those that are shown, and shows them under each convention. Rows of three seeds and more are
    not ranked with rows of fewer. LEADERBOARD is a folder with records; default: leaderboard.

    \b
        vreid-bench report
        vreid-bench report leaderboard --protocol mars --out pages
    """
    from vreid_bench.reporting.page.render import render_report
    from vreid_bench.reporting.record_folder import read_records
    from vreid_bench.system.files import write_atomic

    if not leaderboard.is_dir():
        raise InputError(f"{leaderboard}: no such folder; expected a leaderboard, with records/")
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
    click.echo(out / "index.html")
