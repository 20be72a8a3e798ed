"""The command `visibility`: compares the weights of frames and clips with what can be seen in them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from vreid_bench.cli.arithmetic import take_arithmetic
from vreid_bench.cli.options import ARITHMETIC, AS_JSON, DEVICE, FILE, QUIET, RUNS, THREADS
from vreid_bench.system.terminal import echo


@click.command()
@click.argument("run", type=FILE)
@click.option("--protocol", help="Test the weights under this protocol; default: the run's own.")
@click.option("--data", type=FILE, help="The rendered data; default: the run's own.")
@RUNS
@DEVICE
@THREADS
@ARITHMETIC
@QUIET
@AS_JSON
def visibility(run: Path, as_json: bool, **options: Any) -> None:
    """Show whether RUN weighs frames by what is visible in them.

    The weights of frames and clips are compared with how much of the person is visible, on rendered data. Prints
    Spearman's rank correlation within a clip or a tracklet, averaged, with its interval over people.

    \b
        vreid-bench visibility runs/mars@synthetic-tacan-small-seed0-1a2b3c4d
        vreid-bench visibility runs/mars@synthetic-clip-learned-small-seed0-5e6f7a8b --protocol mars-corruption
    """
    take_arithmetic(options.pop("arithmetic"), run, options)
    from vreid_bench.evaluation.agreement import as_json as listed
    from vreid_bench.evaluation.agreement import render
    from vreid_bench.evaluation.visibility import measure_visibility

    found = measure_visibility(run, **options)
    echo(json.dumps({"agreement": listed(found)}) if as_json else render(found))
