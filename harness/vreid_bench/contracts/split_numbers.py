"""Some of a protocol's splits, as text: what `--splits` takes and what tables print."""

from __future__ import annotations

import re
from collections.abc import Sequence

from vreid_bench.system.errors import InputError


def parse_splits(text: str | None, total: int) -> tuple[int, ...]:
    """The split numbers of a text such as `0-2,7`, ascending, each once; None means all of the `total` splits.

    Splits are counted from 0. Raises InputError for any other text, and for a split that the protocol does not have.
    """
    if text is None:
        return tuple(range(total))
    numbers: set[int] = set()
    for piece in text.split(","):
        match = re.fullmatch(r"\s*(\d{1,6})(?:\s*-\s*(\d{1,6}))?\s*", piece)
        if not match:
            raise InputError(f"--splits {text!r}: expected numbers and ranges such as 0-2,7; splits are counted from 0")
        first, last = int(match[1]), int(match[2] or match[1])
        if first > last or last >= total:
            known = f"splits 0 to {total - 1}" if total > 1 else "split 0 only"
            raise InputError(
                f"--splits {text!r}: {piece.strip()} is not a range of its splits; this protocol has {known}"
            )
        numbers.update(range(first, last + 1))
    return tuple(sorted(numbers))


def format_splits(numbers: Sequence[int]) -> str:
    """Ascending split numbers as a short text: 0, 1, 2, 7 become `0-2,7`."""
    runs: list[list[int]] = []
    for number in numbers:
        if runs and number == runs[-1][-1] + 1:
            runs[-1] = [runs[-1][0], number]
        else:
            runs.append([number])
    return ",".join("-".join(map(str, run)) for run in runs)
