"""Graphs of ONNX, written byte by byte, against the same layers in NumPy; and files that cannot be tested."""

import copy
import sys

import numpy as np
import onnx_files
import pytest
import torch
from checkpoint_forward import IMAGENET, colours
from checkpoint_models import check_features, draw_clips, load_model, open_file

from vreid_bench import Clipping, InputError
from vreid_plugins.checkpoints.onnx_graph import OnnxGraph, is_graph


@pytest.fixture
def runtime():
    return pytest.importorskip("onnxruntime")


@pytest.fixture
def save(tmp_path):
    def write(content, name="osnet_x0_25_msmt17.onnx"):
        (tmp_path / name).write_bytes(content)
        return tmp_path / name

    return write


def statement(weights, frames):
    """The vectors [N, width] of frames [N, 3, H, W], as unit vectors."""
    x = colours(frames, IMAGENET).numpy()
    n, _, height, width = x.shape
    patches = x.reshape(n, 3, height // 8, 8, width // 8, 8).transpose(0, 2, 4, 1, 3, 5).reshape(n, -1, 3 * 64)
    maps = np.maximum(patches @ weights["kernel"].reshape(8, -1).T + weights["bias"], 0)
    return torch.from_numpy(maps.mean(1) @ weights["matrix"])


FORMS = {
    "any number of images": {},
    "one image at a time": {"batch": 1},
    "four images at a time": {"batch": 4},
    "sides left open": {"size": ("height", "width")},
    "a map of one place": {"rank": 4},
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("family", ["onnx", "boxmot"])
def test_features_are_what_the_layers_say(runtime, save, form, family):
    weights = onnx_files.draw_weights()
    path = save(onnx_files.network(weights, **FORMS[form]))
    model, method = load_model(family, path, "size=64x32")
    clips = draw_clips(2, 3, (64, 32))
    check_features(model, clips, torch.stack([statement(weights, clip).mean(0) for clip in clips]))
    assert method.test == Clipping("dense", T=1)
    assert method.matcher.options == {"metric": "cosine", "normalize": True}


def test_the_size_of_frames_is_the_graphs(runtime, save):
    weights = onnx_files.draw_weights()
    chosen, loaded = open_file("onnx", save(onnx_files.network(weights)))
    assert chosen.method.size == (64, 32)
    assert (loaded.taken, loaded.left) == (1, ())
    assert f"the graph is run by onnxruntime {runtime.__version__}" in loaded.disclosure
    chosen, _ = open_file("onnx", save(onnx_files.network(weights, size=("h", "w"))))
    assert chosen.method.size == (256, 128)


def test_half_precision_is_that_of_its_input(runtime, save):
    weights = onnx_files.draw_weights()
    model, _ = load_model("onnx", save(onnx_files.network(weights, kind=onnx_files.HALF)))
    clips = draw_clips(2, 1, (64, 32))
    with torch.inference_mode():
        found = model.features(clips.double()).embedding
    torch.testing.assert_close(found, torch.cat([statement(weights, clip) for clip in clips]), rtol=0.02, atol=0.02)


def test_a_copy_runs_the_graph_and_other_weights_another_one(runtime, save):
    first, second = (onnx_files.network(onnx_files.draw_weights(seed=seed)) for seed in (0, 1))
    assert len(first) == len(second)
    clips = draw_clips(1, 2, (64, 32))
    encoder = OnnxGraph(length=len(first), width=6)
    encoder.graph.copy_(torch.frombuffer(bytearray(first), dtype=torch.uint8))
    one = encoder(clips)
    assert torch.equal(copy.deepcopy(encoder)(clips), one)
    encoder.load_state_dict({"graph": torch.frombuffer(bytearray(second), dtype=torch.uint8)})
    assert not torch.allclose(encoder(clips), one)


def two_outputs():
    nodes = [onnx_files.node("Relu", ["images"], ["a"]), onnx_files.node("Relu", ["a"], ["b"])]
    ports = [onnx_files.port(name, onnx_files.FLOAT, ["n", 3, 8, 8]) for name in ("images", "a", "b")]
    return onnx_files.model(nodes, [], ports[:1], ports[1:])


def one_relu(sides, kind=onnx_files.FLOAT):
    nodes = [onnx_files.node("Relu", ["images"], ["out"])]
    return onnx_files.model(nodes, [], *([onnx_files.port(name, kind, sides)] for name in ("images", "out")))


def outside():
    """As PyTorch exports large networks: the tensors in a file beside the graph."""
    where = onnx_files.join((1, "location"), (2, "model.onnx.data"))
    beside = onnx_files.join((1, 8), (2, 1), (8, "bias"), (13, where), (14, 1))
    return onnx_files.model([onnx_files.node("Relu", ["bias"], ["out"])], [beside], [], [])


def not_finite():
    weights = onnx_files.draw_weights()
    return onnx_files.network({**weights, "bias": np.full(8, np.nan)})


FAULTS = {
    "cut": (lambda: onnx_files.network(onnx_files.draw_weights())[:500], "cannot run the graph"),
    "two outputs": (two_outputs, r"has 1 inputs \(images\) and 2 outputs \(a, b\), expected one of each"),
    "no images": (
        lambda: one_relu(["n", 3]),
        r"input images is tensor\(float\) \['n', 3\], expected images in float32 or",
    ),
    "one colour": (lambda: one_relu(["n", 1, 8, 8]), r"\['n', 1, 8, 8\], expected images"),
    "float64": (
        lambda: one_relu(["n", 3, 8, 8], onnx_files.DOUBLE),
        r"images is tensor\(double\) .*, expected images in",
    ),
    "maps": (lambda: one_relu(["n", 3, 8, 8]), r"output for 2 images is \[2, 3, 8, 8\], expected a vector each"),
    "weights elsewhere": (outside, r"its weights lie in another file.*onnx.save\(onnx.load\(FILE\), OTHER\)"),
    "not finite": (not_finite, "output for random images is not finite"),
    "another network than its shapes": (
        lambda: onnx_files.network({**onnx_files.draw_weights(), "matrix": np.ones((5, 6))}),
        "(cannot run the graph|the graph fails on images)",
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_graph_that_cannot_be_tested_is_told(runtime, save, fault):
    make, words = FAULTS[fault]
    path = save(make())
    with pytest.raises(InputError, match=words) as caught:
        open_file("onnx", path)
    assert str(caught.value).startswith(f"--checkpoint onnx:{path}: ")
    assert "\n" not in str(caught.value)


def test_without_onnxruntime_it_says_what_to_install(save, monkeypatch):
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(InputError, match=r"onnxruntime, which runs ONNX, .*`pip install vreid-bench\[onnx\]`"):
        open_file("onnx", save(onnx_files.network(onnx_files.draw_weights())))


def test_graphs_are_recognised_by_their_first_bytes(save, tmp_path):
    graph = onnx_files.network(onnx_files.draw_weights())
    assert is_graph(save(graph, "model.bin"))
    torch.save({"a": torch.zeros(2)}, tmp_path / "model.pt")
    assert not is_graph(tmp_path / "model.pt")
    assert not is_graph(save(graph[:3], "model.safetensors"))
    assert not is_graph(tmp_path / "none.onnx")
    with pytest.raises(InputError, match="it is no file of torchreid; it looks like boxmot or onnx"):
        open_file("torchreid", save(graph, "model.bin"))


def test_before_its_graph_is_loaded_an_encoder_gives_vectors_of_that_width():
    clips = draw_clips(2, 3, (64, 32))
    vectors = OnnxGraph(length=10, width=7)(clips)
    assert vectors.shape == (2, 3, 7, 1, 1)
    assert vectors.isfinite().all()
    assert not torch.allclose(vectors[0], vectors[1])


def test_wrong_options_are_refused():
    with pytest.raises(InputError, match="length and width must be at least 1"):
        OnnxGraph(length=0, width=3)
    with pytest.raises(InputError, match="scale must be imagenet or symmetric"):
        OnnxGraph(length=1, width=3, scale="none")
