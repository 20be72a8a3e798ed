"""The file names of MARS's frames, such as 0001C1T0002F003.jpg: parsing and checking the lists that hold them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt

from vreid_bench import JUNK
from vreid_plugins.datasets.fault_report import Report, is_leftover, one_of

Integers = npt.NDArray[np.int64]

CAMERAS = 6
ORIGIN = (
    "copy it again from where MARS is published (info: repository liangzheng06/MARS-evaluation; "
    "bbox_train and bbox_test: the image archives)"
)


def read_names(path: Path) -> tuple[list[str], Integers, npt.NDArray[np.bool_]]:
    """The names in a list, their fields [N, 4] (pid, camera, track, frame) and whether they fit the pattern.

    Windows line endings, a byte order mark and blank lines at the end do not matter.
    """
    data = path.read_bytes().removeprefix(b"\xef\xbb\xbf").replace(b"\r\n", b"\n").rstrip()
    if not data:
        return [], np.zeros((0, 4), np.int64), np.zeros(0, bool)
    text = np.frombuffer(data + b"\n", np.uint8)
    ends = np.flatnonzero(text == ord("\n"))
    starts = np.concatenate([[0], ends[:-1] + 1])
    fields, good = np.zeros((len(ends), 4), np.int64), np.zeros(len(ends), bool)
    for length in range(19, 26):  # frame numbers have 3 to 9 digits
        chosen = np.flatnonzero(ends - starts == length)
        letters = text[starts[chosen, None] + np.arange(length)]  # [chosen, length]
        fields[chosen], good[chosen] = parse_names(letters)
    # latin-1 decodes every byte, so that a message can show a foreign name
    return data.decode("latin-1").split("\n"), fields, good


def parse_names(letters: npt.NDArray[np.uint8]) -> tuple[Integers, npt.NDArray[np.bool_]]:
    """Fields [N, 4] of equally long names `letters` [N, L] such as 0001C1T0002F003.jpg, and which fit."""
    digits = letters - np.uint8(ord("0"))  # [N, L]; any other letter wraps round to above 9
    numeric = digits <= 9
    junk = (letters[:, :4] == np.frombuffer(b"00-1", np.uint8)).all(1)
    good = (letters[:, [4, 6, 11]] == np.frombuffer(b"CTF", np.uint8)).all(1)
    good &= (letters[:, -4:] == np.frombuffer(b".jpg", np.uint8)).all(1)
    good &= (junk | numeric[:, :4].all(1)) & numeric[:, 7:11].all(1) & numeric[:, 12:-4].all(1)
    good &= (digits[:, 5] >= 1) & (digits[:, 5] <= CAMERAS)
    pid = np.where(junk, JUNK, _number(digits[:, :4]))
    fields = (pid, digits[:, 5].astype(np.int64), _number(digits[:, 7:11]), _number(digits[:, 12:-4]))
    return np.stack(fields, axis=1), good


def _number(digits: npt.NDArray[np.uint8]) -> Integers:
    """Decimal numbers [N] of digits [N, D]."""
    return digits.astype(np.int64) @ 10 ** np.arange(digits.shape[1])[::-1]


def check_names(path: Path, names: list[str], good: npt.NDArray[np.bool_], report: Report) -> bool:
    """Check that every line holds a frame name of MARS."""
    if not names:
        report(f"{path} is empty, expected one frame name per line; {ORIGIN}.")
        return False
    bad = np.flatnonzero(~good)
    if len(bad):
        name = names[bad[0]]
        what = ", a file that a file manager left behind" if is_leftover(name) else ""
        report(
            f"{path}, line {bad[0] + 1}: found {name!r}{what}{one_of(bad, 'lines')}, expected frame names such as "
            f"0001C1T0001F001.jpg (person, camera 1 to 6, track, frame); restore the published list."
        )
    return not len(bad)


def check_repeats(path: Path, names: list[str], fields: Integers, report: Report) -> None:
    """Check that no frame is listed twice."""
    pid, camera, track, frame = fields.T
    keys = ((pid + 1) * 10 + camera) * 10**13 + track * 10**9 + frame
    order = np.argsort(keys, kind="stable")
    again = np.sort(order[1:][np.diff(keys[order]) == 0])
    if len(again):
        line = again[0] + 1
        report(
            f"{path}, line {line}: {names[line - 1]} is already listed above{one_of(again, 'lines')}; delete one line."
        )
