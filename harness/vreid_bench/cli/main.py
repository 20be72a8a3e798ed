"""The command line: each command says what to do and leaves the doing to the module it names.

Here is what a run needs and does; the commands on results are in `cli_results`.
"""

from __future__ import annotations

import json
import sys
from typing import Any

import click

from vreid_bench.cli.compare import compare
from vreid_bench.cli.conventions import conventions
from vreid_bench.cli.data import data
from vreid_bench.cli.leaderboard import leaderboard
from vreid_bench.cli.options import ACCEPT_WITHDRAWN, AS_JSON, DEVICE, FILE, MEMORY, QUIET, RERANK, RUNS, THREADS
from vreid_bench.cli.results import score, visibility
from vreid_bench.system.errors import InputError, RunError


class Group(click.Group):
    """A group whose commands tell the user's mistakes in a sentence: exit code 2, other failures 1."""

    def invoke(self, context: click.Context) -> Any:
        try:
            return super().invoke(context)
        except InputError as fault:
            click.echo(f"error: {fault}", err=True)
            context.exit(2)
        except RunError as fault:
            click.echo(f"failed: {fault}", err=True)
            context.exit(1)
        except OSError as fault:
            click.echo(f"failed: {fault.filename or 'file system'}: {fault.strerror or fault}", err=True)
            context.exit(1)


@click.group(cls=Group, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="vreid-bench")
def main() -> None:
    """Benchmark video person re-identification.

    \b
    Train a method, run a standard protocol, read its row:
        vreid-bench run --plugin personvlad --protocol mars
    With your copy of the data, in its published layout:
        vreid-bench run --plugin personvlad --protocol mars --data /data/mars
    """


@main.command()
@click.option("--plugin", "name", help="A method, or a part that takes its place in the baseline recipe.")
@click.option("--protocol", default="mars", show_default=True, help="What is trained on and queried; A-to-B transfers.")
@click.option(
    "--data",
    type=FILE,
    help="Your copy of the dataset, or a folder with one of each name; default VREID_DATA, else the synthetic twin.",
)
@click.option("--preset", type=click.Choice(["paper", "small"]), help="Default: small on a twin, paper otherwise.")
@click.option("--seed", type=click.IntRange(0, 2**53), help="Decides every random draw; default 0.")
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
    help="Evaluate the weights of this run, without training.",
)
@click.option(
    "--weights",
    metavar="encoder=FILE",
    help="Begin training from published weights that you have: .safetensors, or a PyTorch file of tensors alone.",
)
@click.option(
    "--splits", metavar="NUMBERS", help="Some of the protocol's splits, for instance 0-2,7; default: all of them."
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
    """Train (or load) a method, run a protocol, write a record.

    \b
    The same command finds its run again: it goes on where it was interrupted, or shows the finished result.
        vreid-bench run --plugin mean-pooling --protocol mars --seed 1
        vreid-bench run --plugin mean-pooling --protocol mars --set margin=0.2
        vreid-bench run --from runs/mars-mean-pooling-small-seed1-1a2b3c4d --protocol mars --set test.clips=1

    Published weights go into the encoder by their published names; what fits, and what does not and why, is told. With
    timm installed, timm:NAME is an encoder for each of its models.

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
        click.echo(f"{directory.path} is complete: its result is shown again (delete it to run anew)", err=True)
    if as_json:
        parts = json.loads(directory.breakdown.read_text()) if directory.breakdown.exists() else {}
        click.echo(json.dumps({"run": str(directory.path), **record.metrics(), "breakdown": parts}))
    else:
        click.echo(render([record]))
        click.echo(f"record: {directory.record}")


for command in (score, compare, conventions, visibility, leaderboard, data):
    main.add_command(command)


@main.group()
def protocols() -> None:
    """What a protocol trains on, asks for and counts."""


@protocols.command()
@click.argument("name")
@AS_JSON
def show(name: str, as_json: bool) -> None:
    """Tell what protocol NAME does, in words and published counts.

    NAME may be any A-to-B: train under A, test under B, on another dataset; with -fine-tuned, go on with B's
    training part in between.

    \b
        vreid-bench protocols show mars-corruption
        vreid-bench protocols show ls-vid-to-duke-video
    """
    from vreid_bench.planning.protocols import find_protocol
    from vreid_bench.registry.registry import Registry
    from vreid_bench.reporting.protocols import describe_protocol

    protocol = find_protocol(Registry.installed().values("protocols"), name)
    rules = {"fingerprint": protocol.fingerprint, "rules": protocol.rules, "counts": dict(protocol.counts)}
    prose = {"name": protocol.name, "summary": protocol.summary, "source": protocol.source}
    click.echo(json.dumps(prose | rules) if as_json else describe_protocol(protocol))


@protocols.command()
def table() -> None:
    """Print all installed protocols as a Markdown table, as docs/protocols.md has it."""
    from vreid_bench.registry.registry import Registry
    from vreid_bench.reporting.protocols import protocols_table

    click.echo(protocols_table(Registry.installed().values("protocols").values()))


@main.command("list")
@click.argument("kind", required=False)
@AS_JSON
def list_(kind: str | None, as_json: bool) -> None:
    """Show what plugins provide: every KIND, or one of them.

    \b
        vreid-bench list
        vreid-bench list methods --json
    """
    from tabulate import tabulate

    from vreid_bench.registry.registry import KINDS, Registry, suggestion

    kind = next((k for k, one in KINDS.items() if kind in (k, one)), kind)
    if kind is not None and kind not in KINDS:
        raise InputError(f"no kind is named {kind!r}{suggestion(kind, KINDS)}; kinds: {', '.join(KINDS)}")
    rows = [entry.described() for entry in Registry.installed().entries(kind)]
    click.echo(json.dumps(rows) if as_json else tabulate(rows, headers="keys", maxcolwidths=[None, None, 60]))


@main.command()
@AS_JSON
def doctor(as_json: bool) -> None:
    """Show what a run would run on: versions, device, threads, kernels, plugins, folders; and what to mend.

    \b
        vreid-bench doctor
    """
    from tabulate import tabulate

    from vreid_bench.reporting.doctor import examine

    found = examine()
    click.echo(json.dumps(found) if as_json else tabulate(found.items(), tablefmt="plain", maxcolwidths=[None, 90]))


if __name__ == "__main__":
    sys.exit(main())
