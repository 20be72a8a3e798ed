"""Scores of queries against a gallery in shards, whose vectors are never in memory together."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

import numpy as np

from vreid_bench.contracts.convention import Convention
from vreid_bench.contracts.task_executor import TaskExecutor
from vreid_bench.ops.metric import Metric
from vreid_bench.registry.assignments import parse_part
from vreid_bench.registry.registry import Registry
from vreid_bench.scoring.array_files import Array, read_arrays
from vreid_bench.scoring.conventions import choose_conventions
from vreid_bench.scoring.default_conventions import Chosen, choose_default
from vreid_bench.scoring.distances import parse_metric
from vreid_bench.scoring.galleries.folder import open_shards
from vreid_bench.scoring.galleries.manifest import Stored, is_gallery, read_manifest
from vreid_bench.scoring.galleries.shards import Shard, find_shards, is_pattern
from vreid_bench.scoring.hints import describe_unused
from vreid_bench.scoring.imports import Plugins
from vreid_bench.scoring.labelled_features import LabelledFeatures
from vreid_bench.scoring.ranks.by_parts import Block, Part, Ranking, choose_rows
from vreid_bench.scoring.ranks.by_workers import SharedGallery
from vreid_bench.scoring.ranks.counting import Counts
from vreid_bench.scoring.report import Report
from vreid_bench.scoring.rerank.first_ranks import FirstRanks
from vreid_bench.scoring.rounding import Rounding, round_vectors
from vreid_bench.scoring.score_request import CANDIDATES, LOCAL, ScoreRequest
from vreid_bench.system.errors import InputError
from vreid_bench.system.worker_processes import WorkerProcesses

READ = ("embedding", "valid", "importance", "pid", "camid", "tracklet")  # of the queries


@dataclass(frozen=True)
class Rounded:
    """A part of a gallery whose vectors are rounded when they are read."""

    part: Part
    to: Rounding
    dtype: np.dtype[np.generic]  # of the queries, which vectors have before they are rounded

    def __len__(self) -> int:
        return len(self.part)

    def blocks(self, rows: int) -> Iterator[Block]:
        """As the part's, rounded."""
        for block in self.part.blocks(rows):
            yield block._replace(vectors=round_vectors(block.vectors.astype(self.dtype), self.to))


def is_sharded(path: Path) -> bool:
    """Does a path name a gallery in shards: a folder with a manifest, or a pattern such as `shard-*.npz`?"""
    return is_gallery(path) or is_pattern(path)


def score_shards(request: ScoreRequest, plugins: Plugins) -> Report:
    """Score queries against a gallery in shards.

    The first pass keeps the items of people who are asked for, the second counts what is nearer; of one shard at a time
    the labels are in memory. Shards of a pattern are joined in the order of the numbers in their names. A query is
    found in the gallery by its identical vector, as elsewhere: queries are rounded as a gallery folder stores its
    vectors. Raises InputError for shards that do not fit together, and for what needs all distances.
    """
    assert request.query is not None, "a request with a gallery has queries"
    assert request.gallery is not None, "it names the shards"
    _refuse_options(request)
    if request.conventions:
        _refuse_attributes(choose_conventions(request.conventions, plugins))
    arrays = read_arrays(request.query)
    query = LabelledFeatures.from_arrays(arrays, str(request.query))
    query.check_once()
    vectors = query.vectors(request.dtype)
    executor = _choose_executor(request, plugins)
    # workers on another machine begin in another folder
    path = request.gallery if executor is None else request.gallery.absolute()
    opened = _open_gallery(path, vectors.shape[1], request.metric)
    if opened.stored is not None:
        vectors = _round_as_stored(vectors, opened.stored)
    gallery = SharedGallery(opened.parts, executor, request.workers, choose_rows(vectors.shape[1]))
    known = gallery.find(np.unique(query.pid), vectors.dtype)
    labels = known.label(vectors, query.pid, query.camid)
    named = Chosen(request.conventions) if request.conventions else choose_default(labels)
    rules = choose_conventions(named.names, plugins)
    labels = labels.for_conventions(rules)
    counts = gallery.count(vectors, known, labels, opened.metric)
    unused = describe_unused(_list_unused(request.query, arrays, opened.parts), sharded=True)
    if request.rerank is not None:
        ranking = Ranking(vectors, known, labels, opened.metric, counts)
        return _score_reranked(request, plugins(), gallery, ranking, rules).saying(named.note, unused)
    report = Report.of(counts, labels, rules).with_cuts(request.depths, rules).saying(named.note, unused)
    rounded: dict[str, Counts] = {}
    for to in request.precisions:
        kept = known._replace(vectors=round_vectors(known.vectors, to))
        parts = [Rounded(shard, to, vectors.dtype) for shard in opened.parts]
        rounded[to] = replace(gallery, parts=parts).count(round_vectors(vectors, to), kept, labels, opened.metric)
    return report.with_precisions(rounded, rules)


