"""`log.jsonl`: one line of JSON every few steps, and one for each validation.

A step that a resumed run repeats is logged once.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from vreid_bench.system.errors import InputError
from vreid_bench.system.event_log import LOGGER
from vreid_bench.system.files import write_atomic
from vreid_bench.system.plain_json import load_json
from vreid_bench.system.processes import processes
from vreid_bench.training.checkpoint import Position

Listener = Callable[[Position, Mapping[str, float]], None]  # takes a step of a stage and its values


class StepLog:
    """The log of one training; `listener` is called with every step that is written."""

    def __init__(self, path: Path, listener: Listener = lambda position, values: None) -> None:
        self.path = path
        self.listener = listener

    def rewind(self, start: Position) -> None:
        """Remove the lines at or after `start`, and a line that a crash cut short."""
        if self.path.exists():
            lines = self.path.read_text(errors="replace").splitlines()
            kept = [line for line in lines if _is_before(line, start)]
            write_atomic(self.path, "".join(f"{line}\n" for line in kept).encode())

    def write(self, position: Position, values: Mapping[str, float]) -> None:
        """Append the values of one step, or the scores after it."""
        if not processes().first:
            return
        line = {"stage": position.stage, "step": position.step, **values}
        with self.path.open("a") as file:
            file.write(json.dumps(line) + "\n")
        LOGGER.debug("stage %d, step %d: %s", position.stage + 1, position.step, _describe(values))
        self.listener(position, values)


VALIDATION = "validation."  # before the name of each value of a validation


def read_validations(path: Path) -> list[dict[str, Any]]:
    """The lines of a finished log that are validations, as `Validator` wrote them; none if there is no log.

    Raises InputError for a line that no training wrote.
    """
    found = []
    for number, line in enumerate(path.read_text(errors="replace").splitlines() if path.exists() else [], 1):
        try:
            entry = load_json(line)
        except ValueError as fault:
            raise InputError(f"{path}: line {number} is no line of a training ({fault}); remove it") from fault
        if isinstance(entry, dict) and f"{VALIDATION}steps" in entry:
            found.append(entry)
    return found


def _describe(values: Mapping[str, float]) -> str:
    return " ".join(f"{name}={value:.6g}" for name, value in values.items())


def _is_before(line: str, start: Position) -> bool:
    try:
        entry = load_json(line)
        return (entry["stage"], entry["step"]) < start
    except (ValueError, TypeError, KeyError):  # the line is cut short, or another program wrote it
        return False
