"""What a gallery folder is written from: shards of NumPy, read block by block, and the features of runs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from vreid_bench.ops.metric import Metric
from vreid_bench.records.run_directory import FoldDirectory
from vreid_bench.records.store_arrays import count_store_rows, read_store_metric
from vreid_bench.scoring.array_files import is_store, read_arrays
from vreid_bench.scoring.distances import METRICS
from vreid_bench.scoring.galleries.shards import Shard, find_shards, is_pattern, open_vectors
from vreid_bench.scoring.labelled_features import LabelledFeatures
from vreid_bench.scoring.ranks.by_parts import Block, choose_rows
from vreid_bench.system.fingerprint import digest


@dataclass(frozen=True)
class Files:
    """The rows of files, one after another."""

    paths: tuple[Path, ...]

    @classmethod
    def find(cls, named: Iterable[Path]) -> Files:
        """The files of names and of patterns. Raises InputError for a pattern of none."""
        return cls(tuple(path for name in named for path in (find_shards(name) if is_pattern(name) else [name])))

    @property
    def metric(self) -> Metric | None:
        """That of the runs whose features these are, if they have one in common."""
        found = {read_store_metric(path) if is_store(path) else None for path in self.paths}
        return next((metric for metric in METRICS if found == {metric}), None)

    def sign(self) -> str:
        """A hash over the places of all files, their sizes and the times of their last changes."""
        return digest([_sign(path) for path in self.paths])

    def count(self) -> int:
        """How many rows the files have together. Raises InputError for other files."""
        return sum(
            count_store_rows(path) if is_store(path) else len(open_vectors(path, None, "euclidean"))
            for path in self.paths
        )

    def blocks(self, first: int) -> Iterator[Block]:
        """All rows from that one on, some at a time. Raises InputError for other files."""
        for path in self.paths:
            if is_store(path):
                features = LabelledFeatures.from_arrays(read_arrays(path), str(path))
                size = len(features)
                if first < size:
                    columns = features.vectors("float32"), features.pid, features.camid
                    yield Block(*(column[first:] for column in columns))
            else:
                shard = Shard.open(path, None, "euclidean")
                size = len(shard)
                yield from shard.blocks(choose_rows(shard.vectors.shape[1]), first)
            first = max(0, first - size)


def _sign(path: Path) -> tuple[str, int, int]:
    file = FoldDirectory(path, path).features("features") if path.is_dir() else path
    if not file.is_file():  # which is told when it is read
        return str(file.absolute()), 0, 0
    state = file.stat()
    return str(file.absolute()), state.st_size, state.st_mtime_ns
