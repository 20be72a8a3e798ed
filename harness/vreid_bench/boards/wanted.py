"""One row that a board is to have."""

from __future__ import annotations

from typing import NamedTuple


class Wanted(NamedTuple):
    """One training of a method, or one test of it, with one seed: the options of one `vreid-bench run`."""

    protocol: str
    method: str
    preset: str
    seed: int
    settings: tuple[str, ...] = ()  # as `--set` takes them
