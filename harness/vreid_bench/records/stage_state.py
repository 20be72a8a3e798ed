"""The state of a training after one of its stages, on disk: what another training with equal stages goes on from."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from torch import Tensor

from vreid_bench.records.note import COST, MADE_BY
from vreid_bench.records.tensors import pack_tensors, unpack_tensors
from vreid_bench.system.files import write_atomic


def save_stage(path: Path, tensors: Mapping[str, Tensor], made_by: str, cost: Mapping[str, float]) -> None:
    """Write the state. made_by: the hash over all that decided it; cost: of the training up to here."""
    write_atomic(path, pack_tensors(dict(tensors), {MADE_BY: made_by, COST: json.dumps(dict(cost))}))


def load_stage(path: Path) -> dict[str, Tensor]:
    """The tensors that `save_stage` wrote. Raises InputError for a file that cannot be read."""
    return unpack_tensors(path)[0]
