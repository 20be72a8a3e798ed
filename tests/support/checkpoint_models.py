"""Opens a made checkpoint as `run --checkpoint` does, and compares its features with those of a restatement."""

import torch

from vreid_bench.modeling.model import Model
from vreid_bench.planning.checkpoint import CheckpointRequest, open_checkpoint
from vreid_bench.records.weights import load_weights
from vreid_bench.registry.registry import Registry


def open_file(family, path, *settings):
    """What a run is told of the file: the method that was chosen, and its weights."""
    return open_checkpoint(Registry.installed(), CheckpointRequest(f"{family}:{path}", settings, quiet=True))


def load_model(family, path, *settings):
    """The model of the file in float64, from the file of weights that a run copies; and its method."""
    chosen, weights = open_file(family, path, *settings)
    return build_model(chosen, weights), chosen.method


def build_model(chosen, weights):
    """The model of an opened file in float64."""
    model = Model(chosen.method, Registry.installed().factories(chosen.method))
    load_weights(weights.weights(0), model)
    return model.double().eval()


def draw_clips(clips, frames, size, seed=0):
    """Random frames in [0, 1]: [clips, frames, 3, *size]."""
    return torch.rand(clips, frames, 3, *size, generator=torch.Generator().manual_seed(seed))


def check_features(model, clips, expected):
    """Are the features of the clips those of the restatement, a row for each clip? They must also differ."""
    with torch.inference_mode():
        found = model.features(clips.double()).embedding
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-5 * float(expected.abs().max()))
    assert float((expected[0] - expected[-1]).abs().max()) > 1e-3 * float(expected.abs().max())
