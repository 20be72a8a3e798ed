"""The labels of the test tracklets, which of them are queries and gallery, and who takes part under a convention."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from vreid_bench.contracts.convention import EVERYBODY, Admission, Convention
from vreid_bench.contracts.dataset import Split
from vreid_bench.contracts.people import DISTRACTOR, JUNK
from vreid_bench.records.names import NAMES, Names, Texts, collect_attributes, collect_names
from vreid_bench.system.errors import InputError

Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]


class Admitted(NamedTuple):
    """Who takes part under an admission."""

    query: Bools  # [Q]
    gallery: Bools  # [G]


@dataclass(frozen=True)
class Labels:
    """All test tracklets with their roles. Distances have a row for each query and a column for each gallery item."""

    pids: Ints  # [N]
    camids: Ints  # [N]
    query: Ints  # [Q] rows of the test tracklets
    gallery: Ints  # [G] rows in ranking order: of two equal distances, the earlier comes first
    attributes: Mapping[str, Texts] = field(default_factory=dict, kw_only=True)  # [N] each; empty where not known
    frames: Ints | None = field(default=None, kw_only=True)  # [N] lengths; None where they are not known
    named: Names = field(default_factory=dict, kw_only=True)  # [N] the names that are known
    # What is counted, for the conventions that are asked for: see `for_conventions`.
    junk_by_camera: bool = field(default=True, kw_only=True)  # False: the query's person in its camera is a match, too
    admissions: tuple[Admission, ...] = field(default=(), kw_only=True)  # beside EVERYBODY

    @classmethod
    def of(cls, split: Split) -> Labels:
        """The labels of a split's test part. Raises InputError if they cannot be scored."""
        pids, camids = (np.array([getattr(t, name) for t in split.test], np.int64) for name in ("pid", "camid"))
        query, gallery = (np.array(rows, np.int64) for rows in (split.query, split.gallery))
        return cls(
            pids,
            camids,
            query,
            gallery,
            attributes=collect_attributes(split.test),
            frames=np.array([len(t.frames) for t in split.test], np.int64),
            named=collect_names(split.test),
        )

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
            raise InputError(
                f"query list: test row {nobody[0]} has pid {pid}; a query must show a person, and people count from 1: "
                "0 is a distractor and -1 junk, so add 1 to all ids if yours count from 0"
            )

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

    def for_conventions(self, conventions: Sequence[Convention]) -> Labels:
        """The same labels, counted so that each of these conventions can be scored.

        The counts are larger where a convention ranks the query's person in the query's camera, or a part of the
        gallery. Where the labels do not tell who takes part, that part is not counted, and the convention is refused.
        """
        wanted = dict.fromkeys(convention.admission for convention in conventions)
        return replace(
            self,
            junk_by_camera=all(convention.same_camera == "junk" for convention in conventions),
            admissions=tuple(each for each in wanted if each != EVERYBODY and self.tells(each)),
        )

    def tells(self, rule: Admission) -> bool:
        """Is it known of each query and each gallery item whether it takes part? Of junk nothing has to be known."""
        for rows, having in ((self.query, rule.query), (self.gallery, rule.gallery)):
            for attribute, _ in having:
                if attribute not in self.attributes:
                    return False
                if ((self.attributes[attribute][rows] == "") & (self.pids[rows] != JUNK)).any():
                    return False
        return not rule.least_frames or self.frames is not None

    def admit(self, rule: Admission) -> Admitted:
        """Who takes part; the labels must tell it."""
        masks = []
        for rows, having in ((self.query, rule.query), (self.gallery, rule.gallery)):
            mask = np.ones(len(rows), bool)
            for attribute, values in having:
                mask &= np.isin(self.attributes[attribute][rows], values)
            if self.frames is not None:
                mask &= self.frames[rows] >= rule.least_frames
            masks.append(mask)
        return Admitted(*masks)

    def knows(self, attribute: str) -> bool:
        """Is the attribute known of every test tracklet that shows a person?"""
        return attribute in self.attributes and bool((self.attributes[attribute] != "")[self.pids > DISTRACTOR].all())

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
