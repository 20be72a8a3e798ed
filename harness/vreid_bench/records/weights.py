"""The weights of a trained model on disk."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor, nn

from vreid_bench.records.note import MADE_BY
from vreid_bench.records.tensors import pack_tensors, unpack_tensors
from vreid_bench.system.errors import InputError
from vreid_bench.system.files import write_atomic


def save_weights(path: Path, module: nn.Module, made_by: str = "") -> None:
    """Write the module's state; `made_by` is the fingerprint of its training."""
    write_atomic(path, pack_tensors(dict(module.state_dict()), {MADE_BY: made_by}))


def load_weights(path: Path, module: nn.Module) -> None:
    """Load what `save_weights` wrote. Raises InputError if it does not fit the module."""
    load_state(module, unpack_tensors(path)[0], path)


def load_partly(module: nn.Module, tensors: Mapping[str, Tensor], origin: Path | str) -> None:
    """Load those tensors that are the module's, and leave the rest of its state as it is."""
    load_state(module, {name: tensors.get(name, value) for name, value in module.state_dict().items()}, origin)


def load_state(module: nn.Module, tensors: Mapping[str, Tensor], origin: Path | str) -> None:
    """Load a state that came from `origin`. A buffer takes the stored shape: fitting can change it (XQDA's projection).

    Raises InputError if a tensor is missing, unknown or of another shape.
    """
    for name, buffer in list(module.named_buffers()):
        if name in tensors and tensors[name].shape != buffer.shape:
            owner, _, leaf = name.rpartition(".")
            setattr(module.get_submodule(owner), leaf, torch.empty_like(tensors[name], device=buffer.device))
    try:
        module.load_state_dict(dict(tensors))
    except RuntimeError as fault:
        reason = " ".join(str(fault).split())
        now = {name: tensor.shape for name, tensor in module.state_dict().items()}
        then = {name: tensor.shape for name, tensor in tensors.items()}
        other = sorted({name.partition(".")[0] for name, _ in now.items() ^ then.items()})
        raise InputError(
            f"{origin}: the weights do not fit the method's network, which now has other layers in "
            f"{', '.join(other)}; train anew, or install the code that trained them ({reason})"
        ) from fault
