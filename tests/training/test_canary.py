"""The canary: the weights of a few steps under portable arithmetic, as another processor computed them."""

import pytest
import torch
from torch import nn

from vreid_bench.system import native
from vreid_bench.system.arithmetic import explain_processor
from vreid_bench.system.errors import RunError
from vreid_bench.training import canary
from vreid_bench.training.canary import Canary, compare_here, hash_weights


@pytest.mark.slow
@pytest.mark.skipif(bool(explain_processor()), reason="this processor has no portable arithmetic")
@pytest.mark.skipif(native.load("portable") is None, reason="the native kernels were not built")
def test_every_family_of_encoders_trains_to_the_weights_of_the_canary():
    expected = Canary.read()
    if torch.__version__ != expected.torch:
        pytest.skip(f"the canary is of torch {expected.torch}")
    assert len(expected.weights) == 8
    assert canary.train_apart(list(expected.weights)) == expected


@pytest.fixture
def trained(monkeypatch):
    """What was trained; each training ends in the weights of the canary."""
    names = []

    def train(methods):
        names.extend(methods)
        return Canary("9.9", {name: Canary.read().weights[name] for name in methods})

    monkeypatch.setattr(canary, "explain_processor", lambda: "")
    monkeypatch.setattr(canary, "train_apart", train)
    return names


def test_one_training_or_all_are_compared(trained):
    assert compare_here(every=False) == f"{trained[0]}: the same weights as elsewhere, to the last bit"
    assert len(trained) == 1
    assert compare_here(every=True).endswith("tacan-senet: the same weights as elsewhere, to the last bit")
    assert set(trained) == set(Canary.read().weights)


def test_other_weights_are_told_with_the_versions_of_torch(trained, monkeypatch):
    monkeypatch.setattr(canary, "train_apart", lambda methods: Canary("9.9", dict.fromkeys(methods, "0" * 64)))
    told = compare_here(every=False)
    assert told.startswith("3d-cnn: other weights than those of canary.json (by torch ")
    assert "here is 9.9" in told


def test_what_cannot_be_compared_is_told(trained, monkeypatch, tmp_path):
    def fail(methods):
        raise RunError("no room")

    monkeypatch.setattr(canary, "train_apart", fail)
    assert compare_here(every=False) == "not compared: no room"
    monkeypatch.setattr(canary, "CANARY", tmp_path / "canary.json")
    assert "is not there" in compare_here(every=False)
    monkeypatch.setattr(canary, "explain_processor", lambda: "the processor has no AVX2")
    assert compare_here(every=False) == "not compared: the processor has no AVX2"


def test_a_canary_is_read_as_it_was_written(monkeypatch, tmp_path):
    monkeypatch.setattr(canary, "CANARY", tmp_path / "canary.json")
    written = Canary("2.0", {"b": "1", "a": "2"})
    written.write()
    assert Canary.read() == written


def test_the_hash_is_of_names_and_values_but_not_of_their_order_in_memory():
    module = nn.Conv2d(3, 4, 3)
    before = hash_weights(module)
    module.weight.data = module.weight.data.contiguous(memory_format=torch.channels_last)
    assert hash_weights(module) == before
    with torch.no_grad():
        module.bias[0] += 1
    assert hash_weights(module) != before
    assert hash_weights(nn.ModuleDict({"other": module})) != hash_weights(module)


def test_a_training_that_fails_is_told_with_its_reason():
    with pytest.raises(RunError, match="the training of no-such failed: "):
        canary.train_apart(["no-such"])
