"""Scoring without a run: `vreid_bench.score` in Python, and what `vreid-bench score` does with files."""

from __future__ import annotations

import warnings
from collections.abc import Iterable
from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING, Any

from vreid_bench.contracts.convention import Convention
from vreid_bench.contracts.recipe import Part
from vreid_bench.importing.assembly import Imported
from vreid_bench.ops.metric import Metric
from vreid_bench.records.record import Record
from vreid_bench.records.run_directory import RunDirectory
from vreid_bench.registry.missing_plugins import check_conventions
from vreid_bench.registry.registry import Registry
from vreid_bench.scoring.array_files import as_matrix, read_matrix, read_square
from vreid_bench.scoring.conventions import CONVENTIONS, choose_conventions
from vreid_bench.scoring.default_conventions import AS_LISTED, Chosen, choose_default
from vreid_bench.scoring.distances import (
    Distances,
    MatrixDistances,
    PartDistances,
    Precision,
    TileDistances,
    VectorDistances,
    check_precision,
    parse_metric,
)
from vreid_bench.scoring.galleries.sharded_score import is_sharded, score_shards
from vreid_bench.scoring.hints import describe_unused
from vreid_bench.scoring.imports import Plugins, import_objects
from vreid_bench.scoring.label_source import LabelSource, Listing, Pair, read_index
from vreid_bench.scoring.ranks.counting import Counts
from vreid_bench.scoring.ranks.labels import Labels
from vreid_bench.scoring.report import Report
from vreid_bench.scoring.score_request import LOCAL, ScoreRequest
from vreid_bench.scoring.similarity_check import describe_similarity, find_lowest, is_similarity_by_itself
from vreid_bench.scoring.stored_run import check_stored_test
from vreid_bench.system.errors import InputError
from vreid_bench.system.terminal import echo

if TYPE_CHECKING:
    from vreid_bench.scoring.reranking import Reranking


def score(
    query: Any,
    gallery: Any = None,
    *,
    metric: Metric | None = None,
    distance: Any = None,
    conventions: Iterable[Convention | str] | None = None,
    dtype: Precision = "float32",
) -> Report:
    """Rank the gallery for every query and score the ranking under every convention.

    query, gallery: mappings or data frames with `embedding` [N, E] or [N, C, E], `pid` [N], `camid` [N], and optionally
    `valid`, `importance` [N, C] and `tracklet` [N], or with the names that other programs use; arrays, tensors or
    lists, labels as numbers or texts. Without `gallery`, `query` holds both sides, for instance under `qf`, `gf`,
    `q_pids`, ..., or is a file or a folder that `vreid-bench score` reads. metric: cosine unless it is named, Euclidean
    for features of body parts. distance: [Q, G], smaller is closer, in the place of the embeddings. conventions: those
    of MARS; where no cameras are given, or the gallery lacks a query, `gallery-as-listed`. The gallery's order decides
    between equal distances, unless a convention has `ties="expected"`.

    Raises InputError for input that cannot be scored. Warns if `distance` looks like similarities.
    """
    check_precision(dtype)
    given = import_objects(query, gallery, distance is not None)
    source, parts = (Pair.of(given), given.parts) if isinstance(given, Imported) else (given, False)
    matrix = given.distance if distance is None and isinstance(given, Imported) else distance
    similar = matrix is not distance and isinstance(given, Imported) and given.similar
    source.check_once()
    named = Chosen(()) if conventions is not None else choose_default(source.labels, source.query.has_cameras)
    rules = check_cameras(choose_conventions(conventions or named.names, Registry.installed), source)
    labels = source.labels.for_conventions(rules)
    distances: Distances
    if matrix is None:
        distances = compare_vectors(source, metric, dtype, parts)
    else:
        distances = MatrixDistances(as_matrix(matrix, "distance"), dtype, similar)
    counts = distances.count(labels)
    if isinstance(distances, MatrixDistances) and (sign := describe_similarity(distances, counts, labels)):
        warnings.warn(f"distance: {sign}", stacklevel=2)
    return _report(counts, labels, rules, distances).saying(named.note, describe_unused(source.unused))


