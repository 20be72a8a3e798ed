"""Do the scores of a record follow from the scores of its queries, which its run keeps beside it?"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from vreid_bench.records.agreement import SAME
from vreid_bench.records.camera_pairs import RowSums
from vreid_bench.records.per_query import PerQuery, QueryScores
from vreid_bench.records.record import Record
from vreid_bench.records.scores import RANKS


def find_query_disagreements(record: Record, queries: PerQuery) -> Iterator[str]:
    """What does not agree, in words; mAP, R1 and the CMC curve of each convention, mean over splits of its queries."""
    parts = [queries.split == number for number in np.unique(queries.split)]
    for name, result in record.conventions.items():
        if name not in queries.scores:
            yield f"{name!r} has a score, but no query has one"
            continue
        splits = [queries.scores[name].select(part) for part in parts]
        counted = sum(int((~np.isnan(split.average_precision)).sum()) for split in splits)
        if counted != result.queries:
            yield f"{name!r} counts {result.queries} queries, but its run has scores of {counted}"
            continue
        found = {"mAP": result.mAP, "R1": result.R1}
        expected = {"mAP": _average(splits), "R1": float(np.mean([split.cmc(1) for split in splits]))}
        if result.cmc is not None:
            curve = np.mean([split.cmc(RANKS) for split in splits], axis=0)
            found |= {f"the CMC curve at rank {rank + 1}": share for rank, share in enumerate(result.cmc)}
            expected |= {f"the CMC curve at rank {rank + 1}": float(share) for rank, share in enumerate(curve)}
        for what in found:
            if abs(found[what] - expected[what]) > SAME:
                yield f"{what} of {name!r} is {found[what]:.6f}, but {expected[what]:.6f} by the scores of its queries"


def find_pair_disagreements(record: Record, queries: PerQuery) -> Iterator[str]:
    """What does not agree between the table of camera pairs and the queries of each camera, in words."""
    pairs, head = record.camera_pairs, record.protocol.headline
    if pairs is None or head not in queries.scores:
        return
    average = queries.scores[head].average_precision  # [Q]
    counted = ~np.isnan(average)
    every = record.conventions[head].rules.get("unmatched") != "zero"
    for camera, scores, numbers in zip(pairs.cameras, pairs.mAP, pairs.queries, strict=True):
        here = average[counted & (queries.camid == camera)]
        what = f"the pairs of query camera {camera}"
        yield from RowSums.of(scores, numbers).compare(float(here.sum()), len(here), every, what)


def _average(splits: list[QueryScores]) -> float:
    return float(np.mean([np.nanmean(split.average_precision) for split in splits]))
