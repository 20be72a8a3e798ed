"""Files of tensors by name are read as training programs save them, and nothing in them runs."""

import pickle
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from vreid_bench.importing.named_tensors import read_named_tensors
from vreid_bench.system.errors import InputError

STATE = {"conv.weight": torch.arange(6.0).reshape(2, 3), "conv.count": torch.tensor(3)}


def read(path, floating=False):
    return read_named_tensors(path, f"--weights encoder={path}", floating)


@pytest.mark.parametrize("wrapper", ["", "state_dict", "model", "model_state_dict"])
@pytest.mark.parametrize("replicated", ["", "module."])
def test_tensors_are_found_wherever_a_program_saves_them(tmp_path, wrapper, replicated):
    state = {f"{replicated}{name}": value for name, value in STATE.items()}
    about = {"epoch": 3, "best": np.float64(0.5), "name": "net", "optimizer": {"lr": 1.0}, "long": "x" * 101}
    torch.save({wrapper: state, **about} if wrapper else state, tmp_path / "file.pth")
    found = read(tmp_path / "file.pth")
    assert {name: value.tolist() for name, value in found.tensors.items()} == {
        "conv.weight": [[0, 1, 2], [3, 4, 5]],
        "conv.count": 3,
    }
    assert found.beside == ({"epoch": 3, "best": 0.5, "name": "net"} if wrapper else {})
    assert list(read(tmp_path / "file.pth", floating=True).tensors) == ["conv.weight"]


def test_safetensors_hold_the_same(tmp_path):
    save_file(STATE, tmp_path / "file.safetensors")
    found = read(tmp_path / "file.safetensors").tensors
    assert {name: value.tolist() for name, value in found.items()} == {
        name: value.tolist() for name, value in STATE.items()
    }


class Trap:
    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return Path.touch, (self.path,)


@pytest.mark.filterwarnings("ignore:Detected pickle protocol")
@pytest.mark.parametrize("save", [torch.save, lambda content, path: path.write_bytes(pickle.dumps(content))])
def test_a_pickle_that_would_run_code_is_refused_and_does_not_run_it(tmp_path, save):
    save({"conv1.weight": torch.zeros(1), "trap": Trap(tmp_path / "ran")}, tmp_path / "file.pth")
    with pytest.raises(InputError, match=r"file.pth: not a file of tensors, .*, because anything else may run code"):
        read(tmp_path / "file.pth")
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("name", ["file.pth", "file.safetensors"])
@pytest.mark.parametrize("content", [b"", b"no such thing", b"PK\x03\x04cut"])
def test_a_file_that_is_no_weights_is_one_sentence(tmp_path, name, content):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError, match=f"{name}: not a file of tensors, numbers and texts") as told:
        read(tmp_path / name)
    assert "\n" not in str(told.value)


@pytest.mark.parametrize("content", [torch.zeros(3), {"state_dict": {}}, {"epoch": 3}, [torch.zeros(1)]])
def test_a_file_without_tensors_by_name_is_refused(tmp_path, content):
    torch.save(content, tmp_path / "file.pth")
    with pytest.raises(InputError, match="without named tensors"):
        read(tmp_path / "file.pth")
