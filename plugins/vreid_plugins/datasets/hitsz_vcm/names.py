"""The frame names in the lists of HITSZ-VCM, such as 0001M2D3T1F6.jpg, and the paths that they stand for."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np

from vreid_plugins.datasets.name_lists import Flags, Integers

EXAMPLE = "0001M2D3T1F6.jpg (person, modality, camera, tracklet, frame)"
NAME = re.compile(r"(\d{4})M([12])(D(\d{1,3}))T(\d{1,6})F((\d{1,8})\.jpg)", re.ASCII)
FOLDERS = {"1": "ir", "2": "rgb"}  # of the modality in a name
MODALITIES = {1: "infrared", 2: "visible"}
PERSON, MODALITY, CAMERA, TRACK, FRAME = range(5)  # columns of the fields
GROUPS = (1, 2, 4, 5, 7)  # of a name that are its fields


def list_names(path: Path) -> tuple[list[str], Integers, Flags]:
    """The names in a list, their fields [N, 5] (pid, modality, camera, tracklet, frame) and whether they fit.

    Windows line endings, a byte order mark and blank lines at the end do not matter.
    """
    data = path.read_bytes().removeprefix(b"\xef\xbb\xbf").replace(b"\r\n", b"\n").rstrip()
    # latin-1 decodes every byte, so that a message can show a foreign name
    names = data.decode("latin-1").split("\n") if data else []
    found = [NAME.fullmatch(name) for name in names]
    fields = [tuple(map(int, match.group(*GROUPS))) if match else (0,) * len(GROUPS) for match in found]
    good = np.array([match is not None for match in found], bool)
    return names, np.array(fields, np.int64).reshape(-1, len(GROUPS)), good


def picture_path(name: str) -> str:
    """Where the frame of a name lies: 0001M2D3T1F6.jpg is 0001/rgb/D3/6.jpg. The tracklet is not part of the path."""
    match = NAME.fullmatch(name)
    if match is None:
        raise ValueError(f"{name!r} is no frame name such as {EXAMPLE}")
    person, modality, camera, picture = match.group(1, 2, 3, 6)
    return f"{person}/{FOLDERS[modality]}/{camera}/{picture}"


def name_keys(fields: Integers) -> Integers:
    """A number [N] for each name of fields [N, 5], equal where the picture is; it grows with the frame's number."""
    person, modality, camera, _, frame = fields.T
    return np.asarray(((person * 10 + modality) * 1000 + camera) * 10**8 + frame)
