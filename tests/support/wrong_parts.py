"""Small parts that work, to which the tests of wrong parts put one that does not."""

from dataclasses import replace
from types import SimpleNamespace

import torch
from small_training import Classify, Mean
from torch import nn

from vreid_bench import Clipping, Method, Schedule, Train, hookimpl, part
from vreid_bench.modeling.model import assemble
from vreid_bench.registry.plugins import Plugin
from vreid_bench.registry.registry import Registry

GOOD, WRONG = "vreid-good", "vreid-wrong"  # distributions
HOOKS = {"encoder": "encoders", "aggregator": "aggregators", "matcher": "matchers", "loss": "losses"}
HOOKS |= {"augmentation": "augmentations", "method": "methods"}


class Net(nn.Module):
    """Maps [B, T, 8, 15, 7] of clips of 32 x 16 pixels."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 8, 3, 2)
        self.norm = nn.BatchNorm2d(8)

    def forward(self, clips):
        return self.norm(self.conv(clips.flatten(0, 1))).unflatten(0, clips.shape[:2])


class Pool(nn.Module):
    """A linear layer over the mean of the maps."""

    def __init__(self, shape):
        super().__init__()
        self.linear = nn.Linear(shape[0], 6)

    def forward(self, maps):
        return self.linear(maps.mean((1, 3, 4)))


STAGE = Train(Clipping("random", 3), {"loss": 1.0}, steps=2, P=2, K=2, schedule=Schedule("constant", 1e-2))
METHOD = Method(
    part("net"),
    part("pool"),
    part("mean"),
    Clipping("evenly", 3),
    (32, 16),
    losses={"loss": part("classify")},
    stages=(STAGE,),
)


def plugin(name, distribution, **values):
    """A plugin that provides these values: hook -> {name: value}."""
    hooks = {f"vreid_{hook}": hookimpl(lambda given=given: given) for hook, given in values.items()}
    return Plugin(name, SimpleNamespace(**hooks), distribution, "1")


def good():
    """The plugin of the parts that work."""
    parts = {"encoders": {"net": Net}, "aggregators": {"pool": Pool}, "matchers": {"mean": Mean}}
    return plugin("good", GOOD, **parts, losses={"classify": Classify})


def method_with(kind, stage=STAGE):
    """The method with the part `wrong` of that kind in place of its own."""
    if kind == "loss":
        return replace(METHOD, losses={"loss": part("wrong")}, stages=(stage,))
    if kind == "augmentation":
        return replace(METHOD, stages=(replace(stage, augment=(part("wrong"),)),))
    return replace(METHOD, **{kind: part("wrong")}, stages=(stage,))


def assemble_with(kind, wrong, stage=STAGE, identities=5):
    """Assemble that method; `wrong` is the factory of its part."""
    registry = Registry([good(), plugin("wrong", WRONG, **{HOOKS[kind]: {"wrong": wrong}})])
    method = method_with(kind, stage)
    torch.manual_seed(0)
    return assemble(method, registry.factories(method), identities)
