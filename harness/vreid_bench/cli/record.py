"""`vreid-bench record`: is a record what its run measured? Its schema, and its scores for other programs."""

from __future__ import annotations

from pathlib import Path

import click

from vreid_bench.cli.options import FILE, RUNS
from vreid_bench.system.errors import InputError
from vreid_bench.system.terminal import echo

FORMATS = ("every-eval-ever", "huggingface", "csv")


@click.group()
def record() -> None:
    """Check the records of runs, describe them, export them."""


@record.command()
@click.argument("sources", nargs=-1, required=True, type=FILE, metavar="RUN...")
@RUNS
def check(sources: tuple[Path, ...], runs: Path) -> None:
    """Check that the scores of records follow from each other.

    RUN is the folder or the id of a run, or a record. A record holds each score several times: as such, by split, as a
    curve, as sums over the queries of each person, and by camera pair. In the folder of a run, the scores of every
    query are compared, too. Runs that are not finished are skipped with a note. A fault is one sentence, and the exit
    code is 2.

    \b
        vreid-bench record check runs/*
        vreid-bench record check submitted.json
    """
    from vreid_bench.records.named_run import locate_run
    from vreid_bench.reporting.record_check import check_record
    from vreid_bench.reporting.record_folder import describe_skipped, is_unfinished_run

    faults = []
    for named in sources:
        try:
            source = locate_run(named, runs)
            if is_unfinished_run(source):
                echo(describe_skipped(source), err=True)
                continue
            echo(f"{source}: {check_record(source)}")
        except InputError as fault:
            faults.append(str(fault))
    if faults:
        raise InputError("\n".join(faults))


@record.command()
@click.argument("sources", nargs=-1, required=True, type=FILE, metavar="RUN...")
@click.option("--to", "form", type=click.Choice(FORMATS), required=True, help="The format.")
@click.option("-o", "--out", type=FILE, help="The file to write; of every-eval-ever, the folder. Default: print.")
@RUNS
def export(sources: tuple[Path, ...], form: str, out: Path | None, runs: Path) -> None:
    """Write the scores of records for another program.

    RUN is the folder or the id of a run, or a record. Scores stay fractions, and each has its convention, its condition
    and its 95 % interval.

    \b
    every-eval-ever  a JSON file for each record, by schema 0.3.0 of Every Eval Ever
    huggingface      the metadata `model-index` that a model card begins with
    csv              a line for each record, convention, condition and metric

    \b
        vreid-bench record export runs/* --to csv --out scores.csv
        vreid-bench record export runs/* --to every-eval-ever --out store
    """
    from vreid_bench.records.named_run import locate_run
    from vreid_bench.reporting.export.write import render_records, write_records
    from vreid_bench.reporting.record_check import read_record

    records = [read_record(locate_run(source, runs)) for source in sources]
    if out is None:
        echo(render_records(records, form), nl=False)
    else:
        echo("\n".join(map(str, write_records(records, form, out))))


@record.command()
def schema() -> None:
    """Print the JSON schema of a record.

    Any validator of JSON Schema 2020-12 tells by it whether a file has the fields of a record. `record check` also
    tells whether its scores follow from each other.

    \b
        vreid-bench record schema > record.schema.json
    """
    from vreid_bench.records.schema import render_schema

    echo(render_schema(), nl=False)
