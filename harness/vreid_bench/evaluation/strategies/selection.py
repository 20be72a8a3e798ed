"""One descriptor for each identity, from one of its tracklets or from all (3D PersonVLAD, Table II)."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal

import numpy as np

from vreid_bench.contracts.people import DISTRACTOR, JUNK
from vreid_bench.evaluation.strategies.strategy import Case, lengths
from vreid_bench.modeling.view import View
from vreid_bench.scoring.ranks.labels import Labels
from vreid_bench.system.errors import InputError

if TYPE_CHECKING:  # torch, which protocols are listed without
    from vreid_bench.contracts.dataset import Split
    from vreid_bench.contracts.parts import Matcher
    from vreid_bench.records.feature_store import FeatureStore

How = Literal["random", "all"]  # which tracklets of an identity its descriptor is made from


@dataclass(frozen=True)
class Selection:
    """The descriptor of an identity is that of a random tracklet, or the mean over all its tracklets.

    Probes come from the query list, the gallery from the other gallery tracklets; each distractor is its own identity.
    A descriptor of several tracklets is of no camera, so protocols take a convention that ignores cameras; the paper
    does not mention them. Random choices are repeated and their scores averaged.
    """

    name: ClassVar[str] = "selection"
    leading: ClassVar[int] = 1  # the paper's own setting comes first
    ranks_tracklets: ClassVar[bool] = False  # but one descriptor for each identity

    pairs: tuple[tuple[How, How], ...] = (
        ("random", "all"),
        ("random", "random"),
        ("all", "random"),
        ("all", "all"),
    )  # tracklets of a probe, tracklets of a gallery identity
    repeats: int = 10
    seed: int = 0

    @property
    def conditions(self) -> tuple[str, ...]:
        """A name for each of `pairs`."""
        return tuple(f"{probe} against {gallery}" for probe, gallery in self.pairs)

    def describe(self) -> list[tuple[str, str]]:
        """How often random choices are repeated."""
        return [("repeated", f"{self.repeats} random choices of tracklets, scores averaged")]

    def views(self) -> Mapping[str, View]:
        """One view: each tracklet as the matcher represents it."""
        return {"features": View()}

    def cases(self, features: Mapping[str, FeatureStore], matcher: Matcher, test: Split) -> Iterator[Case]:
        """One descriptor for each identity; a pair without random choices is not repeated.

        Raises InputError if the matcher keeps several clips of a tracklet.
        """
        import torch

        from vreid_bench.contracts.parts import Clips

        everyone = features["features"].clips(slice(None))
        if everyone.embedding.shape[1] != 1:
            raise InputError(
                "tracklet selection needs one vector for each tracklet, but the matcher of this method keeps several "
                "clips; choose another protocol, or another matcher, for instance --set matcher=mean"
            )
        queries, each = set(test.query), lengths(test)
        probes = group_by_identity(test, test.query)
        gallery = group_by_identity(test, [row for row in test.gallery if row not in queries])
        first = len(probes)
        for condition, (probe, other) in zip(self.conditions, self.pairs, strict=True):
            for repeat in range(self.repeats if "random" in (probe, other) else 1):
                sides = [(probes, probe, "probe"), (gallery, other, "gallery")]
                rows = [
                    self._draw(person, number, f"{repeat} {side}") if how == "random" else person
                    for people, how, side in sides
                    for number, person in enumerate(people)
                ]
                vectors = torch.stack([everyone.embedding[row, 0].mean(0) for row in rows])  # [probes + gallery, E]
                firsts = [test.test[row[0]] for row in rows]
                # a descriptor of several tracklets has the name of none
                alone = [t.name if len(row) == 1 else "" for t, row in zip(firsts, rows, strict=True)]
                names = {"person": np.array([t.person_name for t in firsts]), "tracklet": np.array(alone)}
                pids = np.array([t.pid for t in firsts])
                labels = Labels(
                    pids, np.zeros(len(rows), np.int64), np.arange(first), np.arange(first, len(rows)), named=names
                )
                clips = Clips.single(vectors)
                yield Case(condition, clips, clips, labels, [sum(each[r] for r in row) for row in rows])

    def _draw(self, rows: Sequence[int], number: int, purpose: str) -> list[int]:
        """One of the rows; the draw depends only on seed, purpose and number, so every method gets the same choice."""
        draw = hashlib.sha256(f"{self.seed} {purpose} {number}".encode()).digest()[:8]
        return [rows[int.from_bytes(draw) * len(rows) >> 64]]


def group_by_identity(test: Split, rows: Sequence[int]) -> list[list[int]]:
    """The rows of each person, by pid, then each distractor alone; junk is left out."""
    persons: dict[int, list[int]] = {}
    for row in rows:
        persons.setdefault(test.test[row].pid, []).append(row)
    alone = [[row] for row in persons.pop(DISTRACTOR, [])]
    persons.pop(JUNK, None)
    return [persons[pid] for pid in sorted(persons)] + alone
