"""The file names of MARS's frames, such as 0001C1T0002F003.jpg: parsing the lists that hold them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt

from vreid_bench import JUNK
from vreid_plugins.datasets.name_lists import Flags, Integers, number, read_names

CAMERAS = 6
EXAMPLE = "0001C1T0001F001.jpg (person, camera 1 to 6, track, frame)"
ORIGIN = (
    "copy it again from where MARS is published (info: repository liangzheng06/MARS-evaluation; "
    "bbox_train and bbox_test: the image archives)"
)


def parse_names(letters: npt.NDArray[np.uint8]) -> tuple[Integers, Flags]:
    """Fields [N, 4] of equally long names `letters` [N, L] such as 0001C1T0002F003.jpg, and which fit."""
    digits = letters - np.uint8(ord("0"))  # [N, L]; any other letter wraps round to above 9
    numeric = digits <= 9
    junk = (letters[:, :4] == np.frombuffer(b"00-1", np.uint8)).all(1)
    good = (letters[:, [4, 6, 11]] == np.frombuffer(b"CTF", np.uint8)).all(1)
    good &= (letters[:, -4:] == np.frombuffer(b".jpg", np.uint8)).all(1)
    good &= (junk | numeric[:, :4].all(1)) & numeric[:, 7:11].all(1) & numeric[:, 12:-4].all(1)
    good &= (digits[:, 5] >= 1) & (digits[:, 5] <= CAMERAS)
    pid = np.where(junk, JUNK, number(digits[:, :4]))
    fields = (pid, digits[:, 5].astype(np.int64), number(digits[:, 7:11]), number(digits[:, 12:-4]))
    return np.stack(fields, axis=1), good


def list_names(path: Path) -> tuple[list[str], Integers, Flags]:
    """The names in a list, their fields [N, 4] (pid, camera, track, frame) and whether they fit the pattern."""
    return read_names(path, range(19, 26), 4, parse_names)  # frame numbers have 3 to 9 digits


def name_keys(fields: Integers) -> Integers:
    """A number [N] for each name of fields [N, 4], equal where the frames are."""
    pid, camera, track, frame = fields.T
    return np.asarray(((pid + 1) * 10 + camera) * 10**13 + track * 10**9 + frame)
