"""The features of tracklets on disk: what embedding computes and matchers compare."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from vreid_bench.contracts.dataset import ATTRIBUTE, Split
from vreid_bench.contracts.packing import mark_valid, pad
from vreid_bench.contracts.parts import Clips, ComparesVectors, Matcher
from vreid_bench.records.names import collect_attributes, collect_names, pack_names
from vreid_bench.records.note import MADE_BY
from vreid_bench.records.tensors import pack_tensors, unpack_tensors
from vreid_bench.system.errors import InputError
from vreid_bench.system.files import write_atomic


@dataclass(frozen=True)
class FeatureStore:
    """Represented tracklets, packed: the clips of all tracklets in order, without padding."""

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
        return Clips(pad(embedding, counts), pad(importance, counts), mark_valid(counts, embedding.device))

    def to(self, device: torch.device) -> FeatureStore:
        """The same features on another device."""
        return FeatureStore(self.embedding.to(device), self.importance.to(device), self.counts)

    def replace(self, other: FeatureStore, mask: NDArray[np.bool_]) -> FeatureStore:
        """The same clips, with those in `mask` [S] taken from another store."""
        chosen = torch.from_numpy(mask)
        embedding = torch.where(chosen[:, None], other.embedding, self.embedding)
        return FeatureStore(embedding, torch.where(chosen, other.importance, self.importance), self.counts)

    def represent(self, matcher: Matcher, rows: int = 64) -> FeatureStore:
        """Clips as the aggregator returned them -> as the matcher represents them, `rows` tracklets at a time."""
        with torch.inference_mode():
            return FeatureStore.of(
                matcher.represent(self.clips(slice(first, first + rows))) for first in range(0, len(self), rows)
            )

    @classmethod
    def of(cls, pieces: Iterable[Clips]) -> FeatureStore:
        """Pack batches of padded clips, in order, on the CPU."""
        stored = list(pieces)
        embedding = torch.cat([c.embedding[c.valid] for c in stored]).float()  # [S, E]
        importance = torch.cat([c.importance[c.valid] for c in stored]).float()  # [S]
        counts = tuple(int(n) for c in stored for n in c.valid.sum(1))
        return cls(embedding.cpu(), importance.cpu(), counts)

    def save(self, path: Path, test: Split, matcher: Matcher, made_by: str) -> None:
        """Write a safetensors file that is enough for `vreid-bench score`: features, labels, and any metric.

        The note has the names of the tracklets, their people and their cameras, and their attributes. made_by: the
        fingerprint of all that decided the features.
        """
        rows = {"query": test.query, "gallery": test.gallery}
        labels = {"pid": [t.pid for t in test.test], "camid": [t.camid for t in test.test], **rows}
        tensors = {"embedding": self.embedding, "importance": self.importance, "counts": torch.tensor(self.counts)}
        tensors |= {name: torch.tensor(value, dtype=torch.int64) for name, value in labels.items()}
        known = {f"{ATTRIBUTE}{name}": texts for name, texts in collect_attributes(test.test).items()}
        note = {MADE_BY: made_by, **pack_names(collect_names(test.test) | known)}
        if isinstance(matcher, ComparesVectors):
            note["metric"] = matcher.metric
        write_atomic(path, pack_tensors(tensors, note))

    @classmethod
    def from_file(cls, path: Path) -> FeatureStore:
        """Read what `save` wrote. Raises InputError for a file that holds something else."""
        tensors, _ = unpack_tensors(path)
        if not {"embedding", "importance", "counts"} <= set(tensors):
            raise InputError(f"{path}: holds {', '.join(sorted(tensors))}, expected features; delete it to embed again")
        return cls(tensors["embedding"], tensors["importance"], tuple(tensors["counts"].tolist()))
