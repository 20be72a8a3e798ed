"""A method of small parts, its training, and a log that can stop it: what tests of training share."""

from dataclasses import replace
from types import SimpleNamespace

import torch
from torch import nn

from vreid_bench import Clipping, Fit, Method, Optimizer, Schedule, Train, hookimpl, part
from vreid_bench.modeling.embed import FrameReader
from vreid_bench.modeling.model import assemble
from vreid_bench.registry.plugins import Plugin
from vreid_bench.registry.registry import Registry
from vreid_bench.training.stages import Training


class Encoder(nn.Module):
    """A network with all that can break a resume: batch statistics, dropout, a buffer that training moves."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 8, 3, 2)
        self.norm = nn.BatchNorm2d(8)
        self.drop = nn.Dropout(0.3)

    def forward(self, clips):
        B, T = clips.shape[:2]
        return self.drop(self.norm(self.conv(clips.flatten(0, 1)))).unflatten(0, (B, T))


class Average(nn.Module):
    def __init__(self, shape):
        super().__init__()
        self.register_buffer("centre", torch.zeros(shape[0]))

    def fit(self, maps):
        self.centre = torch.cat([m.mean((1, 3, 4)) for m in maps]).mean(0)

    def forward(self, maps):
        return maps.mean((1, 3, 4)) - self.centre


class Mean(nn.Module):
    def __init__(self, dim):
        super().__init__()

    def represent(self, clips):
        from vreid_bench import Clips

        return Clips.single(clips.mean())

    def distance(self, query, gallery):
        return torch.cdist(query.mean(), gallery.mean())


class Classify(nn.Module):
    def __init__(self, dims, identities, explode_at=-1):
        super().__init__()
        self.fc = nn.Linear(dims["embedding"], identities)
        self.explode_at = explode_at
        self.register_buffer("seen", torch.zeros((), dtype=torch.long))

    def forward(self, batch):
        self.seen += 1
        loss = nn.functional.cross_entropy(self.fc(batch.embedding), batch.pids)
        return loss * (torch.nan if self.seen == self.explode_at else 1.0)


def jitter():
    return lambda clips, generator, planes: clips + 0.1 * torch.rand(clips.shape, generator=generator)


def small_registry(encoder=Encoder):
    """A registry with the parts of RECIPE."""
    hooks = {
        "vreid_encoders": hookimpl(lambda: {"net": encoder}),
        "vreid_aggregators": hookimpl(lambda: {"pool": Average}),
        "vreid_matchers": hookimpl(lambda: {"mean": Mean}),
        "vreid_losses": hookimpl(lambda: {"ce": Classify}),
        "vreid_augmentations": hookimpl(lambda: {"jitter": jitter}),
    }
    return Registry([Plugin("test", SimpleNamespace(**hooks), "vreid-test", "1")])


STAGE = Train(
    Clipping("random", 3),
    {"ce": 1.0},
    steps=8,
    P=4,
    K=2,
    schedule=Schedule("one-cycle", 1e-2),
    optimizer=Optimizer("AdamW", {"weight_decay": 1e-2, "amsgrad": True}),
    augment=(part("jitter"),),
)
RECIPE = Method(
    part("net"),
    part("pool"),
    part("mean"),
    Clipping("evenly", 3),
    (32, 16),
    losses={"ce": part("ce")},
    stages=(Fit("aggregator", Clipping("consecutive", 3)), STAGE, replace(STAGE, freeze=("encoder.norm.*",), steps=4)),
)


class Interrupted(Exception):
    pass


class Recorder:
    """A log that stops the training after a given number of steps, as a kill would."""

    def __init__(self, after=10**9):
        self.left, self.lines = after, {}

    def rewind(self, start):
        self.lines = {p: v for p, v in self.lines.items() if p < start}

    def write(self, position, values):
        self.lines[position] = values
        self.left -= 1
        if self.left < 0:
            raise Interrupted


def training(registry, split, root, method=RECIPE, seed=0):
    identities = len({t.pid for t in split.train if t.pid > 0})
    parts = assemble(method, registry.factories(method), identities, seed)
    return Training(parts, split.train, FrameReader(root, method.size, torch.device("cpu"), 2, quiet=True), seed)
