"""Rows that printed tables of papers ask for and a leaderboard lacks, and the commands that make them."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterable, Sequence

from vreid_bench.boards.wanted import Wanted
from vreid_bench.contracts.recipe import Preset
from vreid_bench.reporting.claims import Side
from vreid_bench.reporting.reproduction import Reproduced, list_missing_sides

RERANKER = "zhong"  # k-reciprocal re-ranking, for papers that do not say how they re-rank


def list_missing(tables: Iterable[Reproduced], preset: Preset = "small", seeds: Sequence[int] = (0,)) -> list[Wanted]:
    """What has to run so that every cell of the tables with a method has a row under the protocol of its paper."""
    return [_want(side, preset, seed) for side in list_missing_sides(tables) for seed in seeds]


def write_command(wanted: Wanted) -> str:
    """The command line that makes a row."""
    words = ["vreid-bench", "run", "--plugin", wanted.method, "--protocol", wanted.protocol]
    words += ["--preset", wanted.preset, "--seed", str(wanted.seed)]
    for assignment in wanted.settings:
        words += ["--set", assignment]
    return shlex.join([*words, *(["--rerank", wanted.rerank] if wanted.rerank else [])])


def _want(side: Side, preset: Preset, seed: int) -> Wanted:
    settings = tuple(f"{path}={json.dumps(value)}" for path, value in sorted(side.settings.items()))
    return Wanted(str(side.protocol), side.method, preset, seed, settings, RERANKER if side.reranked else "")
