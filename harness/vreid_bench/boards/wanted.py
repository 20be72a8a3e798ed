"""One row that a board is to have."""

from __future__ import annotations

from typing import NamedTuple

from vreid_bench.contracts.recipe import Preset


class Wanted(NamedTuple):
    """One training of a method, or one test of it, with one seed: the options of one `vreid-bench run`."""

    protocol: str
    method: str
    preset: Preset
    seed: int
    settings: tuple[str, ...] = ()  # as `--set` takes them
    rerank: str = ""  # as `--rerank` takes it; empty: not re-ranked

    def __str__(self) -> str:
        rerank = [f"re-ranked by {self.rerank}"] if self.rerank else []
        return " ".join([self.protocol, self.method, *self.settings, *rerank, f"seed {self.seed}"])
