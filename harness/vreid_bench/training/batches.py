"""Which tracklets a training step sees: those of some people, and of unknown people beside them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from vreid_bench.contracts.dataset import Tracklet
from vreid_bench.contracts.people import DISTRACTOR, person_ids
from vreid_bench.contracts.recipe import Train

UNLABELLED = -1  # the label of a tracklet that shows none of the people


@dataclass(frozen=True)
class TrainingLists:
    """The tracklets of a training: those of people, then the unlabelled ones.

    A distractor among the training tracklets is unlabelled: it shows somebody who is none of the people. Junk is left
    out.
    """

    labelled: tuple[Tracklet, ...]
    unlabelled: tuple[Tracklet, ...]

    @classmethod
    def of(cls, tracklets: Iterable[Tracklet]) -> TrainingLists:
        """The lists of the training tracklets of a data set."""
        every = tuple(tracklets)
        return cls(tuple(t for t in every if t.pid > DISTRACTOR), tuple(t for t in every if t.pid == DISTRACTOR))

    @cached_property
    def tracklets(self) -> tuple[Tracklet, ...]:
        """Both lists."""
        return self.labelled + self.unlabelled

    @cached_property
    def labels(self) -> list[int]:
        """The label of each tracklet: people are numbered from 0 by their pids."""
        number = {pid: row for row, pid in enumerate(person_ids(self.labelled))}
        return [number.get(t.pid, UNLABELLED) for t in self.tracklets]

    @cached_property
    def people(self) -> Mapping[int, Sequence[int]]:
        """Label -> rows of its tracklets."""
        rows: dict[int, list[int]] = {}
        for row, label in enumerate(self.labels[: len(self.labelled)]):
            rows.setdefault(label, []).append(row)
        return rows

    def draw(self, recipe: Train, generator: np.random.Generator) -> list[int]:
        """The rows of one step: P people with K tracklets each, then the unlabelled tracklets.

        The latter are drawn without replacement if there are enough of them.
        """
        rows = pk_batch(self.people, recipe.P, recipe.K, generator)
        if recipe.unlabelled:
            total, most = recipe.unlabelled, len(self.unlabelled)
            rows += (len(self.labelled) + generator.choice(most, total, replace=most < total)).tolist()
        return rows


def pk_batch(rows: Mapping[int, Sequence[int]], P: int, K: int, generator: np.random.Generator) -> list[int]:
    """Rows of P identities, K tracklets of each, identity by identity; `rows` maps a label to its tracklets' rows.

    Drawn without replacement; with replacement where there are fewer than P identities, or fewer than K tracklets
    of an identity (MARS has one training identity with a single tracklet and 45 with fewer than four).
    """
    chosen = generator.choice(sorted(rows), P, replace=len(rows) < P)
    drawn = [generator.choice(rows[int(i)], K, replace=len(rows[int(i)]) < K) for i in chosen]
    return [int(row) for each in drawn for row in each]
