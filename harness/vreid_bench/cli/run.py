"""The command `run`: train or load a method, run a protocol, write a record."""

from __future__ import annotations

import json
from typing import Any

import click

from vreid_bench.cli.options import ACCEPT_WITHDRAWN, AS_JSON, DEVICE, FILE, MEMORY, QUIET, RERANK, RUNS, THREADS


@click.command()
@click.option("--plugin", "name", help="A method, or a part that replaces one of the baseline recipe.")
@click.option("--protocol", default="mars", show_default=True, help="What to train on and to query; A-to-B transfers.")
@click.option(
    "--data",
    type=FILE,
    help="Your copy of the dataset, or a folder with a copy of each; default: VREID_DATA, else the synthetic twin.",
)
@click.option("--preset", type=click.Choice(["paper", "small"]), help="Default: small on a twin, else paper.")
@click.option("--seed", type=click.IntRange(0, 2**53), help="Decides every random draw; default: 0.")
@click.option(
    "--set",
    "assignments",
    multiple=True,
    metavar="NAME=VALUE",
    help="Change one setting of the recipe; may be repeated.",
)
@click.option(
    "--from",
    "source",
    type=FILE,
    metavar="RUN",
    help="Evaluate the weights of this run without training.",
)
@click.option(
    "--weights",
    metavar="encoder=FILE",
    help="Start training from these published weights: .safetensors, or a PyTorch file of tensors alone.",
)
@click.option(
    "--splits", metavar="NUMBERS", help="Run only these splits of the protocol, for instance 0-2,7; default: all."
)
@RUNS
@DEVICE
@THREADS
@click.option(
    "--checkpoint-every", type=click.FloatRange(0), default=5.0, show_default=True, help="Seconds between checkpoints."
)
@QUIET
@RERANK
@MEMORY
@ACCEPT_WITHDRAWN
@AS_JSON
def run(**options: Any) -> None:
    """Train or load a method, run a protocol, write a record.

    \b
    Repeat a command to continue an interrupted run, or to show a finished one.
        vreid-bench run --plugin mean-pooling --protocol mars --seed 1
        vreid-bench run --plugin mean-pooling --protocol mars --set margin=0.2
        vreid-bench run --from runs/mars@synthetic-mean-pooling-small-seed1-1a2b3c4d --protocol mars --set test.clips=1

    Published weights are matched with the encoder by their published names; a report shows what fits, and
    what does not and why. With timm installed, each of its models is an encoder, timm:NAME.

    \b
        vreid-bench run --plugin mean-pooling --protocol mars --data /data/mars --weights encoder=resnet50.pth
        vreid-bench run --plugin timm:resnet50 --protocol mars --data /data/mars --weights encoder=timm.safetensors
    """
    from vreid_bench.planning.plan import RunRequest
    from vreid_bench.reporting.terminal import render
    from vreid_bench.run import run as walk

    as_json = options.pop("as_json")
    directory, record, reused = walk(RunRequest(**options))
    if reused:
        click.echo(f"{directory.path} is complete: its result is shown again (to rerun, delete the folder)", err=True)
    if as_json:
        parts = json.loads(directory.breakdown.read_text()) if directory.breakdown.exists() else {}
        click.echo(json.dumps({"run": str(directory.path), **record.metrics(), "breakdown": parts}))
    else:
        click.echo(render([record]))
        click.echo(f"record: {directory.record}")
