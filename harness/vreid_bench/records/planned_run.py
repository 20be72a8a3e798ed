"""`plan.json`: what a run is, for a list of runs while it has no record."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from vreid_bench.system.files import write_atomic
from vreid_bench.system.plain_json import load_json

FILE = "plan.json"


@dataclass(frozen=True)
class PlannedRun:
    """What a run is, in words and numbers."""

    method: str
    preset: str
    seed: int
    protocol: str
    data: str  # data set and copy, as in mars@official
    differs: tuple[str, ...]  # from the method at its preset, and splits that are left out


def write_planned_run(run: Path, planned: PlannedRun) -> None:
    """Write it into the folder of a run."""
    write_atomic(run / FILE, json.dumps(asdict(planned), sort_keys=True).encode())


def read_planned_run(run: Path) -> PlannedRun | None:
    """What the run in that folder is; None if the folder does not say it or the file is damaged."""
    try:
        found = load_json((run / FILE).read_bytes())
        texts = {name: str(found[name]) for name in ("method", "preset", "protocol", "data")}
        return PlannedRun(**texts, seed=int(found["seed"]), differs=tuple(map(str, found["differs"])))
    except (OSError, ValueError, TypeError, LookupError, OverflowError):
        return None