def score_files(request: ScoreRequest) -> Report:
    """Read, check, rank and score. Raises InputError for files and names that cannot be used.

    Prints a warning to stderr if the given distances look like similarities.
    """
    plugins = cache(Registry.installed)  # built when the first plugin is needed, and once
    if request.gallery is not None and is_sharded(request.gallery):
        return score_shards(request, plugins)
    if request.workers not in (None, 1) or request.executor != LOCAL:
        option = "--executor" if request.executor != LOCAL else "--workers"
        raise InputError(f"{option}: is for a gallery in shards; leave it out, all cores count already")
    if request.candidates is not None:
        raise InputError("--candidates: is for a gallery in shards; leave it out, the whole gallery is re-ranked")
    request = _take_store(request)
    if request.conventions:
        choose_conventions(request.conventions, plugins)  # a wrong name is reported before anything is read
    imported = _import(request, plugins)
    source = _read_labels(request, plugins) if imported is None else Pair.of(imported)
    if isinstance(source, Pair):
        source.check_once()
    named = Chosen(request.conventions) if request.conventions else _default_conventions(request, source, plugins)
    rules = check_cameras(choose_conventions(named.names, plugins), source)
    if request.ties is not None:
        rules = tuple(replace(rule, ties=request.ties) for rule in rules)
    labels = source.labels.for_conventions(rules)
    reranking = _build_reranking(request, plugins)
    given = _read_given(request, imported, source)
    if imported is not None and imported.parts and given is None:
        distances: Distances = _compare_parts(request, source, reranking)
    else:
        distances = _read_distances(request, source, given, reranking, plugins)
    part = None if reranking is None else reranking.part
    counts = distances.count(labels)
    if given is not None and request.similarity is None and request.distance is not None:
        ranked = counts if given is distances else given.count(labels)
        if sign := describe_similarity(given, ranked, labels):
            echo(f"warning: {request.distance}: {sign}", err=True)
    report = _report(counts, labels, rules, distances, part).saying(named.note, describe_unused(source.unused))
    report = report.with_cuts(request.depths, rules).broken_down(request.by)
    if request.precisions:
        if not isinstance(distances, VectorDistances):
            raise InputError("--precision: rounds one vector for each tracklet, compared by a metric; leave it out")
        sides, metric = source.vectors(request.dtype), distances.metric
        rounded = {to: VectorDistances.of_rounded(*sides, metric, to) for to in request.precisions}
        report = report.with_precisions({to: those.count(labels) for to, those in rounded.items()}, rules)
    report = replace(report, files=imported.files if imported is not None and request.files else {})
    if not request.rates:
        return report
    assert isinstance(distances, TileDistances), "other distances are refused with --far"
    return report.with_accepts(distances.tiles, request.rates, rules)


def _report(
    counts: Counts, labels: Labels, rules: tuple[Convention, ...], distances: Distances, part: Part | None = None
) -> Report:
    """The report with its notes; ties are scored as each convention says.

    Raises InputError if no convention can be applied, and for ties that are to be expected of distances without tiles.
    """
    report = Report.of(counts, labels, [replace(rule, ties="listed") for rule in rules], part)
    expected = [rule for rule in rules if rule.ties == "expected"]
    if expected:
        if not isinstance(distances, TileDistances):
            raise InputError("--ties expected needs vectors or a matrix of distances; leave out --matcher")
        report = report.expecting_ties(distances, expected)
    return report.noting(distances, rules)


def check_cameras(rules: tuple[Convention, ...], source: LabelSource) -> tuple[Convention, ...]:
    """The conventions themselves. Raises InputError for one whose rule is about cameras where none are known."""
    if not isinstance(source, Pair) or source.query.has_cameras:
        return rules
    needing = [rule.name for rule in rules if rule.queries_in_gallery is not None]
    if needing:
        raise InputError(
            f"{source.query.origin}: has no array 'camid', and {needing[0]} leaves out what the query's own camera "
            f"shows; add the cameras, or take a convention that needs none: {', '.join(AS_LISTED)}"
        )
    return rules


