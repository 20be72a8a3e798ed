"""The preset of a run that names none. This module loads neither NumPy nor torch."""

from __future__ import annotations

import os
from pathlib import Path

from vreid_bench.contracts.recipe import Preset


def find_copy(given: Path | None) -> Path | None:
    """The user's copy: `given` (`--data`), else VREID_DATA; None if neither names one, so that the twin is used."""
    variable = os.environ.get("VREID_DATA")
    return given or (Path(variable) if variable else None)


DEFAULT_ON: dict[Preset, str] = {"paper": "your own data", "small": "a twin"}  # as `choose_preset` decides


def choose_preset(asked: Preset | None, data: Path | None) -> Preset:
    """The preset that was asked for (`--preset`), else `paper` on the user's copy and `small` on a twin."""
    return asked or ("paper" if find_copy(data) else "small")
