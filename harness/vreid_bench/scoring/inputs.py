"""What `vreid-bench score` is given, from files to a report."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from vreid_bench.contracts.recipe import Part
from vreid_bench.scoring.features import STORE, Array, Features, read_arrays, read_matrix, read_square
from vreid_bench.scoring.ranks.counting import Counts, Tile
from vreid_bench.scoring.ranks.labels import Labels
from vreid_bench.scoring.rerank.items import RERANK_MEMORY
from vreid_bench.scoring.score import (
    METRICS,
    Precision,
    Report,
    comparable,
    fitting,
    from_matrix,
    from_vectors,
    labelled,
    matrix_tiles,
    named,
)
from vreid_bench.scoring.true_accept_rate import distance_tiles
from vreid_bench.system.errors import InputError

ROLES = ("pid", "camid", "query", "gallery")  # the labels that a run's feature store carries


@dataclass(frozen=True)
class Request:
    """What the command line asked for."""

    query: Path | None = None
    gallery: Path | None = None
    distance: Path | None = None
    query_distance: Path | None = None  # [Q, Q] and
    gallery_distance: Path | None = None  # [G, G], which re-ranking from distances needs, too
    features: Path | None = None
    protocol: str | None = None
    info: Path | None = None
    metric: str | None = None  # None: as the run compared its features, else cosine
    matcher: str | None = None
    dtype: Precision = "float32"
    conventions: tuple[str, ...] = ()
    rerank: str | None = None  # a re-ranker, with options as `settings.parse_part` reads them
    memory: int = RERANK_MEMORY  # bytes for re-ranking
    rates: tuple[float, ...] = ()  # false accept rates


class Compared(NamedTuple):
    """A ranking, and the distances behind it for who wants to see them again."""

    labels: Labels
    counts: Counts
    tiles: Callable[[], Iterable[Tile]]


def score_files(request: Request) -> Report:
    """Read, check, rank and score. Raises InputError for files or options that do not fit together."""
    if request.rates and (request.matcher is not None or request.rerank is not None):
        raise InputError(
            "--far wants distances that compare over queries, which a matcher or a re-ranker need not give; "
            "leave one out"
        )
    if (request.query_distance or request.gallery_distance) and not (request.distance and request.rerank):
        raise InputError("--query-distance and --gallery-distance are for --rerank with --distance; leave them out")
    labels, counts, tiles = _listed(request) if request.features or request.info else _paired(request)
    conventions = named(request.conventions or _conventions(request.protocol))
    report = Report.of(counts, labels, conventions, reranker(request))
    return report.with_accepts(tiles, request.rates, conventions) if request.rates else report


def _paired(request: Request) -> Compared:
    """Query and gallery in a file each, and distances in a third or none."""
    if request.query is None or request.gallery is None:
        raise InputError("wanted --query and --gallery, or --features, or --distance with --protocol and --info")
    query, gallery = (Features.of(read_arrays(path), str(path)) for path in (request.query, request.gallery))
    for features in (query, gallery):
        features.check_once()
    labels = labelled(query, gallery)
    if request.distance is not None:
        return _from_distance(request.distance, labels, request)
    if request.matcher is not None:
        return _matched(_joined(query, gallery, labels), labels, request)
    vectors = [features.vectors(request.dtype) for features in (query, gallery)]
    return _ranked(vectors[0], vectors[1], labels, request.metric or "cosine", request)


def _listed(request: Request) -> Compared:
    """All test tracklets in one file, their roles from the dataset's index or from the file itself."""
    if request.query is not None or request.gallery is not None:
        raise InputError("--query and --gallery bring labels of their own; leave out --features and --info")
    if request.features is None:
        if request.distance is None:
            raise InputError("--info gives labels; add --features FILE or --distance FILE")
        labels = _roles(request, {}, "")
        return _from_distance(request.distance, labels, request)
    if request.distance is not None:
        raise InputError("--features and --distance: give one of the two")
    origin, arrays = str(request.features), read_arrays(request.features)
    labels = _roles(request, arrays, origin)
    features = Features.of(_unpacked(arrays) | {"pid": labels.pids, "camid": labels.camids}, origin)
    features.check_once()
    if request.matcher is not None:
        return _matched(features, labels, request)
    metric = request.metric or _metric(request.features)
    vectors = features.vectors(request.dtype)
    return _ranked(vectors[labels.query], vectors[labels.gallery], labels, metric, request)


def _roles(request: Request, arrays: Mapping[str, Array], origin: str) -> Labels:
    """Labels from `--protocol` and `--info`, else from the file; if it has labels too, they must agree."""
    if request.info is None and request.protocol is None:
        missing = [name for name in ROLES if name not in arrays]
        if missing:
            raise InputError(
                f"{origin}: has no array {missing[0]!r}; name --protocol and --info, which have the labels"
            )
        return Labels(*(np.asarray(arrays[name], np.int64) for name in ROLES))
    if request.info is None or request.protocol is None:
        raise InputError("--protocol and --info go together: whose index files, and the folder that holds them")
    from vreid_bench.contracts.dataset import RolesReader
    from vreid_bench.registry.registry import Registry

    registry = Registry.installed()
    dataset = registry.get("protocols", request.protocol).dataset
    reader = registry.get("datasets", dataset)
    if not isinstance(reader, RolesReader):
        raise InputError(f"--protocol {request.protocol}: {dataset} has no index files that give labels without frames")
    labels = Labels(*(np.asarray(column, np.int64) for column in reader.roles(request.info)))
    for name, wanted in (("pid", labels.pids), ("camid", labels.camids)):
        if name in arrays and not np.array_equal(arrays[name], wanted):
            raise InputError(f"{origin}: its {name} differ from those in {request.info}; rows must be in that order")
    if "embedding" in arrays and len(_unpacked(arrays)["embedding"]) != len(labels.pids):
        found = len(_unpacked(arrays)["embedding"])
        raise InputError(f"{origin}: has {found} tracklets, {request.info} lists {len(labels.pids)}")
    return labels