def compare_vectors(source: LabelSource, metric: str | None, dtype: Precision, parts: bool) -> Distances:
    """The distances of embeddings: of one vector each, or of a vector of each body part."""
    if not parts or not isinstance(source, Pair):
        return VectorDistances.of(*source.vectors(dtype), parse_metric(metric or "cosine"))
    assert source.query.embedding is not None, "parts are features"
    assert source.gallery.embedding is not None, "parts are features"
    return PartDistances(source.query.embedding, source.gallery.embedding, parse_metric(metric or "euclidean"))


def _take_store(request: ScoreRequest) -> ScoreRequest:
    """A run or its feature store among the files by themselves is read as --features reads it."""
    return request if request.store is None else replace(request, features=request.store, files=())


def _import(request: ScoreRequest, plugins: Plugins) -> Imported | None:
    """What files of other programs hold; None where a run or an index has the labels. Prints what each key became."""
    if not request.files and request.query is None:
        return None
    index = None
    if request.protocol is not None and request.info is not None:
        index = read_index(request.protocol, request.info, plugins())
    return request.read(plugins, request.pool, index, given=request.distance is not None)


def _read_given(request: ScoreRequest, imported: Imported | None, source: LabelSource) -> MatrixDistances | None:
    """The distances that are given; those among other arrays must be told from similarities."""
    if request.distance is not None:
        if request.similarity and request.rerank is not None:
            raise InputError("--rerank needs distances; give 1 - similarity, and leave out --similarity")
        return MatrixDistances(read_matrix(request.distance), request.dtype, bool(request.similarity))
    asked = request.metric or request.matcher or request.rerank
    if imported is not None and imported.distance is not None and asked:
        if "embedding" in imported.query and "embedding" in imported.gallery:
            return None  # the files have features, too
        raise InputError(
            f"{', '.join(imported.files)}: the distances are computed already; leave out --metric, --matcher, --rerank"
        )
    if imported is None or imported.distance is None:
        if request.similarity is not None:
            raise InputError("--similarity: no distances are given; leave it out")
        return None
    similar = imported.similar if request.similarity is None else request.similarity
    given = MatrixDistances(imported.distance, request.dtype, similar)
    if request.similarity is None and not similar:
        counts = given.count(source.labels)
        if is_similarity_by_itself(given, source.labels):
            echo("the queries are the farthest items from themselves -> similarities, larger is closer", err=True)
            return replace(given, similar=True)
        if sign := describe_similarity(given, counts, source.labels):
            raise InputError(f"{', '.join(imported.files)}: {sign}, or say which with --similarity or --no-similarity")
        if (lowest := find_lowest(given)) < 0:
            echo(f"the distances go down to {lowest:.3g} -> negative similarities, smaller is closer", err=True)
    return given


def _compare_parts(request: ScoreRequest, source: LabelSource, reranking: Reranking | None) -> Distances:
    if reranking is not None or request.matcher is not None:
        raise InputError("--rerank and --matcher need one vector for each tracklet, not one for each body part")
    return compare_vectors(source, request.metric, request.dtype, parts=True)


def _read_labels(request: ScoreRequest, plugins: Plugins) -> LabelSource:
    index = None
    if request.protocol is not None and request.info is not None:
        index = read_index(request.protocol, request.info, plugins())
    if request.features is not None:
        check_stored_test(request.features)
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
    vectors = VectorDistances.of(*source.vectors(request.dtype), parse_metric(metric))
    return vectors if reranking is None else reranking.of_vectors(vectors)


def _default_conventions(request: ScoreRequest, source: LabelSource, plugins: Plugins) -> Chosen:
    """Those of the protocol, else those of the run, its headline first, else as the labels are."""
    cameras = not isinstance(source, Pair) or source.query.has_cameras
    if not cameras:
        return choose_default(source.labels, cameras)
    if request.protocol is not None:
        return Chosen(tuple(plugins().get("protocols", request.protocol).conventions))
    if request.features is None or not RunDirectory(request.features).is_finished:
        return choose_default(source.labels)
    record = Record.from_file(RunDirectory(request.features).record)
    headline = record.protocol.headline
    names = headline, *(name for name in (*record.conventions, *record.not_computable) if name != headline)
    others = [name for name in names if name not in {convention.name for convention in CONVENTIONS}]
    if others:
        providers = [each.model_dump() for each in record.method.providers]
        check_conventions(request.features, providers, others, plugins())
    return Chosen(names)
