"""Checkpoints of torchreid against a restatement on their state dicts."""

import checkpoint_files
import checkpoint_forward
import pytest
import torch
from checkpoint_models import check_features, draw_clips, load_model, open_file

from vreid_bench import Clipping


@pytest.mark.parametrize(("width", "ibn"), [(0.25, False), (0.25, True), (0.5, False)])
def test_osnet_computes_what_its_layers_say(tmp_path, width, ibn):
    state = checkpoint_files.osnet(width, ibn=ibn)
    checkpoint_files.save_as_torchreid(tmp_path / "osnet.pth.tar", state)
    model, method = load_model("torchreid", tmp_path / "osnet.pth.tar", "size=64x32")
    clips = draw_clips(2, 3, (64, 32))
    expected = torch.stack([checkpoint_forward.osnet(state, frames).mean(0) for frames in clips])
    check_features(model, clips, expected)
    assert method.encoder.options == {"width": width, "instance": ibn}


def test_osnet_is_tested_as_torchreid_does(tmp_path):
    checkpoint_files.save_as_torchreid(tmp_path / "osnet.pth.tar", checkpoint_files.osnet())
    chosen, weights = open_file("torchreid", tmp_path / "osnet.pth.tar")
    method = chosen.method
    assert (method.test, method.size) == (Clipping("evenly", T=15), (256, 128))
    assert (method.matcher.name, method.matcher.options["metric"]) == ("mean", "sqeuclidean")
    assert (method.stages, method.losses, chosen.preset) == ((), {}, "paper")
    assert weights.left == ("classifier.weight", "classifier.bias")


@pytest.mark.slow
@pytest.mark.parametrize("linear", [False, True])
def test_resnet_computes_what_its_layers_say(tmp_path, linear):
    """`resnet50` strides in its last layer, `resnet50_fc512` does not."""
    state = checkpoint_files.torchreid_resnet50(linear=linear)
    checkpoint_files.save_as_torchreid(tmp_path / "resnet.pth.tar", state)
    model, method = load_model("torchreid", tmp_path / "resnet.pth.tar", "size=64x32")
    clips = draw_clips(2, 2, (64, 32))
    expected = torch.stack([checkpoint_forward.torchreid_resnet(state, frames).mean(0) for frames in clips])
    check_features(model, clips, expected)
    assert method.encoder.options["last_stride"] == (1 if linear else 2)
