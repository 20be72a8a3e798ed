"""Does a record's table of camera pairs agree with its other scores? As far as they decide it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from vreid_bench.records.agreement import SAME
from vreid_bench.records.scores import CameraPairs, Result


def find_pair_disagreements(pairs: CameraPairs, result: Result) -> Iterator[str]:
    """What does not agree, in words, with the scores under the headline convention."""
    found = [RowSums.of(*row) for row in zip(pairs.mAP, pairs.queries, strict=True)]
    whole = RowSums(
        AP=sum(row.AP for row in found),
        pairs=sum(row.pairs for row in found),
        most=sum(row.most for row in found),
        alone=all(row.alone for row in found),
    )
    total = sum(split.mAP * split.queries for split in result.splits)
    every = result.rules.get("unmatched") != "zero"
    yield from whole.compare(total, result.queries, every, "the camera pairs")


@dataclass(frozen=True)
class RowSums:
    """Sums over the pairs of one query camera, or of all."""

    AP: float  # over pairs of a query and a camera that shows the person
    pairs: int  # their number
    most: int  # queries that a pair has at most: there are as many, or more
    alone: bool  # are the matches of each query in one camera?

    @classmethod
    def of(cls, scores: Sequence[float | None], queries: Sequence[int]) -> RowSums:
        """Those of one row of the table."""
        total = sum(number * (score or 0.0) for score, number in zip(scores, queries, strict=True))
        return cls(total, sum(queries), max(queries), sum(number > 0 for number in queries) <= 1)

    def compare(self, total: float, queries: int, every: bool, what: str) -> Iterator[str]:
        """What does not agree with that many queries, whose AP have this sum; `every`: each of them has a match."""
        if self.most > queries:
            yield f"{what} have {self.most} queries or more, but {queries} count"
            return
        if every and self.pairs < queries:
            yield f"{what} have {self.pairs} queries, but {queries} count, each with a match in some camera"
            return
        close = SAME * max(queries, 1)
        if self.alone and abs(self.AP - total) > close:
            yield (
                f"{what} have a mean AP of {self.AP / max(queries, 1):.6f}, but it is {total / max(queries, 1):.6f} by "
                "the mAP, and every query has its matches in one camera"
            )
        # A match in another camera that is junk stood before a match or behind it: with it, no match is less precise.
        # So the AP of a query is not below that of all its cameras, and what it lacks to 1 not above what they lack.
        elif every and self.pairs - self.AP < queries - total - close:
            yield (
                f"{what} lack {self.pairs - self.AP:.6f} to a perfect AP, all together, but the queries "
                f"{queries - total:.6f}: no query is worse than in all cameras apart"
            )
