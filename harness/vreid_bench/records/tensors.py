"""Tensors with a note and a checksum on disk: the safetensors files of a run, which contain no code."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from vreid_bench.records.checksum import find_damage, seal
from vreid_bench.system.errors import InputError


def pack_tensors(tensors: Mapping[str, Tensor], note: Mapping[str, str]) -> bytes:
    """The content of a file with these tensors, by name, and this note."""
    # cloned: the format refuses tensors that share memory, as tied weights do
    copies = {name: value.detach().cpu().contiguous().clone() for name, value in tensors.items()}
    return seal(save(copies, dict(note)))


def unpack_tensors(path: Path) -> tuple[dict[str, Tensor], dict[str, str]]:
    """The tensors and the note of a file. Raises InputError if it cannot be read or has changed on disk."""
    try:
        if damage := find_damage(path):
            raise InputError(f"{path}: {damage}; delete it and repeat the command of its run, which computes it again")
        with safe_open(path, framework="pt") as file:
            return {name: file.get_tensor(name) for name in file.keys()}, file.metadata() or {}  # noqa: SIM118 - not a mapping
    except (OSError, SafetensorError) as fault:
        raise InputError(f"{path}: not a readable safetensors file ({fault}); delete it to start again") from fault
