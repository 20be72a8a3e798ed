"""The option `--sweep`: one run for each of several values of a setting."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import product

from vreid_bench.registry.assigned_values import Swept, split_values
from vreid_bench.system.errors import InputError

RANGE = re.compile(r"(\d{1,6})-(\d{1,6})")


def list_assignments(sweeps: Sequence[str]) -> list[tuple[Swept, ...]]:
    """The assignments `NAME=VALUE` of each run: one of every sweep, in all combinations; the last changes fastest.

    Without sweeps, that is one run without assignments. Raises InputError for a sweep that cannot be read.
    """
    return list(product(*map(parse_sweep, sweeps)))


def parse_sweep(sweep: str) -> list[Swept]:
    """`NAME=VALUES` as a list of `NAME=VALUE`; the values are a range of whole numbers, `0-7`, or stand between commas.

    A comma in brackets, braces or quotes is a part of a value. Raises InputError that says what was expected.
    """
    name, equals, text = (each.strip() for each in sweep.partition("="))
    if whole := RANGE.fullmatch(text):
        values = [str(number) for number in range(int(whole[1]), int(whole[2]) + 1)]
    else:
        values = split_values(text)
    if not (name and equals and all(values)):
        raise InputError(
            f"--sweep {sweep}: expected a setting and its values, as in test.clips=1,4,8 or stages.0.P=4-8"
        )
    return [Swept(f"{name}={value}") for value in dict.fromkeys(values)]
