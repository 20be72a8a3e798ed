"""What lies in a checkpoint of another program: its tensors by name, and what the file says beside them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from vreid_bench.importing.named_tensors import read_named_tensors
from vreid_bench.modeling.weights_option import hash_file
from vreid_bench.system.errors import InputError

if TYPE_CHECKING:  # planning imports torch only for runs that need it
    from torch import Tensor


class Content(NamedTuple):
    """What a file holds."""

    tensors: Mapping[str, Tensor]  # of floating point, by name
    sha256: str
    beside: Mapping[str, float | str]  # numbers and short texts by name, such as the iteration


def read_tensors(path: Path, option: str) -> Content:
    """The floating-point tensors of a file by name, without what is saved around them.

    Raises InputError as `read_named_tensors` does; `option` names the file in messages.
    """
    sha256 = hash_content(path, option)
    found = read_named_tensors(path, option, floating=True)
    return Content(found.tensors, sha256, found.beside)


def hash_content(path: Path, option: str) -> str:
    """The sha256 of a file. Raises InputError, with `option` for its name, if it cannot be read."""
    try:
        return hash_file(path)
    except OSError as fault:
        raise InputError(f"{option}: the file cannot be read ({fault.strerror}); name a readable file") from fault
