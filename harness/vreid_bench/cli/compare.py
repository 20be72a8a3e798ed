"""`vreid-bench compare`: two runs, or two groups of runs, on the same test set."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path

import click

from vreid_bench.cli.options import AS_JSON, FILE, RUNS
from vreid_bench.system.counting import count
from vreid_bench.system.errors import InputError
from vreid_bench.system.terminal import echo

WITH = "--with"


class GroupsCommand(click.Command):
    """A command whose option `--with` takes all values that follow it, as a shell pattern gives them."""

    def parse_args(self, context: click.Context, args: list[str]) -> list[str]:
        return super().parse_args(context, list(_repeat_with(args)))


def _repeat_with(words: Iterable[str]) -> Iterator[str]:
    """`--with B1 B2` as `--with B1 --with B2`: click gives an option one value each time."""
    inside = first = False
    for word in words:
        if word == WITH or word.startswith("-"):
            inside = first = word == WITH
        elif inside and not first:
            yield WITH
        else:
            first = False
        yield word


@click.command(cls=GroupsCommand)
@click.argument("group", nargs=-1, required=True, type=FILE, metavar="A... [B]")
@click.option(WITH, "others", multiple=True, type=FILE, metavar="B...", help="The runs of the second group.")
@RUNS
@AS_JSON
def compare(group: tuple[Path, ...], others: tuple[Path, ...], runs: Path, as_json: bool) -> None:
    """Compare two runs, or two groups of runs, person by person.

    Runs on the same test set are named by folder or id. Printed are the difference, its interval, and p.

    With several seeds of each method, the seeds stand before and after --with: each query's scores are averaged over
    the seeds of a group first. A seed that a group has twice with the same weights and scores counts once, with a note.

    The interval holds the differences that the test does not reject, so 0 lies in it exactly if the verdict calls
    neither better. `can show` is the smallest difference that this test set can show at 5 %.

    \b
        vreid-bench compare mars@synthetic-personvlad-small-seed0-1a2b3c4d mars@synthetic-gru-small-seed0-5e6f7a8b
        vreid-bench compare runs/mars@*-tacan-small-seed* --with runs/mars@*-ica-small-seed*
    """
    from vreid_bench.reporting.comparison import render_comparison
    from vreid_bench.scoring import comparison

    if not others:
        if len(group) != 2:
            raise InputError(
                f"compare got {count(len(group), 'run')}; expected two, or two groups of seeds: "
                f"compare A1 A2 {WITH} B1 B2"
            )
        group, others = group[:1], group[1:]
    (a, repeats), (b, more) = (comparison.choose_seeds(each, runs) for each in (group, others))
    compared = comparison.compare_groups(a, b, runs)
    for note in filter(None, [*repeats, *more, comparison.tell_arithmetic(a, b, runs)]):
        echo(note, err=True)
    tested = comparison.describe_test(a, b, runs)
    if as_json:
        echo(json.dumps({"test": tested, "conventions": comparison.to_plain(compared)}))
    else:
        echo(f"{tested}\n")
        for name, paths in (("A", a), ("B", b)):
            echo(f"{name}: {', '.join(map(str, paths))}")
        echo(f"\n{render_comparison(compared)}")
