"""The options of `vreid-bench score`, and which of them do not fit together."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from vreid_bench.scoring.distances import METRICS, Precision
from vreid_bench.scoring.inputs import Inputs
from vreid_bench.scoring.rerank.items import RERANK_MEMORY
from vreid_bench.scoring.rounding import Rounding

Ties = Literal["listed", "expected"]

LOCAL = "local"  # the executor that is this machine
CANDIDATES = 200  # the first ranks of each query that are re-ranked in a gallery in shards
TOGETHER = "--protocol and --info go together: whose index files, and the folder that holds them"


@dataclass(frozen=True)
class ScoreRequest(Inputs):
    """What to score and how. Raises InputError for options that do not fit together."""

    distance: Path | None = None  # [Q, G]
    query_distance: Path | None = None  # [Q, Q] and
    gallery_distance: Path | None = None  # [G, G], which re-ranking from distances needs
    features: Path | None = None
    protocol: str | None = None
    info: Path | None = None
    metric: str | None = None  # None: as the run compared its features, else cosine
    matcher: str | None = None
    dtype: Precision = "float32"
    conventions: tuple[str, ...] = ()
    rerank: str | None = None  # a re-ranker, with options as `assignments.parse_part` reads them
    memory: int = RERANK_MEMORY  # bytes for re-ranking
    candidates: int | None = None  # how many first ranks are re-ranked in a gallery in shards; None: CANDIDATES
    rates: tuple[float, ...] = ()  # false accept rates
    similarity: bool | None = None  # are the distances similarities? None: as they look
    pool: str | None = None  # the aggregator that pools features of frames
    ranking: Path | None = None
    depths: tuple[int, ...] = ()  # ranks at which the average precision is cut
    ties: Ties | None = None  # how equal distances are scored; None: as each convention says
    by: tuple[str, ...] = ()  # attributes whose values are scored apart
    precisions: tuple[Rounding, ...] = ()  # that vectors are also rounded to, to measure what is lost
    executor: str = LOCAL  # who counts in a gallery in shards, as `assignments.parse_part` reads it
    workers: int | None = None  # of the executor, at a time; None: one process, or as many as a cluster has room for

    def _refuse(self) -> Iterator[tuple[bool, str]]:
        """More can be named here than files and sides, so all of it is judged together."""
        yield from self._refuse_files()
        yield from self._refuse_labels()
        yield from self._refuse_distances()

    def _refuse_files(self) -> Iterator[tuple[bool, str]]:
        """What does not fit to files by themselves, and to a ranking."""
        others = (self.query, self.gallery, self.distance, self.features)
        yield (
            bool(self.files) and any(other is not None for other in others),
            "files by themselves say what they hold; leave out --query, --gallery, --distance and --features, "
            "or name every file by one of these",
        )
        computed = (self.metric, self.matcher, self.rerank, self.pool, self.similarity)
        yield (
            self.ranking is not None and (bool(self.rates) or any(value is not None for value in computed)),
            "--ranking has an order and no distances; leave out --metric, --matcher, --rerank, --pool, --similarity "
            "and --far",
        )
        yield (
            self.ties == "expected" and (bool(self.depths) or self.ranking is not None or self.rerank is not None),
            "--ties expected needs distances, and scores whole rankings; leave out --at, --ranking and --rerank",
        )
        yield (
            bool(self.precisions) and (self.ties == "expected" or self.ranking is not None),
            "--precision compares rankings of vectors; leave out --ranking and --ties expected",
        )
        yield any(depth < 1 for depth in self.depths), "--at: expected a rank from 1 on"
        yield (
            self.candidates is not None and self.rerank is None,
            "--candidates: says how many first ranks --rerank changes; add --rerank, or leave it out",
        )

    def _refuse_labels(self) -> Iterator[tuple[bool, str]]:
        """What does not fit in the options that say where labels come from."""
        if self.files or self.ranking is not None:
            yield (self.info is None) != (self.protocol is None), TOGETHER
            return
        listed = self.features is not None or self.info is not None
        yield (
            listed and (self.query is not None or self.gallery is not None),
            "--query and --gallery have labels of their own; leave out --features and --info",
        )
        yield (
            not listed and (self.query is None or self.gallery is None),
            "expected files, such as pytorch_result.mat, or --query and --gallery, or --features, or --distance with "
            "--protocol and --info",
        )
        yield (
            listed and self.features is None and self.distance is None,
            "--info gives labels; add --features FILE or --distance FILE",
        )
        yield (
            self.features is not None and self.distance is not None,
            "--features and --distance: give one of the two",
        )
        yield (
            listed and (self.info is None) != (self.protocol is None),
            TOGETHER,
        )

    def _refuse_distances(self) -> Iterator[tuple[bool, str]]:
        """What does not fit in the options that say where distances come from."""
        given, reranked = self.distance is not None, self.rerank is not None
        squares = [self.query_distance is not None, self.gallery_distance is not None]
        yield (
            bool(self.rates) and (self.matcher is not None or reranked),
            "--far needs distances that compare over queries; those of a matcher or a re-ranker may not; "
            "leave one of the options out",
        )
        yield (
            any(squares) and not (given and reranked),
            "--query-distance and --gallery-distance are for --rerank with --distance; leave them out",
        )
        yield (
            given and (self.matcher is not None or (self.metric is not None and not reranked)),
            "--distance: the distances are computed already; leave out --metric and --matcher",
        )
        yield reranked and self.matcher is not None, "--rerank and --matcher: give one of the two"
        yield (
            self.dtype != "float32" and (reranked or self.matcher is not None),
            "--dtype: a matcher and a re-ranker compute in float32; leave --dtype out",
        )
        yield (
            given and reranked and not all(squares),
            "--rerank with --distance: add --query-distance FILE, the distances among the queries [Q, Q], and "
            "--gallery-distance FILE, those among the gallery [G, G], or give features instead",
        )
        yield (
            given and reranked and self.metric not in METRICS,
            f"--rerank with --distance: expected --metric with the metric of the distances, one of "
            f"{', '.join(METRICS)}, got {self.metric}",
        )
