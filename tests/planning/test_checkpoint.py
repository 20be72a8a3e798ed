"""Checkpoints of other programs: what is read, what is refused, and in which words."""

import pickle
import zipfile
from dataclasses import replace

import checkpoint_files
import numpy as np
import pytest
import torch
from checkpoint_models import open_file
from method_checks import registry_of
from safetensors.torch import load_file, save_file

from vreid_bench import Checkpoint, CheckpointFamily, Container, InputError, Opened, Renaming, hookimpl
from vreid_bench.planning.checkpoint import CheckpointRequest, open_checkpoint
from vreid_bench.planning.checkpoint_files import read_tensors
from vreid_bench.planning.plan import RunRequest, check_requests
from vreid_bench.registry.plugins import Plugin
from vreid_bench.registry.registry import Registry
from vreid_plugins.checkpoints import torchreid
from vreid_plugins.matchers import mean


@pytest.fixture(scope="module")
def state():
    return checkpoint_files.osnet()


@pytest.fixture
def file(tmp_path, state):
    checkpoint_files.save_as_torchreid(tmp_path / "osnet.pth.tar", state)
    return tmp_path / "osnet.pth.tar"


def floats(state):
    return {name for name, value in state.items() if value.is_floating_point()}


WRAPPINGS = {
    "bare": lambda state: state,
    "state_dict": lambda state: {"state_dict": state, "rank1": np.float32(0.5), "epoch": 3},
    "model": lambda state: {"model": state, "iteration": 9},
    "model_state_dict": lambda state: {"model_state_dict": state, "rank1": np.float64(0.5)},
    "replicated": lambda state: {f"module.{name}": value for name, value in state.items()},
    "array beside it": lambda state: {"state_dict": state, "cmc": np.linspace(0, 1, 5), "names": ["a", "b"]},
}


@pytest.mark.parametrize("wrapping", WRAPPINGS)
@pytest.mark.parametrize("archive", [True, False])
def test_tensors_are_found_however_they_are_wrapped(tmp_path, state, wrapping, archive):
    """Also in the form that torch wrote before it wrote archives."""
    torch.save(WRAPPINGS[wrapping](state), tmp_path / "a.pth", _use_new_zipfile_serialization=archive)
    assert zipfile.is_zipfile(tmp_path / "a.pth") == archive
    found, *_ = read_tensors(tmp_path / "a.pth", "--checkpoint x:a.pth")
    assert found.keys() == floats(state)
    assert all(torch.equal(found[name], state[name]) for name in found)


@pytest.mark.parametrize("kind", ["Adam", "AdamW", "SGD", "RMSprop"])
@pytest.mark.parametrize("archive", [True, False])
def test_an_optimizer_saved_whole_is_passed_over(tmp_path, state, kind, archive):
    """As BUPTCampus saves: torch alone refuses such a file, since it would build the optimizer."""
    weight = torch.nn.Parameter(torch.ones(2))
    optimizer = getattr(torch.optim, kind)([weight], lr=0.1)
    weight.sum().backward()
    optimizer.step()
    content = {"model": state, "optimizer": optimizer, "epoch": 99}
    torch.save(content, tmp_path / "a.pth", _use_new_zipfile_serialization=archive)
    with pytest.raises(pickle.UnpicklingError):
        torch.load(tmp_path / "a.pth", weights_only=True)
    found, _, beside = read_tensors(tmp_path / "a.pth", "")
    assert found.keys() == floats(state)
    assert beside == {"epoch": 99}


def test_numbers_and_texts_beside_the_tensors_are_told(tmp_path, state):
    about = {"epoch": 3, "rank1": np.float32(0.5), "arch": "osnet", "log": "x" * 200, "cmc": np.ones(3), 7: True}
    torch.save({"state_dict": state, **about}, tmp_path / "a.pth")
    assert read_tensors(tmp_path / "a.pth", "").beside == {"epoch": 3, "rank1": 0.5, "arch": "osnet", "7": True}
    torch.save(state, tmp_path / "b.pth")
    assert read_tensors(tmp_path / "b.pth", "").beside == {}


