"""`vreid_bench.score` and `vreid-bench score`: features or distances made anywhere, under every convention."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from vreid_bench.contracts.convention import Convention
from vreid_bench.contracts.recipe import Part
from vreid_bench.ops.metric import Metric
from vreid_bench.scoring.conventions import CONVENTIONS, MARS
from vreid_bench.scoring.features import ROWS, Features, numpy, places
from vreid_bench.scoring.metrics import NotComputable, Outcome, Verdicts, collect_per_query, judge, summarize
from vreid_bench.scoring.ranks import counting as ranks
from vreid_bench.scoring.ranks.counting import Counts, Tile
from vreid_bench.scoring.ranks.labels import Labels
from vreid_bench.scoring.rerank import neighbours
from vreid_bench.scoring.score_table import render_scores
from vreid_bench.scoring.true_accept_rate import true_accepts
from vreid_bench.system.errors import InputError

Rules = Sequence[Convention]
Precision = Literal["float32", "float64"]

METRICS: tuple[str, ...] = get_args(Metric)
DEEPEST = 50  # the last rank of the CMC curve that is told


@dataclass(frozen=True)
class Report:
    """The scores of one set of features under every convention asked for."""

    labels: Labels
    counts: Counts
    judged: Verdicts
    reranker: Part | None = None  # what re-ranked, with every option
    accepts: Mapping[str, Mapping[str, float]] = field(default_factory=dict)  # convention -> FAR -> TAR, if asked for

    @classmethod
    def of(
        cls, counts: Counts, labels: Labels, conventions: Sequence[Convention], reranker: Part | None = None
    ) -> Report:
        """Judge the counts. Raises InputError if no convention can be applied."""
        return cls(labels, counts, judge(counts, conventions), reranker)

    def with_accepts(self, tiles: Callable[[], Iterable[Tile]], rates: Sequence[float], rules: Rules) -> Report:
        """The same with the share of matching pairs accepted at each false accept rate, over all queries at once."""
        accepts: dict[str, dict[str, float]] = {}
        for rule in {r.queries_in_gallery is not False for r in rules}:
            found = dict(zip(map(str, rates), true_accepts(tiles(), self.labels, rates, rule), strict=True))
            accepts |= {r.name: found for r in rules if (r.queries_in_gallery is not False) == rule}
        return replace(self, accepts=accepts)

    def __getitem__(self, convention: str) -> dict[str, Any]:
        """mAP, R1, ..., as fractions, or `not_computable` and the reason."""
        found: dict[str, Any] = self.metrics()["conventions"][convention]
        return found

    def __str__(self) -> str:
        return render_scores(self.metrics())

    def metrics(self) -> dict[str, Any]:
        """What `--json` prints: {"backend": ..., "conventions": {name: {"mAP": fraction, ..., "cmc": [50]}}}."""
        conventions = {}
        for name, summary in summarize([self.outcome]).items():
            conventions[name] = {key: value for key, value in summary.items() if key != "splits"}
            verdict = self.judged[name]
            if not isinstance(verdict, NotComputable):
                counted = ~np.isnan(verdict.average_precision)
                conventions[name]["r_precision"] = float(verdict.r_precision[counted].mean())
                conventions[name]["cmc"] = verdict.cmc(DEEPEST)
                if name in self.accepts:
                    conventions[name]["tar"] = dict(self.accepts[name])
        part = self.reranker
        reranking = None
        if part is not None:
            reranking = {"name": part.name, "options": dict(part.options), "backend": neighbours.backend()}
        return {"backend": ranks.backend(), "reranking": reranking, "conventions": conventions}

    def per_query(self) -> dict[str, NDArray[Any]]:
        """Arrays in query order: `<convention>.ap`, `<convention>.first_rank` and more, as `PerQuery`."""
        return collect_per_query([self.outcome]).arrays()

    @property
    def outcome(self) -> Outcome:
        """As a run keeps it of each split."""
        return Outcome(self.labels, self.counts, self.judged)


def score(
    query: Mapping[str, Any] | Features,
    gallery: Mapping[str, Any] | Features,
    *,
    metric: Metric = "cosine",
    distance: Any = None,
    conventions: Iterable[Convention | str] = MARS,
    dtype: Precision = "float32",
) -> Report:
    """Rank the gallery for every query and score the ranking under every convention.

    query, gallery: mappings with `embedding` [N, E] or [N, C, E], `pid` [N], `camid` [N], and optionally `valid`,
    `importance` [N, C] and `tracklet` [N]; arrays or tensors. distance: [Q, G], smaller is closer, in the place of
    the embeddings. The gallery's order decides between equal distances. Raises InputError for what cannot be scored.
    """
    query, gallery = _features(query, "query"), _features(gallery, "gallery")
    labels = labelled(query, gallery)
    chosen = named(conventions)
    if distance is None:
        counts = from_vectors(query.vectors(dtype), gallery.vectors(dtype), labels, metric)
    else:
        counts = from_matrix(numpy(distance), labels, dtype)
    return Report.of(counts, labels, chosen)


def labelled(query: Features, gallery: Features) -> Labels:
    """Query and gallery as one list of test tracklets; a query that is a gallery item is not listed twice."""
    own = places(query, gallery)
    new = own < 0
    row = np.where(new, len(gallery) + np.cumsum(new) - 1, own)
    pids, camids = (np.concatenate([g, q[new]]) for g, q in ((gallery.pid, query.pid), (gallery.camid, query.camid)))
    return Labels(pids, camids, row, np.arange(len(gallery)))


def from_vectors(query: NDArray[Any], gallery: NDArray[Any], labels: Labels, metric: str) -> Counts:
    """Count in vectors query [Q, E] and gallery [G, E]. Raises InputError if they cannot be compared."""
    comparable(query, gallery, metric)
    return ranks.count_from_embeddings(query, gallery, labels, metric)  # type: ignore[arg-type]  # checked above


def comparable(query: NDArray[Any], gallery: NDArray[Any], metric: str) -> None:
    """Raise InputError unless the vectors query [Q, E] and gallery [G, E] can be compared by the metric."""
    if metric not in METRICS:
        raise InputError(f"metric must be one of {', '.join(METRICS)}, got {metric!r}")
    if query.shape[1] != gallery.shape[1]:
        raise InputError(
            f"query embeddings have {query.shape[1]} numbers, gallery embeddings {gallery.shape[1]}; "
            "they must come from one model"
        )


def from_matrix(distance: NDArray[Any], labels: Labels, dtype: str = "float32") -> Counts:
    """Count in given distances [Q, G]; what is float64 stays so. Raises InputError if the shape does not fit."""
    fitting(distance, labels)
    return ranks.count_from_distances(matrix_tiles(distance, dtype), labels)


def fitting(distance: NDArray[Any], labels: Labels) -> None:
    """Raise InputError unless the distances are [Q, G]."""
    wanted = (len(labels.query), len(labels.gallery))
    if distance.shape != wanted:
        raise InputError(f"distances: wanted [Q, G] = {wanted}, as the labels have it, got {distance.shape}")


def matrix_tiles(distance: NDArray[Any], dtype: str = "float32") -> Iterator[Tile]:
    """Given distances [Q, G], some queries at a time: a matrix on disk is never in memory as a whole."""
    kept = np.float64 if dtype == "float64" or distance.dtype not in ("f2", "f4") else np.float32
    for first in range(0, len(distance), ROWS):
        part = slice(first, min(first + ROWS, len(distance)))
        yield part, np.asarray(distance[part], kept)


def named(conventions: Iterable[Convention | str]) -> tuple[Convention, ...]:
    """Conventions by name; those of this package first, for they need no plugin to be loaded."""
    known = {c.name: c for c in CONVENTIONS}
    chosen = tuple(conventions)
    if any(isinstance(c, str) and c not in known for c in chosen):
        from vreid_bench.registry.registry import Registry

        registry = Registry.installed()
        known |= {c: registry.get("conventions", c) for c in chosen if isinstance(c, str)}
    return tuple(known[c] if isinstance(c, str) else c for c in chosen)


def _features(given: Mapping[str, Any] | Features, origin: str) -> Features:
    return given if isinstance(given, Features) else Features.of(given, origin)
