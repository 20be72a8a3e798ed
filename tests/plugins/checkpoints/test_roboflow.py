"""Folders of Roboflow's `reid` against the restatements of their networks, and damaged ones."""

import json
import sys
import types

import checkpoint_files
import checkpoint_forward
import pytest
import torch
from checkpoint_models import check_features, draw_clips, load_model, open_file
from torch import nn

from vreid_bench import Clipping, InputError
from vreid_plugins.encoders import timm_models

PUBLISHED = {  # what `save_pretrained` writes of an OSNet
    "input_size": [256, 128],
    "mean": [0.485, 0.456, 0.406],
    "std": [0.229, 0.224, 0.225],
    "interpolation": "bilinear",
    "to_rgb": True,
    "resize_mode": "stretch",
    "pad_value": 114,
}


def describe(**changes):
    return {"architecture": "osnet_x0_25", "preprocessing": {**PUBLISHED, **changes}}


@pytest.fixture(scope="module")
def state():
    return checkpoint_files.osnet(people=None)


@pytest.fixture
def save(tmp_path, state):
    """Writes a folder with that description and these tensors."""

    def write(description, tensors=state):
        return checkpoint_files.save_as_roboflow(tmp_path / "reid_mot17", tensors, description)

    return write


def test_osnet_computes_what_its_layers_say(save, state):
    model, method = load_model("roboflow", save(describe(input_size=[64, 32])))
    clips = draw_clips(2, 3, (64, 32))
    check_features(model, clips, torch.stack([checkpoint_forward.osnet(state, each).mean(0) for each in clips]))
    assert (method.test, method.size) == (Clipping("dense", T=1), (64, 32))
    assert method.matcher.options["metric"] == "cosine"


def test_other_colours_reach_the_network_as_the_description_says(save, state):
    """The restatement takes ImageNet's numbers, so it is given what they turn into the same values."""
    mean, std = [0.5, 0.4, 0.3], [0.5, 0.25, 1.0]
    model, _ = load_model("roboflow", save(describe(input_size=[64, 32], mean=mean, std=std)))
    clips = draw_clips(2, 2, (64, 32))
    ours, theirs = checkpoint_forward.IMAGENET
    into = lambda values: torch.tensor(values, dtype=torch.float64).view(3, 1, 1)  # noqa: E731
    seen = (clips.double() - into(mean)) / into(std) * into(theirs) + into(ours)
    check_features(model, clips, torch.stack([checkpoint_forward.osnet(state, each).mean(0) for each in seen]))


def test_what_the_description_leaves_out_has_the_defaults_of_reid(save):
    chosen, weights = open_file("roboflow", save({"architecture": "osnet_x0_25"}))
    assert chosen.method.size == (256, 128)
    assert chosen.method.encoder.name == "osnet"
    assert weights.left == ()
    assert weights.disclosure.startswith("not trained here: 485 tensors of reid_mot17 (roboflow, sha256 ")


def test_padded_frames_are_disclosed(save):
    _, weights = open_file("roboflow", save(describe(resize_mode="letterbox")))
    assert "frames are stretched to 256 x 128, where its description says letterbox" in weights.disclosure


class Tiny(nn.Module):
    """In the place of a network of timm: what it returns is the token of the class, as of a transformer."""

    num_features = 8
    num_prefix_tokens = 1
    pretrained_cfg = types.MappingProxyType({"mean": (0.1, 0.2, 0.3), "std": (1.0, 1.0, 1.0), "classifier": "head"})

    def __init__(self):
        super().__init__()
        self.stem = nn.Conv2d(3, 8, 8, 8)

    def forward(self, x):
        return self.stem(x)[:, :, 0, 0].tanh()


@pytest.fixture
def timm(monkeypatch, tmp_path):
    """An installed timm that has one network."""
    (tmp_path / "site/timm-9.9.dist-info").mkdir(parents=True)
    (tmp_path / "site/timm-9.9.dist-info/METADATA").write_text("Metadata-Version: 2.1\nName: timm\nVersion: 9.9\n")
    monkeypatch.syspath_prepend(tmp_path / "site")
    module = types.ModuleType("timm")
    module.__version__ = "9.9"
    module.is_model = lambda name: name == "tiny"
    module.list_models = lambda: ["tiny"]
    module.create_model = lambda name, pretrained, num_classes: Tiny()
    monkeypatch.setitem(sys.modules, "timm", module)
    monkeypatch.setattr(timm_models, "find_spec", lambda name: module)


