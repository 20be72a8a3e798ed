"""The state of a training on disk: all that is needed to resume, without code, written atomically."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

from torch import Tensor, nn

from vreid_bench.records.note import read_note
from vreid_bench.records.tensors import pack_tensors, unpack_tensors
from vreid_bench.records.weights import load_state
from vreid_bench.system.errors import InputError
from vreid_bench.system.files import write_atomic
from vreid_bench.system.plain_json import load_json

SHARE = 20  # checkpoints may take 1 / SHARE of the time of a run


class Position(NamedTuple):
    """The next step to run: `step` of stage `stage`, both counted from zero."""

    stage: int
    step: int


def read_position(path: Path) -> Position | None:
    """The position of a checkpoint, without reading its tensors; None if there is no readable checkpoint."""
    note = read_note(path)
    return _parse_position(note.get("position", ""))


class Checkpoints:
    """One file that always holds the newest complete state."""

    def __init__(self, path: Path, saved: Callable[[], None] = lambda: None, every: float = 5.0) -> None:
        self.path = path
        self.saved = saved  # called after each checkpoint
        self.every = every  # seconds between two checkpoints, at least
        self._due = time.monotonic() + every

    @property
    def due(self) -> bool:
        """Has enough time passed for the next checkpoint?"""
        return time.monotonic() >= self._due

    def save(self, module: nn.Module, position: Position, optimizer: Mapping[str, Tensor]) -> None:
        """Replace the last checkpoint by the states of the module and the optimizer and the position."""
        begun = time.monotonic()
        tensors = {f"module.{name}": value for name, value in module.state_dict().items()}
        tensors |= {f"optimizer.{name}": value for name, value in optimizer.items()}
        write_atomic(self.path, pack_tensors(tensors, {"position": json.dumps(position)}))
        spent = time.monotonic() - begun
        self._due = time.monotonic() + max(self.every, SHARE * spent)
        self.saved()

    def restore(self, module: nn.Module) -> tuple[Position, dict[str, Tensor]]:
        """Load the newest state into the module; returns the next step to run and the optimizer's state.

        Without a checkpoint, that is the first step. Raises InputError for a file that cannot be read.
        """
        if not self.path.exists():
            return Position(0, 0), {}
        tensors, note = unpack_tensors(self.path)
        position = _parse_position(note.get("position", ""))
        if position is None:
            raise InputError(f"{self.path}: is not a checkpoint of this program; delete it to start again")
        load_state(module, _select_prefix("module.", tensors), self.path)
        return position, _select_prefix("optimizer.", tensors)


def _parse_position(text: str) -> Position | None:
    """The position in the note of a checkpoint; None for another text."""
    try:
        stage, step = load_json(text)
    except (ValueError, TypeError):
        return None
    whole = type(stage) is int and type(step) is int and stage >= 0 and step >= 0
    return Position(stage, step) if whole else None


def _select_prefix(prefix: str, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): value for name, value in tensors.items() if name.startswith(prefix)}