def test_safetensors_are_read(tmp_path, state):
    save_file(state, tmp_path / "a.safetensors")
    assert read_tensors(tmp_path / "a.safetensors", "")[0].keys() == floats(state)


def test_half_precision_is_read_as_single(tmp_path, state):
    half = {name: value.half() if value.is_floating_point() else value for name, value in state.items()}
    torch.save(half, tmp_path / "half.pth")
    _, weights = open_file("torchreid", tmp_path / "half.pth")
    tensors = load_file(weights.weights(0))
    assert tensors["encoder.conv1.conv.weight"].dtype == torch.float32
    assert torch.equal(tensors["encoder.conv1.conv.weight"], half["conv1.conv.weight"].float())


class Evil:
    def __reduce__(self):
        return print, ("code of the file ran",)


@pytest.mark.parametrize("archive", [True, False])
def test_no_code_of_a_file_runs(tmp_path, state, archive, capsys):
    torch.save({"state_dict": state, "hook": Evil()}, tmp_path / "a.pth", _use_new_zipfile_serialization=archive)
    with pytest.raises(InputError, match="anything else may run code; save its state_dict alone"):
        open_file("torchreid", tmp_path / "a.pth")
    (tmp_path / "b.pth").write_bytes(pickle.dumps(Evil()))
    with pytest.raises(InputError, match="not a file of tensors, numbers and texts"):
        open_file("torchreid", tmp_path / "b.pth")
    assert "code of the file ran" not in capsys.readouterr().out


def test_every_tensor_but_the_class_head_is_taken(file, state):
    chosen, weights = open_file("torchreid", file)
    assert set(weights.left) == {"classifier.weight", "classifier.bias"}
    assert weights.taken == len(floats(state)) - 2
    assert weights.trains is False
    assert (chosen.name, chosen.preset, chosen.swapped, dict(chosen.overrides)) == ("torchreid", "paper", "", {})
    assert ("checkpoint", "torchreid") in {(each["kind"], each["name"]) for each in chosen.providers}


def test_disclosure_says_that_nothing_was_trained_here(file):
    _, weights = open_file("torchreid", file)
    assert weights.disclosure.startswith("not trained here: 485 tensors of osnet.pth.tar (torchreid, sha256 ")
    assert weights.disclosure.endswith("what it was trained on is not known")
    assert "left in the file: 2 (classifier.weight, classifier.bias)" in weights.report()
    assert weights.entry("0" * 64).origin == "file"


def test_the_file_of_weights_is_the_same_for_every_fold(file):
    _, weights = open_file("torchreid", file)
    assert weights.weights(0) == weights.weights(3)
    assert weights.weights(0).exists()


def test_tensors_that_share_memory_or_lie_in_another_order_are_read(tmp_path, state):
    whole = torch.randn(2, 512)
    shared = {**state, "fc.0.bias": whole[0], "fc.1.bias": whole[1], "fc.0.weight": state["fc.0.weight"].T.clone().T}
    torch.save(shared, tmp_path / "a.pth")
    _, weights = open_file("torchreid", tmp_path / "a.pth")
    tensors = load_file(weights.weights(0))
    for name in ("fc.0.bias", "fc.1.bias", "fc.0.weight"):
        assert torch.equal(tensors[f"aggregator.{name}"], shared[name])


def test_settings_of_the_test_may_change(file):
    chosen, _ = open_file("torchreid", file, "test.T=4", "matcher.metric=cosine", "size=128x64")
    assert chosen.overrides == {"test.T": 4, "matcher.metric": "cosine", "size": [128, 64]}
    assert chosen.inherited.test.T == 15


def change(state, **changes):
    """The state dict with tensors of other shapes, or without them."""
    changed = {name.replace("__", "."): value for name, value in changes.items()}
    return {name: value for name, value in {**state, **changed}.items() if value is not None}


