"""The command `check`: the conformance checks of an installed part, reader, protocol or method."""

from __future__ import annotations

import json
from collections.abc import Collection
from typing import TYPE_CHECKING, Any

import click

from vreid_bench.cli.options import AS_JSON, FILE
from vreid_bench.cli.plugin_file import take_plugin
from vreid_bench.system.errors import InputError, UnknownName
from vreid_bench.system.terminal import echo

if TYPE_CHECKING:  # importing it takes seconds, which `--help` does not need
    from vreid_bench.registry.registry import Registry
    from vreid_bench.testing.check import Outcome

WORDS = {"passed": "ok", "failed": "FAILED", "skipped": "skipped"}


@click.command()
@click.argument("checked", metavar="NAME")
@click.option("--kind", help="Of NAME, where several kinds have it: aggregator, loss, dataset, ...")
@click.option("--method", help="Try the part as it is in this method at preset small.")
@click.option("--set", "options", multiple=True, metavar="OPTION=VALUE", help="An option of the part; may be repeated.")
@click.option("--data", type=FILE, help="A copy of the data set, for a data set or a protocol.")
@click.option("--decode", is_flag=True, help="Also decode every frame of --data.")
@AS_JSON
def check(  # each parameter is an option of the command
    checked: str,
    kind: str | None,
    method: str | None,
    options: tuple[str, ...],
    as_json: bool,
    **copy: Any,
) -> None:
    """Check that a plugin does what its kind must.

    NAME is what an installed plugin provides, a transfer A-to-B of two protocols, or FILE.py; FILE.py:NAME or --kind
    chooses one of several. A line tells each law and whether it holds; a failure says what was found, what was
    expected, and the line of code to change. The exit code is 1 if any fails.

    Without --method and --set, a part is tried as in the first method of its own package that has it, else with small
    parts beside it and its default options.

    \b
        vreid-bench check softmin
        vreid-bench check tacan --kind aggregator
        vreid-bench check triplet --set margin=0.5
        vreid-bench check my_loss.py
        vreid-bench check courtyard --kind dataset --data /data/yard --decode
    """
    from vreid_bench.planning.protocols import provide_transfer
    from vreid_bench.registry.entry import KINDS
    from vreid_bench.registry.registry import Registry
    from vreid_bench.testing.kit import LAWS, choose_method, list_checks

    name = take_plugin(checked, tuple(LAWS) if kind is None else (find_checked_kind(kind),), by_kind=True)
    if copy["decode"] and copy["data"] is None:
        raise InputError("--decode: reads the frames of a copy of a data set; name it with --data")
    registry = provide_transfer(Registry.installed(), name)
    chosen = find_kind(registry, name, kind)
    given = read_options(registry, chosen, name, options)
    beside = method or (None if given else choose_method(registry, chosen, name))
    checks = list_checks(KINDS[chosen], name, given, method=beside, registry=registry, **copy)
    checks[0].subject.check_request()
    outcomes: list[Outcome] = []
    if not as_json:
        where = f", as in method {beside} at preset small" if beside else ""
        echo(f"{registry.entry(chosen, name).title}{where}")
    for each in checks:
        told = {outcome.message for outcome in outcomes}
        outcomes.append(each.run())
        if not as_json:
            echo(render(outcomes[-1], told))
        if each.name == "builds" and outcomes[-1].state == "failed":
            break  # nothing else can be tried
    states = [outcome.state for outcome in outcomes]
    if as_json:
        echo(json.dumps([outcome._asdict() for outcome in outcomes]))
    else:
        echo(", ".join(f"{states.count(state)} {state}" for state in WORDS if state in states))
    if "failed" in states:
        raise click.exceptions.Exit(1)


def find_kind(registry: Registry, name: str, kind: str | None) -> str:
    """The kind of that name. Raises InputError if no plugin provides it, or if several kinds have it."""
    from vreid_bench.registry.entry import KINDS
    from vreid_bench.testing.kit import LAWS

    if kind is not None:
        chosen = find_checked_kind(kind)
        registry.entry(chosen, name)  # raises the error
        return chosen
    found = [each for each in LAWS if registry.find(each, name) is not None]
    if not found:
        known = [entry.name for each in LAWS for entry in registry.entries(each)]
        raise UnknownName("no plugin provides", name, known, "`vreid-bench list --long` shows all")
    if len(found) > 1:
        words = ", ".join(KINDS[each] for each in found)
        raise InputError(f"{name!r} is a name of several kinds: {words}; choose one, such as --kind {KINDS[found[0]]}")
    return found[0]


def find_checked_kind(text: str) -> str:
    """The kind that `--kind` names. Raises InputError for one that has no checks."""
    from vreid_bench.registry.entry import KINDS
    from vreid_bench.testing.kit import LAWS
    from vreid_bench.testing.subject import find_kind

    if (kind := find_kind(text)) not in LAWS:
        raise InputError(f"--kind {text}: has no checks; expected one of {', '.join(KINDS[each] for each in LAWS)}")
    return kind


def read_options(registry: Registry, kind: str, name: str, assignments: tuple[str, ...]) -> dict[str, Any]:
    """The options of a part that are given. Raises InputError for another kind, option or type."""
    from vreid_bench.registry.assignments import parse_options
    from vreid_bench.testing.kit import PARTS

    if not assignments:
        return {}
    if kind not in PARTS:
        raise InputError(f"--set: {registry.entry(kind, name).title} has no options; leave --set out")
    return parse_options(kind, name, assignments, registry)


def render(outcome: Outcome, told: Collection[str]) -> str:
    """The line of a check; below it, of one that failed or was skipped, why, unless that was `told` above."""
    lines = [f"{WORDS[outcome.state]:8} {outcome.seconds:6.2f} s  {outcome.name:18} {outcome.law}"]
    if outcome.message in told and outcome.message:
        return f"{lines[0]}\n{'':20}as above"
    lines += [f"{'':20}{outcome.message}"] if outcome.message else []
    lines += [f"{'':20}{'change' if outcome.state == 'failed' else 'see'} {outcome.place}"] if outcome.place else []
    return "\n".join(lines)
