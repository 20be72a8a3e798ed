"""A trained model and the tracklets that it is shown: what every inspection begins with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from vreid_bench.contracts.dataset import Tracklet
from vreid_bench.evaluation.curves import Arrays
from vreid_bench.evaluation.strategies.corruption import Corruption
from vreid_bench.evaluation.trained_model import TrainedModel
from vreid_bench.modeling.clips import clip_indices
from vreid_bench.modeling.model import Model
from vreid_bench.modeling.view import View
from vreid_bench.records.names import collect_names
from vreid_bench.system.errors import InputError

CLIPS, REPRESENTED = View(represented=False), View()
CLIPLESS = ("embeddings", "pair-scores")  # inspections whose arrays do not go clip by clip


class Comparison(NamedTuple):
    """A query and a gallery tracklet, by their places among the tracklets of a subject."""

    query: int
    gallery: int
    match: bool


@dataclass(frozen=True)
class Subject:
    """A trained model and the N tracklets that it is shown."""

    trained: TrainedModel
    tracklets: Sequence[Tracklet]
    corruption: Corruption | None  # of the protocol
    layers: tuple[str, ...]
    truth: Mapping[str, float] | None = None  # the visibility of each frame by its path; None: not known
    comparisons: Sequence[Comparison] = ()  # of `pair-scores`

    @property
    def model(self) -> Model:
        """The model."""
        return self.trained.model

    @cached_property
    def indices(self) -> list[NDArray[np.int64]]:
        """The frame numbers of the clips of each tracklet, from 0: N arrays [C, T]."""
        return [np.stack(clip_indices(self.trained.clipping, len(t.frames), None)) for t in self.tracklets]


def label(subject: Subject, rows: Sequence[int]) -> dict[str, NDArray[Any]]:
    """Who the tracklets show: [N] each."""
    numbers = {"row": rows, "pid": [t.pid for t in subject.tracklets], "camid": [t.camid for t in subject.tracklets]}
    return {name: np.array(values) for name, values in numbers.items()} | collect_names(subject.tracklets)


def describe_clips(subject: Subject, what: str) -> Arrays:
    """Where the clips of the tracklets are. Raises InputError if they differ in length, unless it does not matter."""
    if what in CLIPLESS:
        return {}
    lengths = sorted({clips.shape[1] for clips in subject.indices})
    if len(lengths) > 1:
        raise InputError(
            f"--what {what}: the clips of these tracklets have {lengths[0]} to {lengths[-1]} frames, expected clips of "
            "one length; ask for one tracklet at a time"
        )
    counts = [len(clips) for clips in subject.indices]
    return {"counts": np.array(counts), "frames": np.concatenate(subject.indices)}
