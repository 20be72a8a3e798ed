"""Galleries larger than memory: shards on disk, which are read block by block (`score --gallery 'shard-*.npz'`)."""

from __future__ import annotations

import re
import struct
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from vreid_bench.ops.metric import Metric
from vreid_bench.records.npz import read_npz
from vreid_bench.scoring.array_files import Array, read_arrays
from vreid_bench.scoring.conventions import MARS, choose_conventions
from vreid_bench.scoring.distances import parse_metric
from vreid_bench.scoring.imports import Plugins
from vreid_bench.scoring.labelled_features import LabelledFeatures
from vreid_bench.scoring.ranks.by_parts import count_from_parts
from vreid_bench.scoring.ranks.labels import Ints, Labels
from vreid_bench.scoring.report import Report
from vreid_bench.scoring.score_request import ScoreRequest
from vreid_bench.system.errors import InputError

WRITE = "write each shard by numpy.savez with embedding [N, E], pid [N] and camid [N]"
LOCAL_HEADER = struct.Struct("<26xHH")  # of a zip member: the lengths of its name and of its extra field


@dataclass(frozen=True)
class VectorFile:
    """The vectors of a shard [N, E], left on disk. A slice of it is read, and raises InputError for a bad row."""

    path: Path
    offset: int  # of the first number, in bytes
    shape: tuple[int, int]
    dtype: np.dtype[np.floating]
    cosine: bool  # are vectors of zeros bad, too?

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, rows: slice) -> Array:
        first, last, _ = rows.indices(len(self))
        width = self.shape[1]
        offset = self.offset + first * width * self.dtype.itemsize
        numbers = np.fromfile(self.path, self.dtype, (last - first) * width, offset=offset)
        if len(numbers) < (last - first) * width:
            raise InputError(f"{self.path}: ends before its {len(self):,} rows do; copy it again")
        block = numbers.reshape(-1, width)
        bad = ~np.isfinite(block).all(1) | (self.cosine & ~block.any(1))
        if bad.any():
            row = first + int(bad.argmax())
            what = "is not finite" if not np.isfinite(block[row - first]).all() else "is zero, which has no direction"
            raise InputError(f"{self.path}: row {row} of embedding {what}; correct it")
        return block


def is_pattern(path: Path) -> bool:
    """Does a path name shards by a pattern, such as `shard-*.npz`?"""
    return re.search(r"[*?\[]", path.name) is not None and not path.exists()


def score_shards(request: ScoreRequest, plugins: Plugins) -> Report:
    """Score queries against a gallery in shards, whose vectors are never in memory together.

    The first pass keeps the vectors of matches and junk, the second counts what is nearer. Labels are kept: 24 bytes
    for each item. Shards are joined in the order of the numbers in their names. A query is found in the gallery by its
    identical vector, as elsewhere. Raises InputError for shards that do not fit together, and for what needs all
    distances.
    """
    assert request.query is not None, "a request with a gallery has queries"
    assert request.gallery is not None, "it names the shards"
    asked: dict[str, object] = {
        "--distance": request.distance,
        "--matcher": request.matcher,
        "--rerank": request.rerank,
        "--far": request.rates or None,
        "--by": request.by or None,
        "--ties expected": request.ties,
    }
    refused = [option for option, value in asked.items() if value not in (None, "listed")]
    if refused:
        raise InputError(f"{refused[0]}: is not computed of a gallery in shards; leave it out, or give one file")
    metric = parse_metric(request.metric or "cosine")
    query = LabelledFeatures.from_arrays(read_arrays(request.query), str(request.query))
    vectors = query.vectors(request.dtype)
    paths = find_shards(request.gallery)
    parts = [open_vectors(path, vectors.shape[1], metric) for path in paths]
    labels = read_labels(paths, parts, query, vectors)
    within = bool((labels.own >= 0).all())
    rules = choose_conventions(request.conventions or (MARS if within else ("gallery-as-listed",)), plugins)
    labels = labels.for_conventions(rules)
    counts = count_from_parts(vectors, parts, labels, metric)
    return Report.of(counts, labels, rules).with_cuts(request.depths, rules)


