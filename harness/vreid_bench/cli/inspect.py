"""The command `inspect`: the figures of papers, drawn from a run, and the numbers behind them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from vreid_bench.cli.arithmetic import take_arithmetic
from vreid_bench.cli.options import ARITHMETIC, DEVICE, FIGURES, FILE, QUIET, RUNS, THREADS
from vreid_bench.evaluation.inspections import INSPECTIONS
from vreid_bench.system.errors import InputError
from vreid_bench.system.terminal import echo

LIST = "list"


@click.command()
@click.argument("run", type=FILE)
@click.option("--what", required=True, type=click.Choice([*INSPECTIONS, LIST]), metavar="NAME", help="`list`: names.")
@click.option("--query", multiple=True, metavar="N", help="A test tracklet: row or name; may be repeated.")
@click.option("--gallery", metavar="N", help="The other test tracklet of a pair: row or name.")
@click.option(
    "--out",
    type=click.Path(path_type=Path, dir_okay=False),
    help="The file to write: .npz for arrays, .svg, .pdf or .png for the figure; only `list` needs none.",
)
@click.option("--split", type=click.IntRange(0), help="The split of the protocol; default: the first that ran.")
@click.option("--layer", "layers", multiple=True, help="A layer of `responses`; may be repeated. Default: all.")
@click.option(
    "--images/--no-images", default=None, help="Frames in a figure. Default: those of rendered people, no real ones."
)
@click.option("--protocol", help="Take the tracklets of this protocol; default: the run's own.")
@click.option("--data", type=FILE, help="The data; default: the run's own.")
@RUNS
@DEVICE
@THREADS
@ARITHMETIC
@QUIET
def inspect(what: str, out: Path | None, **options: Any) -> None:
    """Draw a figure of RUN, or write the numbers behind it.

    The end of the name of the file says which. The numbers are weights, maps and embeddings of tracklets,
    importances of pairs of clips, and curves.

    What a run has depends on its method; `--what list` shows it.

    \b
        vreid-bench inspect runs/mars@synthetic-tacan-small-seed0-1a2b3c4d --what list
        vreid-bench inspect RUN --what clip-weights --query 12 --out weights.npz
        vreid-bench inspect RUN --what clip-weights --query 12 --out weights.pdf
        vreid-bench inspect RUN --what pairs --query 12 --gallery 40 --out pairs.npz
    """
    take_arithmetic(options.pop("arithmetic"), options["run"], options)
    from vreid_bench.evaluation.inspection import InspectionRequest, inspect_run, list_inspections
    from vreid_bench.records.npz import to_npz
    from vreid_bench.system.files import write_atomic

    form = "" if out is None else out.suffix.lstrip(".").lower()
    request = InspectionRequest(what=what, figure=form in FIGURES, **options)
    if what == LIST:
        names = list_inspections(request)
        width = max([16, *map(len, names)]) + 2
        for name in names:
            echo(f"{name:<{width}}{INSPECTIONS[name].summary}")
        return
    if out is None:
        raise InputError(f"--out is missing: name the .npz file to write, as in --out {what}.npz")
    if form not in ("npz", *FIGURES):
        raise InputError(f"--out {out}: expected a file that ends in .npz, .{', .'.join(FIGURES)}")
    if request.images is not None and not INSPECTIONS[what].beside:
        raise InputError(f"--what {what}: its figure shows no frames beside it; leave --images and --no-images out")
    if request.images is not None and not request.figure:
        raise InputError(f"--out {out}: --images and --no-images are of figures; name a file in .{', .'.join(FIGURES)}")
    arrays = inspect_run(request)
    if request.figure:
        from vreid_bench.reporting.inspection_figures import draw_inspection
        from vreid_bench.reporting.page.svg import save_figure

        write_atomic(out, save_figure(draw_inspection(what, arrays), form))
        echo(out)
        return
    write_atomic(out, to_npz(arrays))
    width = max([22, *map(len, arrays)]) + 2
    for name, array in arrays.items():
        kind = "str" if array.dtype.kind == "U" else array.dtype.name  # without the length of the longest text
        echo(f"{name:<{width}}{list(array.shape)!s:<24}{kind}")
