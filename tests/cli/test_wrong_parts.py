"""Wrong parts through the command line: exit code 2, one sentence, no traceback, and nothing trained."""

import os
import sys

import pytest
from short_run import SHORT

DISTRIBUTION = "vreid-wrong"
MODULE = """
import torch
from torch import nn

from vreid_bench import hookimpl


class Vector(nn.Module):
    def __init__(self, dims, identities):
        super().__init__()

    def forward(self, batch):
        return batch.embedding.mean(1)


class Centred(nn.Module):
    def __init__(self, shape):
        super().__init__()

    def forward(self, maps):
        embedding = maps.mean((1, 3, 4))
        return embedding - embedding.mean(0)


class Detached(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 8, 3, 2)

    def forward(self, clips):
        return self.conv(clips.flatten(0, 1)).unflatten(0, clips.shape[:2]).detach()


class Padded(nn.Module):
    def __init__(self, dim):
        super().__init__()

    def represent(self, clips):
        return type(clips).single(clips.embedding.mean(1))

    def distance(self, query, gallery):
        return torch.cdist(query.mean(), gallery.mean())


@hookimpl
def vreid_losses():
    return {"vector": Vector}


@hookimpl
def vreid_aggregators():
    return {"centred": Centred}


@hookimpl
def vreid_encoders():
    return {"detached": Detached}


@hookimpl
def vreid_matchers():
    return {"padded": Padded}


@hookimpl
def vreid_methods():
    return {"nothing": lambda preset: None}
"""
FINISHED = MODULE.replace('"vector": Vector', '"vector": Vector({}, 1)')
UNMARKED = MODULE + "\n\ndef vreid_augmentations():\n    return {}\n"
WRONG = {
    "vector": "loss 'vector' of vreid-wrong returned a tensor of shape [",
    "centred": "aggregator 'centred' of vreid-wrong gives a clip a different output if it stands beside another clip",
    "detached": "no gradient reaches encoder 'detached' of vreid-wrong, whose first parameter is encoder.conv.weight",
    "padded": "matcher 'padded' of vreid-wrong gives two tracklets a different distance",
    "nothing": "method 'nothing' of vreid-wrong returned None",
}


@pytest.fixture
def install(tmp_path, monkeypatch):
    """Write a folder of installed packages that holds one module, put it on the path, and return it."""

    def write(module):
        information = tmp_path / "site" / "vreid_wrong-1.0.dist-info"
        information.mkdir(parents=True)
        (information / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {DISTRIBUTION}\nVersion: 1.0\n")
        (information / "entry_points.txt").write_text("[vreid_bench]\nwrong = vreid_wrong\n")
        (information.parent / "vreid_wrong.py").write_text(module)
        monkeypatch.syspath_prepend(information.parent)
        return information.parent

    yield write
    sys.modules.pop("vreid_wrong", None)


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_part_ends_the_run_before_it_trains(install, cli, tiny_mars, tmp_path, name):
    install(MODULE)
    result = cli("run", "--plugin", name, "--data", tiny_mars, "--runs", tmp_path / "runs", *SHORT)
    assert (result.exit_code, type(result.exception)) == (2, SystemExit)
    assert WRONG[name] in result.stderr
    assert not [*tmp_path.glob("runs/**/*.safetensors"), *tmp_path.glob("runs/**/log.jsonl")]


def test_a_process_shows_no_traceback(install, fork, tiny_mars, tmp_path):
    path = os.pathsep.join([str(install(MODULE)), os.environ.get("PYTHONPATH", "")])
    command = ("run", "--plugin", "vector", "--data", tiny_mars, "--runs", tmp_path / "runs", *SHORT)
    process = fork(*command, cwd=tmp_path, PYTHONPATH=path)
    _, err = process.communicate()
    assert process.returncode == 2, err
    assert WRONG["vector"] in err
    assert "Traceback" not in err


@pytest.mark.parametrize(
    ("module", "message"),
    [
        (FINISHED, "loss 'vector' of vreid-wrong: expected a factory of the loss"),
        (UNMARKED, "plugin 'wrong' of vreid-wrong: vreid_augmentations() lacks @hookimpl"),
    ],
    ids=["finished part", "hook without its mark"],
)
def test_a_wrong_plugin_ends_every_command(install, cli, module, message):
    install(module)
    result = cli("list")
    assert (result.exit_code, type(result.exception)) == (2, SystemExit)
    assert message in result.stderr
