"""The commands on methods: show all that can be changed in one."""

from __future__ import annotations

import json

import click

from vreid_bench.cli.options import AS_JSON
from vreid_bench.cli.plugin_file import take_plugin
from vreid_bench.system.terminal import echo


@click.group()
def methods() -> None:
    """Show what a method consists of and what can be set."""


@methods.command()
@click.argument("name")
@click.option("--preset", type=click.Choice(["paper", "small"]), default="paper", show_default=True)
@click.option("--set", "assignments", multiple=True, metavar="NAME=VALUE", help="As `run` takes it; may be repeated.")
@AS_JSON
def show(name: str, preset: str, assignments: tuple[str, ...], as_json: bool) -> None:
    """Show the parts, settings and reported numbers of method NAME.

    NAME may be a part, too: then the recipe is the one that `run --plugin` takes, the baseline with this part in it.
    FILE.py, or FILE.py:NAME, is what a file provides.

    Every setting has its value and its meaning. The meaning is the first sentence of what the code says of a
    setting; --json has all of it. What is shown can be changed with `run --set`: a setting, or a part, which is
    replaced by another with its default options.

    \b
        vreid-bench methods show tacan --preset small
        vreid-bench methods show max --set size=128x64
        vreid-bench methods show my_aggregator.py
        vreid-bench run --plugin tacan --set aggregator.dim=512
        vreid-bench run --plugin mean-pooling --set aggregator=max --set stages.0.augment=[] --set size=128x64
    """
    from vreid_bench.planning.method import RUNNABLE
    from vreid_bench.registry.registry import Registry
    from vreid_bench.reporting.methods import render_method, show_method, to_plain
    from vreid_bench.reporting.terminal_tables import terminal_width

    name = take_plugin(name, RUNNABLE)
    shown = show_method(Registry.installed(), name, "small" if preset == "small" else "paper", assignments)
    echo(json.dumps(to_plain(shown)) if as_json else render_method(shown, terminal_width()))