def _unpacked(arrays: Mapping[str, Array]) -> dict[str, Array]:
    """Arrays by tracklet: the clips that a run's store packs one after another are put in a row each."""
    counts = arrays.get("counts")
    if counts is None:
        return dict(arrays)
    kept = {name: value for name, value in arrays.items() if name not in ("counts", "embedding", "importance")}
    if (counts == 1).all():
        return kept | {"embedding": arrays["embedding"]}
    valid = np.arange(counts.max()) < counts[:, None]  # [N, C]
    kept["valid"] = valid
    for name in ("embedding", "importance"):
        kept[name] = np.zeros((*valid.shape, *arrays[name].shape[1:]), np.float32)
        kept[name][valid] = arrays[name]
    return kept


def _metric(path: Path) -> str:
    """How a run compared the vectors in its store; cosine for other files. Raises InputError for clip pairs."""
    file = path / STORE if path.is_dir() else path
    if file.suffix != ".safetensors":
        return "cosine"
    from safetensors import safe_open

    with safe_open(file, "numpy") as store:
        metadata = store.metadata() or {}
    if "metric" not in metadata:
        raise InputError(f"{file}: the run compared clips in pairs, not vectors; name its matcher with --matcher")
    return str(metadata["metric"])


def _ranked(query: Array, gallery: Array, labels: Labels, metric: str, request: Request) -> Compared:
    part = reranker(request)
    if part is None:
        counts = from_vectors(query, gallery, labels, metric)
        return Compared(labels, counts, partial(distance_tiles, query, gallery, metric))
    from vreid_bench.registry.registry import Registry
    from vreid_bench.scoring.rerank.k_reciprocal import count_reranked_features

    comparable(query, gallery, metric)
    built = Registry.installed().factory("rerankers", part)()
    counts = count_reranked_features(built, (query, gallery), labels, metric, request.memory)  # type: ignore[arg-type]  # checked above
    return Compared(labels, counts, list)


def reranker(request: Request) -> Part | None:
    """The re-ranker that was asked for, with every option."""
    if request.rerank is None:
        return None
    from vreid_bench.registry.registry import Registry
    from vreid_bench.registry.settings import parse_part

    return parse_part("rerankers", request.rerank, Registry.installed())


def _from_distance(path: Path, labels: Labels, request: Request) -> Compared:
    part = reranker(request)
    if request.matcher is not None or (request.metric is not None and part is None):
        raise InputError("--distance: the distances are there already; leave out --metric and --matcher")
    matrix = read_matrix(path)
    if part is not None:
        return Compared(labels, _from_distances(matrix, labels, request, part), list)
    return Compared(labels, from_matrix(matrix, labels, request.dtype), partial(matrix_tiles, matrix, request.dtype))


def _from_distances(matrix: Array, labels: Labels, request: Request, part: Part) -> Counts:
    """Re-rank by given distances, for which those among queries and among gallery items are wanted, too."""
    from vreid_bench.registry.registry import Registry
    from vreid_bench.scoring.rerank.k_reciprocal import count_reranked_distances

    if request.query_distance is None or request.gallery_distance is None:
        raise InputError(
            "--rerank with --distance: add --query-distance FILE, the distances among the queries [Q, Q], and "
            "--gallery-distance FILE, those among the gallery [G, G], or give features instead"
        )
    if request.metric not in METRICS:
        raise InputError(
            f"--rerank with --distance: wanted --metric with what the distances are, one of {', '.join(METRICS)}, "
            f"got {request.metric}"
        )
    fitting(matrix, labels)
    within_query = read_square(request.query_distance, len(labels.query))
    within_gallery = read_square(request.gallery_distance, len(labels.gallery))
    built = Registry.installed().factory("rerankers", part)()
    metric: Any = request.metric  # one of METRICS
    return count_reranked_distances(built, (within_query, matrix, within_gallery), labels, metric)


def _joined(query: Features, gallery: Features, labels: Labels) -> Features:
    """Query and gallery as one list, in the order of `labels`."""
    new = labels.query >= len(gallery)
    columns: dict[str, Any] = {}
    for name in ("embedding", "valid", "importance"):
        both = getattr(query, name), getattr(gallery, name)
        if any(array is None for array in both):
            continue
        if both[0].shape[1:] != both[1].shape[1:]:
            raise InputError(f"{query.origin}, {gallery.origin}: {name} must have the same shape behind N in both")
        columns[name] = np.concatenate([both[1], both[0][new]])
    return Features.of(columns | {"pid": labels.pids, "camid": labels.camids}, gallery.origin)


def _matched(features: Features, labels: Labels, request: Request) -> Compared:
    from vreid_bench.scoring.matching import matched  # torch

    if request.rerank is not None:
        raise InputError("--rerank and --matcher: give one of the two")
    return Compared(labels, matched(features, labels, str(request.matcher), request.metric), list)


def _conventions(protocol: str | None) -> tuple[str, ...]:
    from vreid_bench.scoring.conventions import MARS

    if protocol is None:
        return MARS
    from vreid_bench.registry.registry import Registry

    return tuple(Registry.installed().get("protocols", protocol).conventions)
