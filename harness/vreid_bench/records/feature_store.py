"""Features of tracklets: what embedding gives, a run keeps on disk, and matchers compare."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.numpy import load_file
from safetensors.torch import save
from torch import Tensor

from vreid_bench.contracts.parts import Clips, ComparesVectors, Matcher
from vreid_bench.modeling.model import pad, valid
from vreid_bench.scoring.ranks.labels import Labels
from vreid_bench.system.errors import InputError
from vreid_bench.training.checkpoint import unpacked

STORE = "features.safetensors"  # the name of the store in a run's folder


@dataclass(frozen=True)
class Store:
    """Represented tracklets, packed: the clips of one tracklet after those of another, without padding."""

    embedding: Tensor  # [S, E] float32
    importance: Tensor  # [S]
    counts: tuple[int, ...]  # [N] clips of each tracklet, summing to S

    def __len__(self) -> int:
        return len(self.counts)

    def clips(self, rows: slice) -> Clips:
        """The tracklets of these rows, padded among themselves."""
        counts = self.counts[rows]
        start = sum(self.counts[: rows.indices(len(self))[0]])
        stop = start + sum(counts)
        embedding, importance = self.embedding[start:stop], self.importance[start:stop]
        return Clips(pad(embedding, counts), pad(importance, counts), valid(counts, embedding.device))

    def to(self, device: torch.device) -> Store:
        """The same features on another device."""
        return Store(self.embedding.to(device), self.importance.to(device), self.counts)

    def replaced(self, other: Store, mask: NDArray[np.bool_]) -> Store:
        """The same clips, those of `mask` [S] as another store has them."""
        chosen = torch.from_numpy(mask)
        embedding = torch.where(chosen[:, None], other.embedding, self.embedding)
        return Store(embedding, torch.where(chosen, other.importance, self.importance), self.counts)

    def represented(self, matcher: Matcher, rows: int = 64) -> Store:
        """Clips as their encoder gave them -> what a matcher keeps of each tracklet, `rows` tracklets at a time."""
        with torch.inference_mode():
            return Store.of(
                matcher.represent(self.clips(slice(first, first + rows))) for first in range(0, len(self), rows)
            )

    @classmethod
    def of(cls, pieces: Iterable[Clips]) -> Store:
        """Padded clips of some tracklets after those of others, packed, on the processor."""
        stored = list(pieces)
        embedding = torch.cat([c.embedding[c.valid] for c in stored]).float()  # [S, E]
        importance = torch.cat([c.importance[c.valid] for c in stored]).float()  # [S]
        counts = tuple(int(n) for c in stored for n in c.valid.sum(1))
        return cls(embedding.cpu(), importance.cpu(), counts)

    def to_bytes(self, labels: Labels, matcher: Matcher) -> bytes:
        """As a safetensors file that `vreid-bench score` reads alone: the features, the labels, how they compare."""
        tensors = {"embedding": self.embedding, "importance": self.importance, "counts": torch.tensor(self.counts)}
        for name, value in (("pid", labels.pids), ("camid", labels.camids)):
            tensors[name] = torch.from_numpy(value)
        tensors |= {"query": torch.from_numpy(labels.query), "gallery": torch.from_numpy(labels.gallery)}
        metric: dict[str, str] = {"metric": matcher.metric} if isinstance(matcher, ComparesVectors) else {}
        return save({name: value.cpu().contiguous() for name, value in tensors.items()}, metric)

    @classmethod
    def from_file(cls, path: Path) -> Store:
        """Read what `to_bytes` wrote. Raises InputError for a file that holds something else."""
        tensors, _ = unpacked(path)
        if not {"embedding", "importance", "counts"} <= set(tensors):
            raise InputError(f"{path}: holds no features but {', '.join(sorted(tensors))}; delete it to embed again")
        return cls(tensors["embedding"], tensors["importance"], tuple(tensors["counts"].tolist()))


def read_store_arrays(path: Path) -> dict[str, NDArray[Any]]:
    """The arrays in the store of a run's folder, or in a safetensors file, with a row for each tracklet.

    The clips that a store packs are padded: `embedding` [N, C, E], `importance` [N, C], `valid` [N, C]; or [N, E]
    without the other two where every tracklet has one. Raises InputError for a file that cannot be read.
    """
    file = _store_file(path)
    if not file.is_file():
        raise InputError(f"{file}: there is no such file")
    try:
        arrays = load_file(file)
    except (OSError, SafetensorError, KeyError) as fault:  # a KeyError for a type that NumPy does not have
        reason = str(fault).partition("\n")[0]
        raise InputError(f"{file}: cannot be read as .safetensors ({reason})") from fault
    if not {"embedding", "importance", "counts"} <= set(arrays):
        return dict(arrays)
    counts, packed = arrays.pop("counts"), {name: arrays.pop(name) for name in ("embedding", "importance")}
    if (counts == 1).all():
        return arrays | {"embedding": packed["embedding"]}
    present = np.arange(counts.max()) < counts[:, None]  # [N, C]
    for name, array in packed.items():
        arrays[name] = np.zeros((*present.shape, *array.shape[1:]), np.float32)
        arrays[name][present] = array
    return arrays | {"valid": present}


def read_store_metric(path: Path) -> str | None:
    """The metric by which a run compared the vectors in its store; None if it compared clips in pairs."""
    with safe_open(_store_file(path), "numpy") as store:
        return (store.metadata() or {}).get("metric")


def _store_file(path: Path) -> Path:
    return path / STORE if path.is_dir() else path