def find_shards(pattern: Path) -> list[Path]:
    """The files of a pattern, in the order of the numbers in their names. Raises InputError if there is none."""
    found = sorted(pattern.parent.glob(pattern.name), key=_natural)
    if not found:
        raise InputError(f"{pattern}: no file has such a name; {WRITE}")
    return found


def open_vectors(path: Path, width: int, metric: Metric) -> VectorFile:
    """The vectors of a shard, which stay on disk. Raises InputError for a file that is no shard."""
    try:
        with zipfile.ZipFile(path) as archive, path.open("rb") as file:
            member = archive.getinfo("embedding.npy")
            if member.compress_type != zipfile.ZIP_STORED:
                raise InputError(f"{path}: embedding is compressed, expected numpy.savez and not savez_compressed")
            file.seek(member.header_offset)
            file.seek(sum(LOCAL_HEADER.unpack(file.read(LOCAL_HEADER.size))), 1)
            begin = file.tell()
            version = np.lib.format.read_magic(file)
            read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
            shape, fortran, dtype = read(file)
            offset = file.tell()
    except KeyError:
        raise InputError(f"{path}: has no array 'embedding'; {WRITE}") from None
    except (OSError, ValueError, struct.error, zipfile.BadZipFile) as fault:
        raise InputError(f"{path}: cannot be read as npz ({fault}); {WRITE}") from fault
    if len(shape) != 2 or shape[1] != width or dtype.kind != "f" or fortran:
        found = f"{dtype} {list(shape)}" + (", column by column" if fortran else "")
        raise InputError(f"{path}: embedding is {found}, expected floats [N, {width}] row by row, as the queries")
    if shape[0] * width * dtype.itemsize > member.file_size - (offset - begin):
        raise InputError(f"{path}: embedding claims {list(shape)}, which the file does not hold; copy it again")
    return VectorFile(path, offset, (shape[0], width), dtype, metric == "cosine")


def read_labels(paths: Sequence[Path], parts: Sequence[VectorFile], query: LabelledFeatures, vectors: Array) -> Labels:
    """Gallery and queries as one list of test tracklets; a query that is a gallery item is not listed twice."""
    size = sum(map(len, parts))
    pids, camids = np.empty(size + len(query), np.int64), np.empty(size + len(query), np.int64)
    place = 0
    for path, part in zip(paths, parts, strict=True):
        own = LabelledFeatures.from_arrays(read_npz(path, ("pid", "camid")), str(path))
        if len(own) != len(part):
            raise InputError(f"{path}: has {len(own):,} labels, expected one for each of its {len(part):,} rows")
        pids[place : place + len(own)], camids[place : place + len(own)] = own.pid, own.camid
        place += len(own)
    found = _find_queries(parts, pids[:size], camids[:size], query, vectors)
    new = found < 0
    number = int(new.sum())
    pids[size : size + number], camids[size : size + number] = query.pid[new], query.camid[new]
    row = np.where(new, size + np.cumsum(new) - 1, found)
    return Labels(pids[: size + number], camids[: size + number], row, np.arange(size))


def _find_queries(
    parts: Sequence[VectorFile], pids: Ints, camids: Ints, query: LabelledFeatures, vectors: Array
) -> Ints:
    """The gallery item of each query itself, -1 where it is not there: [Q]."""
    found = np.full(len(query), -1)
    candidates = np.flatnonzero(np.isin(pids, query.pid))
    candidates = candidates[np.isin(camids[candidates], query.camid)]
    for place, vector in _read_rows(parts, candidates):
        same = (query.pid == pids[place]) & (query.camid == camids[place]) & (found < 0)
        for asked in np.flatnonzero(same):
            if np.array_equal(vectors[asked], vector.astype(vectors.dtype)):
                found[asked] = place
    return found


def _read_rows(parts: Sequence[VectorFile], places: Ints) -> Iterator[tuple[int, Array]]:
    """Single items of the gallery, in order."""
    begin = np.cumsum([0, *map(len, parts)])
    owner = np.searchsorted(begin, places, "right") - 1
    for place, number in zip(places.tolist(), owner.tolist(), strict=True):
        row = place - int(begin[number])
        yield place, parts[number][row : row + 1][0]


def _natural(path: Path) -> list[tuple[int, str]]:
    """A key that puts shard-2 before shard-10."""
    return [(int(text), "") if text.isdecimal() else (-1, text) for text in re.split(r"(\d+)", path.name)]
