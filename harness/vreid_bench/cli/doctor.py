"""The command `doctor`: shows the environment of a run."""

from __future__ import annotations

import json

import click

from vreid_bench.cli.options import AS_JSON
from vreid_bench.system.terminal import echo


@click.command()
@click.option(
    "--canary",
    type=click.Choice(["none", "one", "all"]),
    default="one",
    show_default=True,
    help="How many trainings of a few steps to repeat.",
)
@AS_JSON
def doctor(canary: str, as_json: bool) -> None:
    """Show the environment of a run, and what to repair.

    Versions, device, threads, kernels, plugins and folders, and whether a training of a few steps ends in the same
    weights here as elsewhere (--arithmetic portable). The exit code is 1 if a plugin cannot be used.

    \b
        vreid-bench doctor
    """
    from tabulate import tabulate

    from vreid_bench.reporting.doctor import ERROR, examine

    found = examine(canary)
    echo(json.dumps(found) if as_json else tabulate(found.items(), tablefmt="plain", maxcolwidths=[None, 90]))
    if any(finding.startswith(ERROR) for finding in found.values()):
        click.get_current_context().exit(1)
