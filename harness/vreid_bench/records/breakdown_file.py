"""`breakdown.json`: the scores of a run by parts of its test, under each convention."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from vreid_bench.system.errors import InputError
from vreid_bench.system.plain_json import load_json


def read_breakdown(path: Path) -> dict[str, dict[str, Any]]:
    """Convention -> its break-down. Raises InputError for a file that is missing or damaged."""
    try:
        found = load_json(path.read_bytes())
    except (OSError, ValueError) as fault:
        raise InputError(
            f"{path}: cannot be read as the break-down of a run ({fault}); repeat the command of the run with --anew"
        ) from fault
    if not isinstance(found, dict) or not all(isinstance(each, dict) for each in found.values()):
        raise InputError(
            f"{path}: is not the break-down of a run, expected an object with one for each convention; repeat the "
            "command of the run with --anew"
        )
    return found
