"""A model with the weights of a finished run, ready to embed tracklets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from vreid_bench.contracts.dataset import Tracklet
from vreid_bench.contracts.recipe import Clipping, Method
from vreid_bench.modeling.embed import FrameReader, embed
from vreid_bench.modeling.model import Model
from vreid_bench.modeling.view import View
from vreid_bench.planning.folds import Fold
from vreid_bench.planning.source import Source
from vreid_bench.records.feature_store import FeatureStore
from vreid_bench.records.weights import load_weights
from vreid_bench.system.environment import Machine


@dataclass(frozen=True)
class TrainedModel:
    """A model with its weights, how its clips are cut at test, and how it reads their frames."""

    model: Model
    clipping: Clipping
    reader: FrameReader

    @classmethod
    def load(cls, model: Model, method: Method, source: Source, fold: Fold, machine: Machine) -> TrainedModel:
        """The model with the weights that the source has for a fold, reading the frames of that fold."""
        file = source.weights(fold.number)
        assert file is not None, "a run with --from has weights for every fold"
        load_weights(file, model)
        reader = FrameReader.of(fold.dataset, method.size, model.planes, machine)
        return cls(model.to(machine.device).eval(), method.test, reader)

    def embed(self, tracklets: Sequence[Tracklet], view: View) -> FeatureStore:
        """The features of the clips of each tracklet, in order."""
        return embed(self.model, tracklets, self.clipping, self.reader, view)
