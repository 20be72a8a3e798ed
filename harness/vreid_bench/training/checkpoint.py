"""The state of a training run on disk: written atomically, free of code, complete enough to go on from."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor, nn

from vreid_bench.system.errors import InputError
from vreid_bench.system.files import write_atomic

SHARE = 20  # a checkpoint may cost one part in SHARE of the time of a run


class Position(NamedTuple):
    """The next step to run: `step` of stage `stage`, both counted from zero."""

    stage: int
    step: int


class Checkpoints:
    """One file that always holds the newest complete state."""

    def __init__(self, path: Path, saved: Callable[[], None] = lambda: None, every: float = 5.0) -> None:
        self.path = path
        self.saved = saved  # called after each checkpoint
        self.every = every  # seconds between two checkpoints, at least
        self._due = time.monotonic() + every

    @property
    def due(self) -> bool:
        """Has enough time gone by for the next checkpoint?"""
        return time.monotonic() >= self._due

    def save(self, module: nn.Module, position: Position, optimizer: Mapping[str, Tensor]) -> None:
        """Write the module's state, the optimizer's and the position, in place of the last checkpoint."""
        begun = time.monotonic()
        tensors = {f"module.{name}": value for name, value in module.state_dict().items()}
        tensors |= {f"optimizer.{name}": value for name, value in optimizer.items()}
        write_atomic(self.path, _packed(tensors, {"position": json.dumps(position)}))
        spent = time.monotonic() - begun
        self._due = time.monotonic() + max(self.every, SHARE * spent)
        self.saved()

    def restore(self, module: nn.Module) -> tuple[Position, dict[str, Tensor]]:
        """Load the newest state into the module; returns where to go on and the optimizer's state.

        Without a checkpoint that is the beginning. Raises InputError for a file that cannot be read.
        """
        if not self.path.exists():
            return Position(0, 0), {}
        tensors, note = unpacked(self.path)
        if "position" not in note:
            raise InputError(f"{self.path}: not a checkpoint of this program; delete it to start again")
        stage, step = json.loads(note["position"])
        load(module, _under("module.", tensors), self.path)
        return Position(stage, step), _under("optimizer.", tensors)


def save_weights(path: Path, module: nn.Module, note: Mapping[str, str] | None = None) -> None:
    """The module's state as a safetensors file, with a note that `note_of` reads."""
    write_atomic(path, _packed(dict(module.state_dict()), note or {}))


def note_of(path: Path) -> dict[str, str]:
    """The note in a safetensors file, without reading its tensors; empty if there is none, or no such file."""
    try:
        with safe_open(path, framework="pt") as file:
            return dict(file.metadata() or {})
    except (OSError, SafetensorError):
        return {}


def load_weights(path: Path, module: nn.Module) -> None:
    """Load what `save_weights` wrote. Raises InputError if it does not fit the module."""
    load(module, unpacked(path)[0], path)


def load(module: nn.Module, tensors: Mapping[str, Tensor], path: Path) -> None:
    """Load a state. A buffer takes the stored shape, since fitting can change it (XQDA's projection)."""
    for name, buffer in list(module.named_buffers()):
        if name in tensors and tensors[name].shape != buffer.shape:
            owner, _, leaf = name.rpartition(".")
            setattr(module.get_submodule(owner), leaf, torch.empty_like(tensors[name], device=buffer.device))
    try:
        module.load_state_dict(dict(tensors))
    except RuntimeError as fault:
        reason = " ".join(str(fault).split())
        raise InputError(f"{path}: the weights do not fit the method's network: {reason}") from fault


def _packed(tensors: Mapping[str, Tensor], note: Mapping[str, str]) -> bytes:
    # cloned: the format refuses tensors that share memory, as tied weights do
    return save({name: value.detach().cpu().contiguous().clone() for name, value in tensors.items()}, dict(note))


def unpacked(path: Path) -> tuple[dict[str, Tensor], dict[str, str]]:
    """Tensors and metadata of a safetensors file. Raises InputError if it cannot be read."""
    try:
        with safe_open(path, framework="pt") as file:
            return {name: file.get_tensor(name) for name in file.keys()}, file.metadata() or {}  # noqa: SIM118 - it is no mapping
    except (OSError, SafetensorError) as fault:
        raise InputError(f"{path}: not a readable safetensors file ({fault}); delete it to start again") from fault


def _under(prefix: str, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): value for name, value in tensors.items() if name.startswith(prefix)}
