"""The options that several commands share."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import click

from vreid_bench.system.arithmetic import ARITHMETICS
from vreid_bench.system.event_log import LEVELS
from vreid_bench.system.progress import silence

FOLDER = "vreid_bench.folder"  # key in click's `meta`: the folder that a command writes
RUN = "vreid_bench.run"  # key in click's `meta`: of several runs, what the present one has of its own
FIGURES = ("pdf", "svg", "png")  # the ends of the files that figures go to
UNITS = {"": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30}
FILE = click.Path(path_type=Path)


def parse_bytes(context: click.Context, parameter: click.Parameter, text: str) -> int:
    """A number of bytes with an optional K, M or G."""
    number, unit = (text[:-1], text[-1].upper()) if text[-1:].upper() in UNITS else (text, "")
    if not re.fullmatch("[0-9]{1,18}", number):
        raise click.BadParameter(f"{text!r} is not a size; expected a number of bytes, for instance 500M or 2G")
    return int(number) * UNITS[unit]


def hide_bars(context: click.Context, parameter: click.Parameter, quiet: bool) -> bool:
    """Hide every bar of a command that is quiet, also those of plugins."""
    if quiet:
        context.with_resource(silence())
    return quiet


AS_JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON instead of text.")
RUNS = click.option("--runs", type=FILE, default=Path("runs"), show_default=True, help="The folder of all runs.")
DEVICE = click.option("--device", default="auto", show_default=True, help="auto, cpu, cuda, cuda:1, ...")
ARITHMETIC = click.option(
    "--arithmetic",
    type=click.Choice(ARITHMETICS),
    envvar="VREID_ARITHMETIC",
    help="portable: the same bits on every x86-64 processor with AVX2, on one thread; native: those of this machine. "
    "Default: that of RUN, else portable for preset small, and native for preset paper, a GPU or several threads.",
)
THREADS = click.option("--threads", type=click.IntRange(1), help="Processor threads; default: all cores.")
CHECKPOINT_EVERY = click.option(
    "--checkpoint-every", type=click.FloatRange(0), default=5.0, show_default=True, help="Seconds between checkpoints."
)
QUIET = click.option(
    "-q", "--quiet", is_flag=True, callback=hide_bars, help="No progress bars, and no other lines on the way."
)
ONLY_BARS = click.option(  # for a command whose only words on the way are bars
    "-q", "--quiet", is_flag=True, callback=hide_bars, expose_value=False, help="No progress bars."
)
LOG_LEVEL = click.option(
    "--log-level",
    type=click.Choice(LEVELS),
    default="info",
    show_default=True,
    help="What run.log in the folder keeps.",
)
TRACKERS = click.option(
    "--tracker",
    "trackers",
    multiple=True,
    metavar="NAME",
    help="Also log the run with this tracker, for instance tensorboard; may be repeated. `list trackers` shows all.",
)
RERANK = click.option("--rerank", metavar="NAME", help="Re-rank, for instance with zhong or zhong:k1=50,k2=15.")
MEMORY = click.option(
    "--memory", callback=parse_bytes, default="64M", show_default=True, help="For re-ranking, besides its result."
)
ACCEPT_WITHDRAWN = click.option(
    "--accept-withdrawn",
    multiple=True,
    metavar="DATASET",
    help="Read real data of this dataset although it was withdrawn; may be repeated.",
)


def takes_inputs(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command what `scoring.inputs.Inputs` holds: files by themselves, or one of each side."""
    options = (
        click.argument("files", nargs=-1, type=FILE, metavar="[FILE]..."),
        click.option("--query", type=FILE, help="embedding, pid, camid of the queries: .npz or another form."),
        click.option("--gallery", type=FILE, help="The same of the gallery, in ranking order."),
        QUIET,
    )
    for option in reversed(options):
        command = option(command)
    return command


LEADERBOARD = Path("leaderboard")
LEADERBOARD_DIR = click.option(
    "--dir", "folder", type=FILE, help=f"The folder of records and pages; default: {LEADERBOARD}."
)  # before a command of `leaderboard` or after it


class LeaderboardOptions(NamedTuple):
    """Options of `leaderboard` that stand before one of its commands."""

    folder: Path | None
    as_json: bool