def _list_unused(query: Path, arrays: Mapping[str, Array], parts: Sequence[Part]) -> dict[str, list[str]]:
    """File -> the names of its arrays that are not read; of a gallery folder, all are."""
    found = {str(query): [name for name in arrays if name not in READ]}
    found |= {str(part.vectors.path): part.list_unused() for part in parts if isinstance(part, Shard)}
    return {file: names for file, names in found.items() if names}


def _refuse_options(request: ScoreRequest) -> None:
    """Raise InputError for what is not computed of shards."""
    asked: dict[str, object] = {
        "--distance": request.distance,
        "--matcher": request.matcher,
        "--similarity": request.similarity,
        "--pool": request.pool,
        "--far": request.rates or None,
        "--by": request.by or None,
        "--ties expected": request.ties,
        "--precision with --rerank": request.precisions if request.rerank is not None else None,
    }
    refused = [option for option, value in asked.items() if value not in (None, (), "listed")]
    if refused:
        raise InputError(f"{refused[0]}: is not computed of a gallery in shards; leave it out, or give one file")


def _refuse_attributes(rules: Sequence[Convention]) -> None:
    """Raise InputError, before anything is read, if every convention reads what shards do not have."""
    asking = [rule for rule in rules if rule.attributes or rule.least_frames]
    if len(asking) == len(rules):
        what = ", ".join(dict.fromkeys(name for rule in asking for name in rule.attributes)) or "the number of frames"
        raise InputError(
            f"--convention {asking[0].name}: reads {what}, and shards have pid and camid alone; score one file, or "
            "choose another convention"
        )


def _score_reranked(
    request: ScoreRequest, registry: Registry, gallery: SharedGallery, ranked: Ranking, rules: Sequence[Convention]
) -> Report:
    """The scores after the first ranks of every query were re-ranked among themselves."""
    from vreid_bench.scoring.rerank.k_reciprocal import rerank_features  # imports scipy.sparse
    from vreid_bench.scoring.reranking import Reranking

    query, known, labels, metric, counts = ranked
    reranking = Reranking.of(str(request.rerank), request.memory, registry)
    nearest = gallery.nearest(query, metric, request.candidates or CANDIDATES)
    first = FirstRanks(nearest, gallery.collect(np.unique(nearest.places), query.dtype))
    distance = rerank_features(reranking.reranker, (query, first.items.vectors), metric, request.memory)
    report = Report.of(first.reorder(distance, counts, known, labels), labels, rules, reranking.part)
    depth, rows = nearest.places.shape[1], sum(map(len, gallery.parts))
    note = (
        f"re-ranking: the first {depth:,} items of each query, {len(first.items.places):,} in all, were re-ranked "
        "among themselves, and the others come after them as before; this approximates the re-ranking of a whole "
        "gallery"
    )
    if depth == rows:
        note = f"re-ranking: all {rows:,} items of the gallery were re-ranked, as where they are in one file"
    return report.with_cuts(request.depths, rules).saying(note)


def _choose_executor(request: ScoreRequest, plugins: Plugins) -> TaskExecutor | None:
    """Who reads the gallery; None for this process. Raises InputError for an executor of boards alone."""
    if request.executor == LOCAL:  # which needs no plugins
        return WorkerProcesses(request.workers) if request.workers not in (None, 1) else None
    registry = plugins()
    part = parse_part("executors", request.executor, registry)
    executor = registry.factory("executors", part)(request.workers)
    if not hasattr(executor, "map_tasks"):
        raise InputError(f"--executor {part.name}: makes rows of boards, and no scores; use local or ray")
    chosen: TaskExecutor = executor
    return chosen


class Opened(NamedTuple):
    """A gallery in shards."""

    parts: Sequence[Part]
    stored: Stored | None  # what its vectors were rounded to, if that is known
    metric: Metric  # by which it is ranked


def _open_gallery(path: Path, width: int, asked: str | None) -> Opened:
    """A folder or a pattern of shards. Raises InputError for vectors of another width than the queries'.

    asked: the metric that the user names; otherwise it is that of the manifest, or cosine.
    """
    if not is_gallery(path):
        metric = parse_metric(asked or "cosine")
        return Opened([Shard.open(shard, width, metric) for shard in find_shards(path)], None, metric)
    manifest = read_manifest(path)
    if manifest.dim != width:
        raise InputError(
            f"{path}: has vectors of {manifest.dim} numbers, the queries of {width}; they must come from one model"
        )
    metric = parse_metric(asked or manifest.metric or "cosine")
    return Opened(open_shards(path, manifest, metric), manifest.dtype, metric)


def _round_as_stored(vectors: Array, dtype: Stored) -> Array:
    """The vectors [N, E] as they come back from a folder, in the type that they have now."""
    if dtype == "float16":
        return round_vectors(vectors, "fp16")
    if dtype == "int8":
        return round_vectors(vectors, "int8")
    return vectors.astype(dtype).astype(vectors.dtype)
