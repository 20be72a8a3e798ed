"""Ranking without every distance: bounds decide where they can, and no rank changes.

The rank of a match depends on which distances are below its own, not on what they are. So for a gallery item with
no match's distance between its bounds, any distance between its bounds gives the same ranks as its own.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator
from typing import Any, Protocol, runtime_checkable

import numpy as np
import torch
from torch import Tensor

from vreid_bench.contracts.parts import Clips
from vreid_bench.scoring.ranks.counting import Tile, index_matches
from vreid_bench.scoring.ranks.labels import Labels

MARGIN = 1e-5  # bounds and distances are rounded differently; of both, float32 of at most 2
PAIRS = 2048  # tracklets that are compared at once, one by one


@runtime_checkable
class BoundedMatcher(Protocol):
    """A matcher that knows bounds of its distances, and narrows them down step by step."""

    def bounds(self, query: Clips, gallery: Clips, /) -> tuple[Tensor, Tensor]:
        """Least and largest distance, [Q, G] each."""
        ...

    def narrowing(self, query: Clips, gallery: Clips, /) -> Generator[tuple[Tensor, Tensor], Tensor, None]:
        """Ever narrower bounds [P] of P pairs of tracklets, equal at the end; it is sent the pairs [P] that go on."""
        ...


class PrunedDistances:
    """Distances with the same ranks as all of the matcher's, and how much work they took.

    sides: as for `rank_by_matcher`.
    """

    def __init__(self, matcher: BoundedMatcher, sides: tuple[Clips, Clips], labels: Labels) -> None:
        self.matcher, self.sides, self.labels = matcher, sides, labels
        self.matches = index_matches(labels)
        self.evaluated = self.possible = 0  # steps of pairs of tracklets

    @property
    def share(self) -> float:
        """The fraction of all steps of all pairs that was evaluated, once all tiles were computed."""
        return self.evaluated / max(1, self.possible)

    def tiles(self, rows: int = 16) -> Iterator[Tile]:
        """Distances [R, G] of `rows` queries at a time."""
        asking, ranked = self.sides
        gallery = ranked.rows(self.labels.gallery.tolist())
        for start in range(0, len(self.labels.query), rows):
            part = slice(start, min(start + rows, len(self.labels.query)))
            query = asking.rows(self.labels.query[part].tolist())
            yield part, self._tile(query, gallery, part).float().cpu().numpy()

    def _tile(self, query: Clips, gallery: Clips, part: slice) -> Tensor:
        least, most = self.matcher.bounds(query, gallery)  # [R, G]
        found = (least + most) / 2
        index = self.matches.rows(part)
        owner = np.repeat(np.arange(len(query)), np.diff(index.start))  # [M]
        device = found.device
        row, item = (torch.from_numpy(np.asarray(x)).to(device) for x in (owner, index.item))
        found[row, item] = self._distances(query, gallery, row, item, None)
        limits = torch.full((len(query), max(1, int(np.diff(index.start).max(initial=0)))), torch.inf, device=device)
        place = torch.from_numpy(np.arange(len(owner)) - index.start[owner]).to(device)
        limits[row, place] = found[row, item].float()
        limits = limits.sort(1).values  # [R, most matches of a query]
        open_ = _open(limits, least, most)
        open_[row, item] = False  # they are known
        row, item = open_.nonzero(as_tuple=True)
        found[row, item] = self._distances(query, gallery, row, item, limits)
        self.possible += found.numel() * query.embedding.shape[1]
        return found

    def _distances(self, query: Clips, gallery: Clips, row: Tensor, item: Tensor, limits: Tensor | None) -> Tensor:
        """Distances [P]; where no limit of the row, [R, limits], lies between the bounds, any number between these."""
        found = torch.zeros(len(row), device=row.device)
        for begin in range(0, len(row), PAIRS):
            part = slice(begin, begin + PAIRS)
            rows, items = row[part], item[part]
            steps: Any = self.matcher.narrowing(query.rows(rows.tolist()), gallery.rows(items.tolist()))
            at = torch.arange(begin, begin + len(rows), device=row.device)  # the pairs that are still open
            least, most = next(steps)
            while True:
                self.evaluated += len(at)
                found[at] = ((least + most) / 2).float()
                kept = torch.ones_like(at, dtype=torch.bool)
                if limits is not None:
                    kept = _open(limits[row[at]], least[:, None], most[:, None])[:, 0]
                at = at[kept]
                try:
                    least, most = steps.send(kept)
                except StopIteration:
                    break
        return found


def _open(limits: Tensor, least: Tensor, most: Tensor) -> Tensor:
    """Which bounds [R, X] have a limit of their row [R, L], in order, between them?"""
    below, within = (
        torch.searchsorted(limits, bound.float().contiguous(), right=right)
        for bound, right in ((least - MARGIN, False), (most + MARGIN, True))
    )
    return below != within