FAULTS = {
    "missing": (
        {"conv5__conv__weight2": None, "fc__0__bias": None},
        "looks like torchreid's OSNet, but 484 of 485 tensors fit; missing: 1 (aggregator.fc.0.bias [512])",
    ),
    "unexpected": (
        {"neck__weight": torch.zeros(3), "conv6__weight": torch.zeros(2, 2)},
        "unexpected: 2 (neck.weight [3], conv6.weight [2, 2])",
    ),
    "reshaped": (
        {"conv5__conv__weight": torch.zeros(9, 128, 1, 1)},
        "of another shape: 1 (encoder.conv5.conv.weight found [9, 128, 1, 1], expected [128, 128, 1, 1])",
    ),
    "not finite": (
        {"fc__0__bias": torch.full((512,), torch.nan)},
        "aggregator.fc.0.bias has values that are not finite",
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_what_does_not_fit_is_told(tmp_path, state, fault):
    changes, words = FAULTS[fault]
    torch.save(change(state, **changes), tmp_path / "a.pth")
    with pytest.raises(InputError) as caught:
        open_file("torchreid", tmp_path / "a.pth")
    assert words in str(caught.value)
    assert str(caught.value).startswith(f"--checkpoint torchreid:{tmp_path / 'a.pth'}: ")


@pytest.mark.parametrize(
    ("make", "named", "alike"),
    [
        (checkpoint_files.tf_clip, "torchreid", "tf-clip"),
        (checkpoint_files.tf_clip, "clip-reid", "tf-clip"),
        (lambda: checkpoint_files.clip_reid(narrow=64), "clip-reid", "vsla-clip"),
        (checkpoint_files.clip_reid, "tf-clip", "clip-reid"),
        (checkpoint_files.osnet, "fast-reid", "boxmot or torchreid"),
    ],
)
def test_a_file_of_another_family_is_recognised(tmp_path, make, named, alike):
    torch.save(make(), tmp_path / "a.pth")
    with pytest.raises(InputError, match=rf"not of {named}; it looks like {alike}: --checkpoint {alike.split()[0]}:"):
        open_file(named, tmp_path / "a.pth")


def test_a_file_of_no_family_names_what_it_lacks(tmp_path):
    torch.save({"layer.weight": torch.zeros(2, 2)}, tmp_path / "a.pth")
    with pytest.raises(InputError) as caught:
        open_file("fast-reid", tmp_path / "a.pth")
    assert "found 1 tensors (layer.weight [2, 2], ...)" in str(caught.value)
    assert "fast-reid has backbone.conv1.weight, backbone.layer4.0.conv1.weight" in str(caught.value)


@pytest.mark.parametrize("text", ["torchreid", ":a.pth", "torchreid:", "osnet.pth"])
def test_the_option_names_a_family_and_a_file(text):
    with pytest.raises(InputError, match="expected FAMILY:FILE"):
        open_checkpoint(registry_of(torchreid), CheckpointRequest(text))


def test_an_unknown_family_suggests_near_ones(file):
    with pytest.raises(InputError, match="torchreid"):
        open_file("torchried", file)


def test_a_missing_file_and_one_without_tensors_are_told(tmp_path):
    with pytest.raises(InputError, match="cannot be read"):
        open_file("torchreid", tmp_path / "none.pth")
    torch.save({"state_dict": {"epoch": 3}}, tmp_path / "a.pth")
    with pytest.raises(InputError, match="without named tensors"):
        open_file("torchreid", tmp_path / "a.pth")


@pytest.mark.parametrize(
    ("option", "given"),
    [
        ("--plugin", {"name": "mean-pooling"}),
        ("--from", {"source": "x"}),
        ("--preset", {"preset": "small"}),
        ("--seed", {"seed": 1}),
        ("--weights", {"weights": ("encoder=x",)}),
        ("--from-scratch", {"from_scratch": True}),
        ("--validate", {"validate": "every=5"}),
        ("--precision", {"precision": "bf16"}),
    ],
)
def test_options_of_a_training_are_refused(file, option, given):
    request = RunRequest(**{"name": None, "protocol": None, "checkpoint": f"torchreid:{file}", **given})
    with pytest.raises(InputError, match=f"{option} and --checkpoint"):
        check_requests([request])


class Stranger:
    """A plugin whose files have a prefix before torchreid's names."""

    @hookimpl
    def vreid_checkpoints(self):
        def read(shapes):
            theirs = torchreid.read({name.removeprefix("net."): shape for name, shape in shapes.items()})
            renamings = tuple(Renaming(f"net.{before}", after) for before, after in theirs.renamings)
            return Checkpoint(theirs.method, renamings, ("net.classifier.",), ("as the lab says",))

        return {"stranger": CheckpointFamily("Ours.", (("net.conv1.conv.weight",),), read)}


def test_a_strangers_family_is_read(tmp_path, state):
    ours = [Plugin(module.__name__, module, "vreid-bench", "0") for module in (torchreid, mean)]
    registry = Registry([*ours, Plugin("stranger", Stranger(), "vreid-stranger", "1")])
    torch.save({f"net.{name}": value for name, value in state.items()}, tmp_path / "a.pth")
    chosen, weights = open_checkpoint(registry, CheckpointRequest(f"stranger:{tmp_path / 'a.pth'}", quiet=True))
    assert (chosen.name, weights.taken) == ("stranger", 485)
    assert weights.disclosure.endswith("; as the lab says")
    [family] = [each for each in chosen.providers if each["kind"] == "checkpoint"]
    assert (family["distribution"], family["version"]) == ("vreid-stranger", "1")


class Foldered:
    """A plugin whose checkpoints are folders of a text, which says how many people, and a file of tensors."""

    @hookimpl
    def vreid_checkpoints(self):
        def open_folder(path):
            people = int((path / "people.txt").read_text())

            def read(shapes):
                return replace(torchreid.read(shapes), notes=(f"{people} people",))

            return Opened(path / "net.pth", read)

        def matches(path):
            if path.name == "unreadable.pth":
                raise PermissionError(13, "Permission denied")
            return (path / "people.txt").is_file()

        return {"foldered": CheckpointFamily("Ours.", (), lambda shapes: None, Container(matches, open_folder))}


def test_a_strangers_container_is_opened(tmp_path, state):
    ours = [Plugin(module.__name__, module, "vreid-bench", "0") for module in (torchreid, mean)]
    registry = Registry([*ours, Plugin("foldered", Foldered(), "vreid-foldered", "1")])
    (tmp_path / "net").mkdir()
    torch.save(state, tmp_path / "net/net.pth")
    (tmp_path / "net/people.txt").write_text("11")
    _, weights = open_checkpoint(registry, CheckpointRequest(f"foldered:{tmp_path / 'net'}", quiet=True))
    assert (weights.taken, weights.left) == (485, ("classifier.weight", "classifier.bias"))
    assert weights.disclosure.endswith("; 11 people")
    with pytest.raises(InputError, match="no file of torchreid; it looks like foldered: --checkpoint foldered:"):
        open_checkpoint(registry, CheckpointRequest(f"torchreid:{tmp_path / 'net'}"))
    with pytest.raises(InputError, match=r"the file cannot be read \(No such file or directory\)"):
        open_checkpoint(registry, CheckpointRequest(f"foldered:{tmp_path / 'unreadable.pth'}"))
    torch.save({"layer.weight": torch.zeros(2, 2)}, tmp_path / "a.pth")
    with pytest.raises(InputError, match=r"nor of any other family of `vreid-bench list checkpoints`; name a file of"):
        open_checkpoint(registry, CheckpointRequest(f"foldered:{tmp_path / 'a.pth'}"))


WRONG = {
    "no family": (lambda shapes: None, "got the function <lambda>, expected a vreid_bench.CheckpointFamily"),
    "no signs": (CheckpointFamily("A.", (), lambda shapes: None), "its signs are empty"),
    "an empty sign": (CheckpointFamily("A.", (("a",), ()), lambda shapes: None), "its signs are empty"),
    "other arguments": (
        CheckpointFamily("A.", (("a",),), lambda: None),
        "expected read(shapes) or read(shapes, beside)",
    ),
}


@pytest.mark.parametrize("case", WRONG)
def test_a_wrong_family_is_told_when_its_plugin_is_loaded(case):
    value, words = WRONG[case]

    class Wrong:
        @hookimpl
        def vreid_checkpoints(self):
            return {"wrong": value}

    with pytest.raises(InputError) as caught:
        Registry([Plugin("wrong", Wrong(), "vreid-wrong", "1")])
    assert words in str(caught.value)
    assert "checkpoint 'wrong' of vreid-wrong" in str(caught.value)
