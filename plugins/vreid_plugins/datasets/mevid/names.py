"""The file names of MEVID's frames, such as 0201O003C330T004F00855.jpg: parsing the lists that hold them."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from vreid_plugins.datasets.name_lists import Flags, Integers, Letters, number, read_names

EXAMPLE = "0201O003C330T004F00000.jpg (person, outfit, camera, tracklet, frame)"
LENGTH = 26
STEM = 16  # letters of a name that all frames of a tracklet share
PERSON, OUTFIT, CAMERA, TRACK, FRAME = range(5)  # columns of the fields
PLACES = ((0, 4), (5, 8), (9, 12), (13, 16), (17, 22))  # of the fields in a name


def list_names(path: Path) -> tuple[list[str], Integers, Flags]:
    """The names in a list, their fields [N, 5] (pid, outfit, camera, tracklet, frame) and whether they fit."""
    return read_names(path, (LENGTH,), len(PLACES), parse_names)


def parse_names(letters: Letters) -> tuple[Integers, Flags]:
    """Fields [N, 5] of names `letters` [N, 26], and which fit the pattern [N]."""
    digits = letters - np.uint8(ord("0"))  # [N, 26]; any other letter wraps round to above 9
    good = (letters[:, [4, 8, 12, 16]] == np.frombuffer(b"OCTF", np.uint8)).all(1)
    good &= (letters[:, 22:] == np.frombuffer(b".jpg", np.uint8)).all(1)
    for start, end in PLACES:
        good &= (digits[:, start:end] <= 9).all(1)
    return np.stack([number(digits[:, start:end]) for start, end in PLACES], axis=1), good


def name_keys(fields: Integers) -> Integers:
    """A number [N] for each name of fields [N, 5], equal where the frames are; it grows with time in a tracklet."""
    key = fields[:, PERSON]
    for column, size in ((OUTFIT, 3), (CAMERA, 3), (TRACK, 3), (FRAME, 5)):
        key = key * 10**size + fields[:, column]
    return np.asarray(key)
