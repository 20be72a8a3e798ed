"""Whole numbers as text: what `--splits` and `--seeds` take, and the splits as tables print them."""

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
    numbers = parse_numbers("--splits", text)
    if numbers[-1] >= total:
        known = f"splits 0 to {total - 1}" if total > 1 else "split 0 only"
        raise InputError(f"--splits {text!r}: there is no split {numbers[-1]}; this protocol has {known}")
    return numbers


def parse_numbers(option: str, text: str) -> tuple[int, ...]:
    """The numbers of a text such as `0-2,7`, ascending, each once. Raises InputError, naming `option`, for another."""
    numbers: set[int] = set()
    for piece in text.split(","):
        match = re.fullmatch(r"\s*(\d{1,6})(?:\s*-\s*(\d{1,6}))?\s*", piece)
        first, last = (int(match[1]), int(match[2] or match[1])) if match else (1, 0)
        if first > last:
            raise InputError(
                f"{option} {text!r}: {piece.strip()!r} is not a number or a range; expected numbers and ranges from 0 "
                "on, such as 0-2,7"
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
