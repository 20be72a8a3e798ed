"""Checkpoints of fast-reid against a restatement on their state dicts."""

import checkpoint_files
import checkpoint_forward
import pytest
import torch
from checkpoint_models import check_features, draw_clips, load_model
from torch import nn

from vreid_bench import Clipping, InputError
from vreid_plugins.checkpoints.fast_reid import FAMILY, FastReidResnet, NeckEmbedding

KINDS = {  # its recipes -> what their files have, and how they pool and how large their frames are
    "BoT": ({}, "average", (256, 128)),
    "BoT with IBN": ({"ibn": True}, "average", (256, 128)),
    "AGW": ({"non_local": True}, "gem", (256, 128)),
    "SBS": ({"non_local": True, "learned": True}, "gem-learned", (384, 128)),
}


def shapes_of(state):
    return {name: tuple(value.shape) for name, value in state.items() if value.is_floating_point()}


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_features_are_what_the_layers_say(tmp_path, kind):
    options, pool, _ = KINDS[kind]
    state = checkpoint_files.fast_reid(**options)
    checkpoint_files.save_as_fast_reid(tmp_path / "model_final.pth", state)
    model, method = load_model("fast-reid", tmp_path / "model_final.pth", "size=64x32")
    clips = draw_clips(2, 2, (64, 32))
    expected = torch.stack([checkpoint_forward.fast_reid(state, frames, pool).mean(0) for frames in clips])
    check_features(model, clips, expected)
    assert method.aggregator.options["pool"] == pool


@pytest.mark.parametrize("kind", KINDS)
def test_the_recipe_is_told_by_the_names(kind):
    options, pool, size = KINDS[kind]
    shapes = shapes_of(checkpoint_files.fast_reid(**options))
    method = FAMILY.read(shapes).method
    assert (method.aggregator.options["pool"], method.size) == (pool, size)
    assert (method.test, method.matcher.options) == (Clipping("dense", T=1), {"metric": "cosine"})


def test_a_narrow_neck_and_an_older_classifier_are_known():
    shapes = shapes_of(checkpoint_files.fast_reid())
    shapes = {name.replace("bottleneck.0", "bottleneck.1"): shape for name, shape in shapes.items()}
    shapes |= {"heads.bottleneck.0.weight": (512, 2048, 1, 1), "heads.classifier.weight": (11, 512)}
    found = FAMILY.read(shapes)
    assert found.method.aggregator.options["width"] == 512
    assert found.leaves("heads.classifier.weight")


def test_a_network_of_basic_blocks_is_refused():
    shapes = {name: shape for name, shape in shapes_of(checkpoint_files.fast_reid()).items() if ".conv3." not in name}
    with pytest.raises(InputError, match="18x, 34x"):
        FAMILY.read(shapes)


def test_the_two_stems_keep_the_size_of_maps_and_differ():
    clips = draw_clips(1, 1, (64, 32))
    maps = {}
    for pool in ("ceil", "padded"):
        torch.manual_seed(0)
        maps[pool] = FastReidResnet(counts=(1, 1, 1, 1), pool=pool).eval()(clips)
    assert maps["ceil"].shape == maps["padded"].shape == (1, 1, 2048, 4, 2)
    assert not torch.allclose(maps["ceil"], maps["padded"])


def test_wrong_options_are_refused():
    with pytest.raises(InputError, match="pool must be ceil or padded"):
        FastReidResnet(pool="none")
    with pytest.raises(InputError, match="the second no larger"):
        FastReidResnet(counts=(1, 1, 1, 1), non_local=(0, 2, 0, 0))
    with pytest.raises(InputError, match="pool must be average"):
        NeckEmbedding((8, 2, 1), pool="max")


def test_a_neck_with_a_linear_layer_is_that_layer_and_the_normalisation():
    neck = NeckEmbedding((6, 2, 1), width=3).eval()
    maps = torch.rand(2, 4, 6, 2, 1)
    assert isinstance(neck.bottleneck[0], nn.Conv2d)
    frames = maps.mean((3, 4)) @ neck.bottleneck[0].weight[:, :, 0, 0].T / (1 + 1e-5) ** 0.5
    torch.testing.assert_close(neck(maps), frames.mean(1))
