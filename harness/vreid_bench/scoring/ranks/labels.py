"""The labels of the test tracklets, and which of them are queries and gallery."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from vreid_bench.contracts.dataset import DISTRACTOR, Split, knows_clothes
from vreid_bench.records.names import NAMES, Names, Texts, collect_names
from vreid_bench.system.errors import InputError

Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Labels:
    """All test tracklets with their roles. Distances have a row for each query and a column for each gallery item."""

    pids: Ints  # [N]
    camids: Ints  # [N]
    query: Ints  # [Q] rows of the test tracklets
    gallery: Ints  # [G] rows in ranking order: of two equal distances, the earlier comes first
    clothes: Ints | None = None  # [N] alike for the same clothes of a person; None where that is not known
    named: Names = field(default_factory=dict, kw_only=True)  # [N] the names that are known

    @classmethod
    def of(cls, split: Split) -> Labels:
        """The labels of a split's test part. Raises InputError if they cannot be scored."""
        pids, camids = (np.array([getattr(t, name) for t in split.test], np.int64) for name in ("pid", "camid"))
        query, gallery = (np.array(rows, np.int64) for rows in (split.query, split.gallery))
        worn = np.unique([t.clothes for t in split.test], return_inverse=True)[1] if knows_clothes(split) else None
        return cls(pids, camids, query, gallery, worn, named=collect_names(split.test))

    def __post_init__(self) -> None:
        for name, rows in (("query", self.query), ("gallery", self.gallery)):
            if not rows.size:
                raise InputError(f"{name} list: it is empty; expected at least one row")
            if rows.min() < 0 or rows.max() >= len(self.pids):
                outside = rows[(rows < 0) | (rows >= len(self.pids))]
                raise InputError(f"{name} list: rows must be 0 to {len(self.pids) - 1}, got {outside[0]}")
            if np.count_nonzero(self._mark_rows(rows)) < len(rows):
                twice = np.bincount(rows).argmax()
                raise InputError(f"{name} list: row {twice} is listed twice; each tracklet has one place")
        nobody = self.query[self.pids[self.query] <= DISTRACTOR]
        if nobody.size:
            pid = self.pids[nobody[0]]
            raise InputError(f"query list: test row {nobody[0]} has pid {pid}; a query must show a person")

    def names(self, rows: Ints) -> dict[str, Texts]:
        """The names of these test tracklets, their people and their cameras: [R] each; numbers where none is known."""
        numbers = zip(NAMES, (self.pids[rows], self.camids[rows], rows), strict=True)
        return {
            name: self.named[name][rows] if name in self.named else number.astype(np.str_) for name, number in numbers
        }

    def describe(self, row: int) -> str:
        """What a test tracklet is called, in words; empty where no name is known."""
        if "tracklet" not in self.named:
            return ""
        name = {kind: str(texts[0]) for kind, texts in self.names(np.array([row])).items()}
        return f"{name['tracklet']} of person {name['person']} in camera {name['camera']}"

    @cached_property
    def own(self) -> Ints:
        """Place of each query tracklet itself in the gallery, -1 where it is not there: [Q]."""
        there = np.flatnonzero(self._mark_rows(self.gallery)[self.query])  # queries
        places = np.flatnonzero(self._mark_rows(self.query)[self.gallery])  # their places, in gallery order
        own = np.full(len(self.query), -1)
        own[there[np.argsort(self.query[there])]] = places[np.argsort(self.gallery[places])]
        return own

    def _mark_rows(self, rows: Ints) -> NDArray[np.bool_]:
        """Which of the test tracklets are among these rows: [N]."""
        listed = np.zeros(len(self.pids), bool)
        listed[rows] = True
        return listed
