"""What lies in a checkpoint of another program: its tensors by name, and what the file says beside them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from vreid_bench.modeling.weights_option import hash_file
from vreid_bench.system.errors import InputError

if TYPE_CHECKING:  # planning imports torch only for runs that need it
    from torch import Tensor

WRAPPERS = ("state_dict", "model", "model_state_dict")  # keys under which programs save the tensors
REPLICATED = "module."  # what torch.nn.DataParallel puts in front of every name
LONGEST = 100  # characters of a text beside the tensors


class Content(NamedTuple):
    """What a file holds."""

    tensors: Mapping[str, Tensor]  # of floating point, by name
    sha256: str
    beside: Mapping[str, float | str]  # numbers and short texts by name, such as the iteration


def read_tensors(path: Path, option: str) -> Content:
    """The floating-point tensors of a file by name, without what is saved around them.

    NumPy scalars and arrays beside the tensors are read, code is not. Raises InputError for any other file; `option`
    names it in messages.
    """
    from torch import Tensor

    from vreid_bench.importing.torch_files import read_torch

    sha256 = hash_content(path, option)
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
    found = {name: value for name, value in found.items() if value.is_floating_point()}
    if not found:
        raise InputError(
            f"{option}: it holds {type(content).__name__} without named tensors; expected a state_dict, alone or "
            f"under one of the keys {', '.join(WRAPPERS)}"
        )
    if all(name.startswith(REPLICATED) for name in found):
        found = {name.removeprefix(REPLICATED): value for name, value in found.items()}
    return Content(found, sha256, beside)


def hash_content(path: Path, option: str) -> str:
    """The sha256 of a file. Raises InputError, with `option` for its name, if it cannot be read."""
    try:
        return hash_file(path)
    except OSError as fault:
        raise InputError(f"{option}: the file cannot be read ({fault.strerror}); name a readable file") from fault


def _find_beside(content: Mapping[Any, Any]) -> dict[str, float | str]:
    """The numbers and short texts of a dict by name, NumPy scalars as numbers."""
    values = {
        name: getattr(value, "item", lambda value=value: value)() for name, value in content.items() if _is_one(value)
    }
    return {str(name): value for name, value in values.items()}


def _is_one(value: Any) -> bool:
    import numpy as np

    return isinstance(value, (bool, int, float, np.number)) or (isinstance(value, str) and len(value) <= LONGEST)


def _read_safetensors(path: Path) -> dict[str, Tensor]:
    from safetensors.torch import load_file

    return load_file(path)
