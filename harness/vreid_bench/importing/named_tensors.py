"""Files of tensors by name, as training programs save them: `.safetensors`, or `torch.save`. No code in them runs."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from vreid_bench.importing.torch_files import read_torch
from vreid_bench.system.errors import InputError

if TYPE_CHECKING:  # torch is imported when a file is read
    from torch import Tensor

WRAPPERS = ("state_dict", "model", "model_state_dict")  # keys under which programs save the tensors
REPLICATED = "module."  # what torch.nn.DataParallel puts in front of every name
LONGEST = 100  # characters of a text beside the tensors


class NamedTensors(NamedTuple):
    """What a file holds."""

    tensors: dict[str, Tensor]
    beside: Mapping[str, float | str]  # numbers and short texts by name, such as the iteration


def read_named_tensors(path: Path, option: str, floating: bool = False) -> NamedTensors:
    """The tensors of a file by name, without what a training program may have saved around them.

    NumPy scalars and arrays beside the tensors are read, code is not. option: names the file in messages. floating:
    only tensors of floating point. Raises InputError for a file without such tensors, and for one that can be read
    only by running code.
    """
    from torch import Tensor

    try:
        content: Any = _read_safetensors(path) if path.suffix == ".safetensors" else read_torch(path)
    except Exception as fault:  # the readers can raise anything on unknown bytes; all of it is reported
        reason = " ".join(str(fault).split())[:300]
        raise InputError(
            f"{option}: not a file of tensors, numbers and texts ({type(fault).__name__}: {reason}); expected a "
            "checkpoint of torch.save or .safetensors, because anything else may run code; save its state_dict alone"
        ) from fault
    beside: dict[str, float | str] = {}
    for wrapper in WRAPPERS:
        if isinstance(content, Mapping) and isinstance(content.get(wrapper), Mapping):
            beside |= _find_beside(content)
            content = content[wrapper]
    named = content if isinstance(content, Mapping) else {}
    found = {name: value for name, value in named.items() if isinstance(name, str) and isinstance(value, Tensor)}
    found = {name: value for name, value in found.items() if value.is_floating_point() or not floating}
    if not found:
        raise InputError(
            f"{option}: it holds {type(content).__name__} without named tensors; expected a state_dict, alone or "
            f"under one of the keys {', '.join(WRAPPERS)}"
        )
    if all(name.startswith(REPLICATED) for name in found):
        found = {name.removeprefix(REPLICATED): value for name, value in found.items()}
    return NamedTensors(found, beside)


def _find_beside(content: Mapping[Any, Any]) -> dict[str, float | str]:
    """The numbers and short texts of a dict by name, NumPy scalars as numbers."""
    values = {
        name: getattr(value, "item", lambda value=value: value)() for name, value in content.items() if _is_one(value)
    }
    return {str(name): value for name, value in values.items()}


def _is_one(value: Any) -> bool:
    return isinstance(value, (bool, int, float, np.number)) or (isinstance(value, str) and len(value) <= LONGEST)


def _read_safetensors(path: Path) -> dict[str, Tensor]:
    from safetensors.torch import load_file

    return load_file(path)
