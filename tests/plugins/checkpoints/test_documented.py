"""The family in docs/checkpoints.md does what the page says, and the page has every family and what is true of it."""

import re

import checkpoint_files
import torch
from places import ROOT

from vreid_bench.planning.checkpoint import CheckpointRequest, open_checkpoint
from vreid_bench.registry.plugins import Plugin
from vreid_bench.registry.registry import Registry
from vreid_plugins.aggregators import pooling
from vreid_plugins.encoders import resnet
from vreid_plugins.matchers import mean

PAGE = (ROOT / "docs/checkpoints.md").read_text()


def test_the_family_of_the_page_reads_its_files(tmp_path):
    [code] = re.findall(r"```python\n(.*?)```", PAGE, re.S)
    names = {"__name__": "lab"}
    exec(code, names)

    class Lab:
        vreid_checkpoints = staticmethod(names["vreid_checkpoints"])

    modules = [Plugin(module.__name__, module, "vreid-bench", "0") for module in (resnet, pooling, mean)]
    registry = Registry([*modules, Plugin("lab", Lab, "vreid-lab", "1")])
    state = {f"base.{name}": value for name, value in checkpoint_files.resnet50().items()}
    torch.save({**state, "classifier.weight": torch.zeros(3, 2048)}, tmp_path / "lab.pth")
    request = CheckpointRequest(f"lab:{tmp_path / 'lab.pth'}", ("size=32x16",), quiet=True)
    _, weights = open_checkpoint(registry, request)
    assert weights.left == ("classifier.weight",)
    assert weights.disclosure.endswith("Frames are not flipped.")


def test_the_page_has_every_family():
    families = {entry.name for entry in Registry.installed().entries("checkpoints")}
    assert set(re.findall(r"^\| `([a-z0-9-]+)` \|", PAGE, re.MULTILINE)) == families
