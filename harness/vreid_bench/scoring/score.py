"""Scoring without a run: `vreid_bench.score` in Python, and what `vreid-bench score` does with files."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from typing import TYPE_CHECKING, Any

import click

from vreid_bench.contracts.convention import Convention
from vreid_bench.ops.metric import Metric
from vreid_bench.records.record import Record
from vreid_bench.records.run_directory import RunDirectory
from vreid_bench.registry.registry import Registry
from vreid_bench.scoring.array_files import as_array, read_matrix, read_square
from vreid_bench.scoring.conventions import MARS, choose_conventions
from vreid_bench.scoring.distances import Distances, MatrixDistances, Precision, VectorDistances, parse_metric
from vreid_bench.scoring.label_source import LabelSource, Listing, Pair, read_index
from vreid_bench.scoring.labelled_features import LabelledFeatures
from vreid_bench.scoring.report import Report
from vreid_bench.scoring.score_request import ScoreRequest
from vreid_bench.scoring.similarity_check import describe_similarity
from vreid_bench.system.errors import InputError

if TYPE_CHECKING:
    from vreid_bench.scoring.reranking import Reranking

Plugins = Callable[[], Registry]  # builds the registry at the first call


def score(
    query: Mapping[str, Any] | LabelledFeatures,
    gallery: Mapping[str, Any] | LabelledFeatures,
    *,
    metric: Metric = "cosine",
    distance: Any = None,
    conventions: Iterable[Convention | str] = MARS,
    dtype: Precision = "float32",
) -> Report:
    """Rank the gallery for every query and score the ranking under every convention.

    query, gallery: mappings with `embedding` [N, E] or [N, C, E], `pid` [N], `camid` [N], and optionally `valid`,
    `importance` [N, C] and `tracklet` [N]; arrays or tensors. distance: [Q, G], smaller is closer, in the place of
    the embeddings. The gallery's order decides between equal distances. Raises InputError for input that cannot be
    scored. Warns if `distance` looks like similarities.
    """
    source = Pair(_check(query, "query"), _check(gallery, "gallery"))
    rules = choose_conventions(conventions, Registry.installed)
    distances: Distances
    if distance is None:
        distances = VectorDistances(*source.vectors(dtype), parse_metric(metric))
    else:
        distances = MatrixDistances(as_array(distance), dtype)
    counts = distances.count(source.labels)
    if isinstance(distances, MatrixDistances) and (sign := describe_similarity(distances, counts, source.labels)):
        warnings.warn(f"distance: {sign}", stacklevel=2)
    return Report.of(counts, source.labels, rules)


def score_files(request: ScoreRequest) -> Report:
    """Read, check, rank and score. Raises InputError for files and names that cannot be used.

    Prints a warning to stderr if the given distances look like similarities.
    """
    plugins = cache(Registry.installed)  # built when the first plugin is needed, and once
    rules = choose_conventions(request.conventions or _default_conventions(request, plugins), plugins)
    source = _read_labels(request, plugins)
    reranking = _build_reranking(request, plugins)
    given = None if request.distance is None else MatrixDistances(read_matrix(request.distance), request.dtype)
    distances = _read_distances(request, source, given, reranking, plugins)
    part = None if reranking is None else reranking.part
    counts = distances.count(source.labels)
    if given is not None:
        ranked = counts if given is distances else given.count(source.labels)
        if sign := describe_similarity(given, ranked, source.labels):
            click.echo(f"warning: {request.distance}: {sign}", err=True)
    report = Report.of(counts, source.labels, rules, part)
    if not request.rates:
        return report
    assert isinstance(distances, VectorDistances | MatrixDistances), "other distances are refused with --far"
    return report.with_accepts(distances.tiles, request.rates, rules)


def _read_labels(request: ScoreRequest, plugins: Plugins) -> LabelSource:
    if request.query is not None and request.gallery is not None:
        return Pair.from_files(request.query, request.gallery)
    index = None
    if request.protocol is not None and request.info is not None:
        index = read_index(request.protocol, request.info, plugins())
    if request.features is not None:
        return Listing.from_file(request.features, index)
    assert index is not None, "a request has features if it has neither query and gallery nor an index"
    return Listing.from_index(index)


def _build_reranking(request: ScoreRequest, plugins: Plugins) -> Reranking | None:
    if request.rerank is None:
        return None
    from vreid_bench.scoring.reranking import Reranking  # imports scipy.sparse

    return Reranking.of(request.rerank, request.memory, plugins())


def _read_distances(
    request: ScoreRequest,
    source: LabelSource,
    given: MatrixDistances | None,
    reranking: Reranking | None,
    plugins: Plugins,
) -> Distances:
    if given is not None:
        if reranking is None:
            return given
        sides = (request.query_distance, source.labels.query), (request.gallery_distance, source.labels.gallery)
        squares = [read_square(path, len(rows)) for path, rows in sides if path is not None]
        return reranking.of_matrices(given, squares[0], squares[1], parse_metric(str(request.metric)))
    if request.matcher is not None:
        from vreid_bench.scoring.matcher_distances import MatcherDistances  # imports torch

        return MatcherDistances.of(request.matcher, request.metric, source.features(), plugins())
    metric = request.metric or source.metric
    if metric is None:
        raise InputError(
            f"{request.features}: the run compared clips in pairs, not vectors; name its matcher with --matcher"
        )
    vectors = VectorDistances(*source.vectors(request.dtype), parse_metric(metric))
    return vectors if reranking is None else reranking.of_vectors(vectors)


def _default_conventions(request: ScoreRequest, plugins: Plugins) -> tuple[str, ...]:
    """Those of the protocol, else those of the run, its headline first, else those of MARS."""
    if request.protocol is not None:
        return tuple(plugins().get("protocols", request.protocol).conventions)
    if request.features is None or not RunDirectory(request.features).is_finished:
        return MARS
    record = Record.from_file(RunDirectory(request.features).record)
    headline = record.protocol.headline
    return headline, *(name for name in (*record.conventions, *record.not_computable) if name != headline)


def _check(given: Mapping[str, Any] | LabelledFeatures, origin: str) -> LabelledFeatures:
    return given if isinstance(given, LabelledFeatures) else LabelledFeatures.from_arrays(given, origin)