def test_a_network_of_timm_gives_its_own_vector(save, timm):
    torch.manual_seed(0)
    network = Tiny()
    description = {"architecture": "timm:tiny", "preprocessing": {**PUBLISHED, "input_size": [32, 16]}}
    path = save(description, network.state_dict())
    model, method = load_model("roboflow", path)
    clips = draw_clips(2, 3, (32, 16))
    frames = checkpoint_forward.colours(clips.flatten(0, 1), checkpoint_forward.IMAGENET)
    with torch.inference_mode():
        check_features(model, clips, network.double()(frames).unflatten(0, (2, 3)).mean(1))
    assert method.encoder.name == "timm-vector"


def test_without_timm_it_says_what_to_install(save, monkeypatch):
    monkeypatch.setattr(timm_models, "find_spec", lambda name: None)
    with pytest.raises(InputError, match=r"timm is not installed; `pip install vreid-bench\[timm\]`"):
        open_file("roboflow", save({"architecture": "timm:resnet50"}))


DESCRIPTIONS = {
    "no text": ([1], "has no text `architecture`"),
    "another network": (
        {"architecture": "fastreid_sbs_resnest50"},
        "names the architecture 'fastreid_sbs_resnest50', expected one of osnet_x0_25, ",
    ),
    "no object": ({"architecture": "osnet_x0_25", "preprocessing": 3}, "preprocessing is 3, expected an object"),
    "no size": (describe(input_size=[256]), r"input_size is \[256\], expected a list of 2 numbers"),
    "fractions": (describe(input_size=[256.5, 128]), r"input_size is \[256.5, 128\]"),
    "no colours": (describe(mean=["a", 0, 0]), "mean is .*, expected a list of 3 numbers"),
    "no deviation": (describe(std=[0.2, 0.0, 0.2]), "std must be above 0"),
}


@pytest.mark.parametrize("case", DESCRIPTIONS)
def test_a_damaged_description_is_told(save, case):
    description, words = DESCRIPTIONS[case]
    path = save(description)
    with pytest.raises(InputError, match=words) as caught:
        open_file("roboflow", path)
    assert str(caught.value).startswith(f"--checkpoint roboflow:{path}: ")


TENSORS = {
    "missing": ({"fc.0.bias": None}, "484 of 485 tensors fit; missing: 1"),
    "unexpected": ({"neck.weight": torch.zeros(3)}, r"unexpected: 1 \(neck.weight \[3\]\)"),
    "another width": ({"conv5.conv.weight": torch.zeros(9, 128, 1, 1)}, "of another shape: 1"),
    "not finite": ({"fc.0.bias": torch.full((512,), torch.nan)}, "has values that are not finite"),
}


@pytest.mark.parametrize("case", TENSORS)
def test_damaged_tensors_are_told(save, state, case):
    changes, words = TENSORS[case]
    changed = {name: value for name, value in {**state, **changes}.items() if value is not None}
    with pytest.raises(InputError, match=words):
        open_file("roboflow", save(describe(), changed))


def test_an_incomplete_folder_is_told(save, tmp_path):
    path = save(describe())
    (path / "reid_config.json").write_text("{")
    with pytest.raises(InputError, match=r"reid_config.json cannot be read as JSON \(.*save the model again"):
        open_file("roboflow", path)
    (path / "reid_config.json").write_text(json.dumps(describe()))
    (path / "weights.safetensors").write_bytes(b"cut")
    with pytest.raises(InputError, match="not a file of tensors, numbers and texts"):
        open_file("roboflow", path)
    (path / "weights.safetensors").unlink()
    with pytest.raises(InputError, match=r"found reid_config.json without weights.safetensors"):
        open_file("roboflow", path)
    (path / "reid_config.json").unlink()
    with pytest.raises(InputError, match="Is a directory"):
        open_file("roboflow", path)


def test_another_family_is_told_what_the_folder_is(save):
    path = save(describe())
    with pytest.raises(InputError, match=f"no file of torchreid; it looks like roboflow: --checkpoint roboflow:{path}"):
        open_file("torchreid", path)


def test_a_file_alone_is_not_taken_for_a_folder(tmp_path, state):
    torch.save(state, tmp_path / "a.pth")
    with pytest.raises(InputError, match="not of roboflow; it looks like"):
        open_file("roboflow", tmp_path / "a.pth")
