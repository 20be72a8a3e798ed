"""The command `doctor`: shows the environment of a run."""

from __future__ import annotations

import json

import click

from vreid_bench.cli.options import AS_JSON


@click.command()
@AS_JSON
def doctor(as_json: bool) -> None:
    """Show the environment of a run, and what to repair.

    Versions, device, threads, kernels, plugins and folders. The exit code is 1 if a plugin cannot be used.

    \b
        vreid-bench doctor
    """
    from tabulate import tabulate

    from vreid_bench.reporting.doctor import ERROR, examine

    found = examine()
    click.echo(json.dumps(found) if as_json else tabulate(found.items(), tablefmt="plain", maxcolwidths=[None, 90]))
    if any(finding.startswith(ERROR) for finding in found.values()):
        click.get_current_context().exit(1)
