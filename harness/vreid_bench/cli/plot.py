"""`vreid-bench plot`: figures of runs for papers and slides."""

from __future__ import annotations

from pathlib import Path

import click

from vreid_bench.cli.options import FIGURES, FILE, RUNS
from vreid_bench.records.named_run import find_run
from vreid_bench.system.errors import InputError
from vreid_bench.system.terminal import echo

KINDS = ("scores", "conventions", "conditions", "cost", "cmc", "splits", "printed", "people")


@click.command()
@click.argument("kind", type=click.Choice(KINDS))
@click.argument("run", nargs=-1, required=True, type=FILE, metavar="RUN...")
@click.option("-o", "--out", type=FILE, required=True, help="The file to write: .pdf, .svg or .png.")
@RUNS
def plot(kind: str, run: tuple[Path, ...], out: Path, runs: Path) -> None:
    """Draw a figure of runs.

    RUN is the folder or the id of a run, or a record. All must be of one protocol on the same data. Runs of one
    method that differ in their seed alone become one row; a seed that is there twice, with the same weights and
    scores, counts once.

    \b
    scores       mAP with its interval and seeds      cost     mAP against processor minutes
    conventions  mAP under each convention            splits   mAP of each split
    conditions   mAP under each condition             printed  printed against measured mAP
    cmc          CMC curves                           people   two runs, person by person

    \b
        vreid-bench plot cmc runs/mars@* --out cmc.pdf
        vreid-bench plot people RUN_A RUN_B --out difference.svg
    """
    form = out.suffix.lstrip(".").lower()
    if form not in FIGURES:
        raise InputError(f"--out {out}: expected a file that ends in .{', .'.join(FIGURES)}")
    from vreid_bench.reporting.plots import draw, read_runs
    from vreid_bench.system.files import write_atomic

    records, notes = read_runs([each if each.is_file() else find_run(each, runs).path for each in run])
    write_atomic(out, draw(kind, records, form))
    for note in notes:
        echo(note, err=True)
    echo(out)
