"""A run of less than a second: few steps, small batches, and frames as small as the rendered data sets have them."""

import json
from pathlib import Path

from vreid_bench.records.record import Record

OVERRIDES = {"size": [32, 16], "stages.0.steps": 6, "stages.0.P": 4, "stages.0.K": 2}


def with_settings(settings):
    """The options of `vreid-bench run` that set these."""
    return tuple(word for name, value in settings.items() for word in ("--set", f"{name}={json.dumps(value)}"))


SHORT = ("--preset", "small", *with_settings(OVERRIDES))


def record_of(report):
    """The record of a run, from what `run --json` has printed."""
    return Record.from_file(Path(report["run"]) / "record.json")
