"""`vreid-bench conventions`: how much each rule of scoring changes the scores of a run."""

from __future__ import annotations

import json
from pathlib import Path

import click

from vreid_bench.cli.options import AS_JSON, FILE, RUNS
from vreid_bench.system.errors import InputError
from vreid_bench.system.terminal import echo


@click.group()
def conventions() -> None:
    """Show the rules of scoring, and what they change."""


@conventions.command()
@click.argument("run", type=FILE)
@RUNS
@AS_JSON
def diff(run: Path, runs: Path, as_json: bool) -> None:
    """Show what each single rule changes in mAP and R1 of RUN.

    RUN is the folder or the id of a finished run.

    \b
        vreid-bench conventions diff runs/mars@synthetic-personvlad-small-seed0-1a2b3c4d
    """
    from vreid_bench.records.named_run import find_run
    from vreid_bench.scoring.rule_effects import measure_rule_effects, render

    found = measure_rule_effects(find_run(run, runs))
    echo(json.dumps(found) if as_json else render(found))


@conventions.command()
@click.argument("convention")
@click.option("--toml", "as_toml", is_flag=True, help="Print it as the file that `score --convention FILE` takes.")
@AS_JSON
def show(convention: str, as_toml: bool, as_json: bool) -> None:
    """Show every rule of CONVENTION.

    CONVENTION is a name (`vreid-bench list conventions` shows all) or a TOML file with the same rules, for
    `vreid-bench score --convention`:

    \b
        average_precision = "step"
        unmatched = "skip"
        match = [["outfit", "other"]]
        gallery = [["platform", ["ground", "wearable"]]]

    \b
        vreid-bench conventions show clothes-changing
        vreid-bench conventions show night.toml
        vreid-bench conventions show torchreid --toml > mine.toml
    """
    from vreid_bench.registry.registry import Registry
    from vreid_bench.reporting.convention import describe_convention
    from vreid_bench.scoring.conventions import choose_conventions, to_toml

    [found] = choose_conventions([convention], Registry.installed)
    if as_toml and as_json:
        raise InputError("--toml and --json: give one of the two")
    echo(json.dumps(found.rules) if as_json else to_toml(found).rstrip() if as_toml else describe_convention(found))
