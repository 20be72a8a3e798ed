"""Long lists of frame names, one a line, whose fields are digits at fixed places: read as a whole."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
import numpy.typing as npt

from vreid_plugins.datasets.fault_report import Report, is_leftover, one_of

Integers = npt.NDArray[np.int64]
Letters = npt.NDArray[np.uint8]
Flags = npt.NDArray[np.bool_]
Parse = Callable[[Letters], tuple[Integers, Flags]]
"""The fields [N, F] of equally long names `letters` [N, L], and which names fit the pattern [N]."""


def read_names(path: Path, lengths: Iterable[int], width: int, parse: Parse) -> tuple[list[str], Integers, Flags]:
    """The names in a list, their `width` fields [N, F] and whether they fit the pattern [N].

    `lengths` of names can fit. Windows line endings, a byte order mark and blank lines at the end do not matter.
    """
    data = path.read_bytes().removeprefix(b"\xef\xbb\xbf").replace(b"\r\n", b"\n").rstrip()
    if not data:
        return [], np.zeros((0, width), np.int64), np.zeros(0, bool)
    text = np.frombuffer(data + b"\n", np.uint8)
    ends = np.flatnonzero(text == ord("\n"))
    starts = np.concatenate([[0], ends[:-1] + 1])
    fields, good = np.zeros((len(ends), width), np.int64), np.zeros(len(ends), bool)
    for length in lengths:
        chosen = np.flatnonzero(ends - starts == length)
        letters = text[starts[chosen, None] + np.arange(length)]  # [chosen, length]
        fields[chosen], good[chosen] = parse(letters)
    # latin-1 decodes every byte, so that a message can show a foreign name
    return data.decode("latin-1").split("\n"), fields, good


def number(digits: Letters) -> Integers:
    """Decimal numbers [N] of digits [N, D]."""
    return digits.astype(np.int64) @ 10 ** np.arange(digits.shape[1])[::-1]


def check_names(path: Path, names: list[str], good: Flags, example: str, origin: str, report: Report) -> bool:
    """Check that every line holds a frame name such as `example`; `origin`: where to get the list again."""
    if not names:
        report(f"{path} is empty, expected one frame name per line; {origin}.")
        return False
    bad = np.flatnonzero(~good)
    if len(bad):
        name = names[bad[0]]
        what = ", a file that a file manager left behind" if is_leftover(name) else ""
        report(
            f"{path}, line {bad[0] + 1}: found {name!r}{what}{one_of(bad, 'lines')}, expected frame names such as "
            f"{example}; restore the published list."
        )
    return not len(bad)


def check_repeats(path: Path, names: list[str], keys: Integers, report: Report) -> None:
    """Check that no frame is listed twice; `keys` [N] are equal where frames are."""
    order = np.argsort(keys, kind="stable")
    again = np.sort(order[1:][np.diff(keys[order]) == 0])
    if len(again):
        line = again[0] + 1
        report(
            f"{path}, line {line}: {names[line - 1]} is already listed above{one_of(again, 'lines')}; delete one line."
        )
