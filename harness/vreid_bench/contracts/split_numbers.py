"""Some of a protocol's splits, as a command line asks for them and as a table tells them."""

from __future__ import annotations

import re
from collections.abc import Sequence

from vreid_bench.system.errors import InputError


def parse_numbers(text: str | None, total: int) -> tuple[int, ...]:
    """The numbers that `0-2,7` stands for, ascending, each once; None stands for all of the `total` splits.

    Splits are counted from 0. Raises InputError for other writing, and for a split that the protocol has not.
    """
    if text is None:
        return tuple(range(total))
    numbers: set[int] = set()
    for piece in text.split(","):
        match = re.fullmatch(r"\s*(\d{1,6})(?:\s*-\s*(\d{1,6}))?\s*", piece)
        if not match:
            raise InputError(f"--splits {text!r}: wanted numbers and ranges such as 0-2,7; splits are counted from 0")
        first, last = int(match[1]), int(match[2] or match[1])
        if first > last or last >= total:
            only = f"0 to {total - 1}" if total > 1 else "0 alone"
            raise InputError(f"--splits {text!r}: {piece.strip()} is no range of splits; this protocol has {only}")
        numbers.update(range(first, last + 1))
    return tuple(sorted(numbers))


def write_numbers(numbers: Sequence[int]) -> str:
    """Ascending numbers in the fewest words: 0, 1, 2, 7 are `0-2,7`."""
    runs: list[list[int]] = []
    for number in numbers:
        if runs and number == runs[-1][-1] + 1:
            runs[-1] = [runs[-1][0], number]
        else:
            runs.append([number])
    return ",".join("-".join(map(str, run)) for run in runs)
