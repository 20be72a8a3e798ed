"""What a gallery folder is written from: shards of NumPy, read block by block, and the features of runs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from vreid_bench.scoring.array_files import is_store, read_arrays
from vreid_bench.scoring.gallery_shards import Shard, find_shards, is_pattern
from vreid_bench.scoring.labelled_features import LabelledFeatures
from vreid_bench.scoring.ranks.by_parts import ROWS, Block


def read_blocks(files: Iterable[Path], rows: int = ROWS) -> Iterator[Block]:
    """The rows of all files, one after another, at most so many at a time. Raises InputError for other files."""
    for file in files:
        for path in find_shards(file) if is_pattern(file) else [file]:
            if is_store(path):
                features = LabelledFeatures.from_arrays(read_arrays(path), str(path))
                yield Block(features.vectors("float32"), features.pid, features.camid)
            else:
                yield from Shard.open(path, None, "euclidean").blocks(rows)
