"""The commands on protocols: describe one, or list all in a table."""

from __future__ import annotations

import json

import click

from vreid_bench.cli.options import AS_JSON
from vreid_bench.system.terminal import echo


@click.group()
def protocols() -> None:
    """Show what a protocol trains on, queries and counts."""


@protocols.command()
@click.argument("name")
@AS_JSON
def show(name: str, as_json: bool) -> None:
    """Show what protocol NAME does, in words and published counts.

    NAME may be A-to-B for two protocols on different datasets: train under A, test under B. A-to-B-fine-tuned also
    trains on B's training part before the test.

    \b
        vreid-bench protocols show mars-corruption
        vreid-bench protocols show ls-vid-to-duke-video
    """
    from vreid_bench.planning.protocols import find_conventions, find_protocol
    from vreid_bench.registry.registry import Registry
    from vreid_bench.reporting.protocols import describe_protocol

    registry = Registry.installed()
    protocol = find_protocol(registry.values("protocols"), name)
    find_conventions(protocol, registry)  # raises what a run would
    rules = {"fingerprint": protocol.fingerprint, "rules": protocol.rules, "counts": dict(protocol.counts)}
    prose = {"name": protocol.name, "summary": protocol.summary, "source": protocol.source}
    echo(json.dumps(prose | rules) if as_json else describe_protocol(protocol))


@protocols.command()
def table() -> None:
    """Print all protocols as the Markdown table of the docs."""
    from vreid_bench.registry.registry import Registry
    from vreid_bench.reporting.protocols import protocols_table

    echo(protocols_table(Registry.installed().values("protocols").values()))
