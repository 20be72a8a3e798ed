"""Checkpoints of boxmot against the restatements of their networks; its engines are refused."""

import json

import checkpoint_files
import checkpoint_forward
import onnx_files
import pytest
import torch
from checkpoint_models import check_features, draw_clips, load_model, open_file

from vreid_bench import Clipping, InputError
from vreid_plugins.checkpoints.boxmot import FAMILY, MobileNetV2

NETWORKS = {
    "osnet_x0_25_msmt17.pt": (checkpoint_files.osnet, checkpoint_forward.osnet),
    "mobilenetv2_x0_25_market1501.pt": (checkpoint_files.mobilenetv2, checkpoint_forward.mobilenetv2),
    "lmbn_n_duke.pt": (checkpoint_files.light_mbn, checkpoint_forward.light_mbn),
    "resnet50_msmt17.pt": (checkpoint_files.torchreid_resnet50, checkpoint_forward.torchreid_resnet),
}
COSTLY = ("lmbn_n_duke.pt", "resnet50_msmt17.pt")


@pytest.mark.parametrize("name", [pytest.param(n, marks=[pytest.mark.slow] * (n in COSTLY)) for n in NETWORKS])
def test_features_are_what_the_layers_say(tmp_path, name):
    make, forward = NETWORKS[name]
    state = make()
    torch.save(state, tmp_path / name)
    model, method = load_model("boxmot", tmp_path / name, "size=64x32")
    clips = draw_clips(2, 2, (64, 32))
    check_features(model, clips, torch.stack([forward(state, frames).mean(0) for frames in clips]))
    assert method.test == Clipping("dense", T=1)
    assert method.matcher.options == {"metric": "cosine", "normalize": True}


@pytest.mark.parametrize(
    ("make", "size"),
    [
        (checkpoint_files.osnet, (256, 128)),
        (checkpoint_files.mobilenetv2, (256, 128)),
        (checkpoint_files.light_mbn, (384, 128)),
    ],
)
def test_frames_have_the_size_of_the_network(make, size):
    shapes = {name: tuple(value.shape) for name, value in make().items()}
    assert FAMILY.describe(shapes, {}).method.size == size


def test_the_wide_mobilenet_has_the_published_shapes():
    """torchreid's mobilenetv2_x1_4: 1,792 numbers, from 448."""
    state = checkpoint_files.mobilenetv2(1.4)
    assert state["conv9.conv.weight"].shape == (1792, 448, 1, 1)
    found = FAMILY.describe({name: tuple(value.shape) for name, value in state.items()}, {})
    network = MobileNetV2(**found.method.encoder.options)
    shapes = {name: value.shape for name, value in network.state_dict().items()}
    assert shapes == {name: value.shape for name, value in state.items() if not name.startswith("classifier.")}


def test_weights_of_its_own_training_are_read(tmp_path):
    """In half precision, beside what they are; the frames were padded, which is disclosed."""
    state = checkpoint_files.osnet()
    checkpoint_files.save_as_boxmot(tmp_path / "best.pt", state)
    model, _ = load_model("boxmot", tmp_path / "best.pt", "size=64x32")
    halved = {name: value.half().float() for name, value in state.items()}
    clips = draw_clips(2, 2, (64, 32))
    check_features(model, clips, torch.stack([checkpoint_forward.osnet(halved, frames).mean(0) for frames in clips]))
    _, weights = open_file("boxmot", tmp_path / "best.pt")
    assert weights.disclosure.endswith("frames are stretched, where the file says resize_pad")


FAULTS = {
    "missing": ({"conv9.bn.bias": None}, "missing: 1 (encoder.conv9.bn.bias [1280])"),
    "unexpected": ({"neck.weight": torch.zeros(3)}, "unexpected: 1 (neck.weight [3])"),
    "another width": ({"conv1.conv.weight": torch.zeros(9, 3, 3, 3)}, "of another shape: 1"),
    "not finite": ({"conv9.bn.bias": torch.full((1280,), torch.inf)}, "has values that are not finite"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_damage_is_told(tmp_path, fault):
    changes, words = FAULTS[fault]
    state = {**checkpoint_files.mobilenetv2(), **changes}
    torch.save({name: value for name, value in state.items() if value is not None}, tmp_path / "a.pt")
    with pytest.raises(InputError) as caught:
        open_file("boxmot", tmp_path / "a.pt")
    assert words in str(caught.value)


def test_torchreids_networks_are_read_by_both_families(tmp_path):
    torch.save(checkpoint_files.osnet(), tmp_path / "osnet_x0_25_msmt17.pt")
    assert open_file("torchreid", tmp_path / "osnet_x0_25_msmt17.pt")[0].method.test == Clipping("evenly", T=15)
    torch.save(checkpoint_files.mobilenetv2(), tmp_path / "mobilenetv2.pt")
    with pytest.raises(InputError, match="not of torchreid; it looks like boxmot: --checkpoint boxmot:"):
        open_file("torchreid", tmp_path / "mobilenetv2.pt")


def test_its_clip_is_the_one_of_clip_reid(tmp_path):
    torch.save(checkpoint_files.clip_reid(), tmp_path / "clip_market1501.pt")
    with pytest.raises(InputError, match="not of boxmot; it looks like clip-reid: --checkpoint clip-reid:"):
        open_file("boxmot", tmp_path / "clip_market1501.pt")


@pytest.mark.parametrize(("name", "content"), [("osnet.engine", b"{}"), ("osnet.bin", b"ftrt" + bytes(60))])
@pytest.mark.parametrize("family", ["boxmot", "torchreid"])
def test_an_engine_is_refused(tmp_path, name, content, family):
    (tmp_path / name).write_bytes(content)
    words = {"boxmot": "name the .pt or .onnx that it was made from", "torchreid": "it looks like boxmot"}
    with pytest.raises(InputError, match=words[family]):
        open_file(family, tmp_path / name)


@pytest.mark.parametrize(
    ("told", "disclosed"), [('{"preprocess": "resize_pad"}', True), ('{"preprocess": null}', False), ("[1]", False)]
)
def test_metadata_beside_a_graph_are_read(tmp_path, told, disclosed):
    pytest.importorskip("onnxruntime")
    (tmp_path / "a.onnx").write_bytes(onnx_files.network(onnx_files.draw_weights()))
    (tmp_path / "a.onnx.metadata.json").write_text(told)
    _, weights = open_file("boxmot", tmp_path / "a.onnx")
    assert ("frames are stretched, where its metadata say resize_pad" in weights.disclosure) == disclosed
    assert json.loads(told) is not None


def test_a_width_that_is_none_is_refused():
    with pytest.raises(InputError, match="width must be at least"):
        MobileNetV2(width=0)
