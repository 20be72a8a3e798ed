"""The command `new-plugin`: begin a plugin from a package that works."""

from __future__ import annotations

from pathlib import Path

import click

from vreid_bench.cli.options import FILE
from vreid_bench.system.terminal import echo

KINDS = ("dataset", "encoder", "aggregator", "matcher", "loss", "augmentation", "protocol", "convention", "method")


@click.command("new-plugin")
@click.argument("title", metavar="NAME")
@click.option("--kind", "chosen", type=click.Choice(KINDS), required=True, help="What it provides.")
@click.option("--out", type=FILE, default=Path(), help="The folder to write it into; default: this one.")
def new_plugin(title: str, chosen: str, out: Path) -> None:
    """Begin a plugin: write the package vreid-NAME.

    It can be installed at once, works, and has a test with the checks of its kind. Nothing is written over.

    \b
        vreid-bench new-plugin soft-min --kind aggregator
        pip install -e vreid-soft-min
        vreid-bench check soft-min
        vreid-bench run --plugin soft-min --protocol mars
    """
    from vreid_bench.registry.registry import Registry
    from vreid_bench.testing.scaffold import write_package

    # the completion of names looks for installed ones under `name` and `kind`
    written = write_package(title, chosen, out, Registry.installed())
    echo("\n".join(map(str, written)))
    echo(f"\npip install -e {written[0].parent}\nvreid-bench check {title} --kind {chosen}")
