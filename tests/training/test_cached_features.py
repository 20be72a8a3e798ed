"""Features computed once: the same as computed in every step, and a resumed run ends in the same bits."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from small_training import Encoder, Interrupted, Recorder, jitter, training
from torch import nn

from vreid_bench import (
    ClipCorruption,
    ClipFeatures,
    Clipping,
    Clips,
    InputError,
    Method,
    Optimizer,
    Schedule,
    Train,
    hookimpl,
    part,
)
from vreid_bench.contracts.corruption import UNSPOILED
from vreid_bench.registry.plugins import Plugin
from vreid_bench.registry.registry import Registry
from vreid_bench.training.cached_features import Cache
from vreid_bench.training.checkpoint import Checkpoints
from vreid_plugins.datasets.mars.reader import Mars


class Weighted(nn.Module):
    """An aggregator with an importance, and a dropout of its own that a frozen network must not use."""

    def __init__(self, shape):
        super().__init__()
        self.drop = nn.Dropout(0.5)

    def forward(self, maps):
        x = self.drop(maps).mean((1, 3, 4))
        return ClipFeatures(x, x.sum(1).sigmoid())


class Projected(nn.Module):
    """A matcher that learns."""

    def __init__(self, dim):
        super().__init__()
        self.fc = nn.Linear(dim, dim)

    def represent(self, clips):
        weight = (clips.importance * clips.valid)[..., None]
        return Clips.single((self.fc(clips.embedding) * weight).sum(1))

    def distance(self, query, gallery):
        return torch.cdist(query.mean(), gallery.mean())


class Spread(nn.Module):
    def __init__(self, dims, identities):
        super().__init__()

    def forward(self, batch):
        same = batch.pids[:, None] == batch.pids
        return torch.where(same, batch.distance, -batch.distance).mean()


FIRST = Train(
    Clipping("random", 2),
    {"spread": 1.0},
    2,
    4,
    2,
    Schedule("constant", 1e-3),
    freeze=("matcher.*",),
    augment=(part("jitter"),),
)
SECOND = replace(
    FIRST,
    clipping=Clipping("random", 2, clips=3),
    steps=6,
    train=("matcher.*",),
    freeze=(),
    optimizer=Optimizer("Adam", {"amsgrad": True}),
    cached=2,
)
METHOD = Method(
    part("net"),
    part("weighted"),
    part("projected"),
    Clipping("evenly", 3),
    (32, 16),
    losses={"spread": part("spread")},
    stages=(FIRST, SECOND),
)


@pytest.fixture(scope="module")
def registry():
    hooks = {
        "vreid_encoders": hookimpl(lambda: {"net": Encoder}),
        "vreid_aggregators": hookimpl(lambda: {"weighted": Weighted}),
        "vreid_matchers": hookimpl(lambda: {"projected": Projected}),
        "vreid_losses": hookimpl(lambda: {"spread": Spread}),
        "vreid_augmentations": hookimpl(lambda: {"jitter": jitter}),
    }
    return Registry([Plugin("test", SimpleNamespace(**hooks), "vreid-test", "1")])


@pytest.fixture(scope="module")
def split(tiny_mars):
    return Mars().read(tiny_mars).splits[0]


@pytest.fixture(autouse=True)
def every_step(monkeypatch):
    monkeypatch.setattr("vreid_bench.training.stages.EVERY", 1)
    monkeypatch.setattr("vreid_bench.training.checkpoint.SHARE", 0)


@pytest.mark.parametrize("stops", [(1,), (2,), (5,), (3, 1, 0)])
def test_a_resumed_run_ends_in_the_same_weights(registry, split, tiny_mars, tmp_path, stops):
    whole = training(registry, split, tiny_mars, METHOD)
    whole_log, log = Recorder(), Recorder()
    whole.run(Checkpoints(tmp_path / "whole"), whole_log)
    for after in (*stops, 10**9):
        log.left = after
        again = training(registry, split, tiny_mars, METHOD)
        try:
            again.run(Checkpoints(tmp_path / "parts", every=0.0), log)
        except Interrupted:
            continue
    expected, found = whole.module.state_dict(), again.module.state_dict()
    assert all(torch.equal(expected[name], found[name]) for name in expected)
    assert log.lines == whole_log.lines


def test_cached_features_are_those_of_the_network_and_the_network_stays(registry, split, tiny_mars, tmp_path):
    """Where nothing is random, a stage with a cache is the stage without."""
    plain = replace(SECOND, clipping=Clipping("uniform", 2, clips=3), augment=())
    results = []
    for cached in (0, 1, 2):
        stages = (replace(plain, cached=cached),)
        run = training(registry, split, tiny_mars, replace(METHOD, stages=stages))
        run.parts.model.aggregator.drop.p = 0.0  # it has no parameters that a stage could freeze
        before = {k: v.clone() for k, v in run.parts.model.encoder.state_dict().items()}
        log = Recorder()
        run.run(Checkpoints(tmp_path / str(cached)), log)
        assert all(torch.equal(before[k], v) for k, v in run.parts.model.encoder.state_dict().items())
        results.append([values["loss"] for values in log.lines.values()])
    assert results[0] == pytest.approx(results[1], rel=1e-4)
    assert results[1] == results[2]


def test_each_clip_comes_from_one_of_its_views():
    def features(view, row):  # tracklet `row` has row + 1 clips; a clip says its view, tracklet and number
        return ClipFeatures(
            torch.tensor([[view, row, clip] for clip in range(row + 1)], dtype=torch.float32),
            torch.full((row + 1,), 10.0 * view + row),
        )

    cache = Cache.of([[features(view, row) for row in range(3)] for view in range(4)], clean=4)
    seen = set()
    for seed in range(30):
        clips = cache.clips([2, 0, 2], [], torch.Generator().manual_seed(seed), torch.device("cpu"))
        assert clips.valid.sum(1).tolist() == [3, 1, 3]
        for at, row in enumerate((2, 0, 2)):
            for clip in range(row + 1):
                view, which, number = clips.embedding[at, clip].tolist()
                assert (which, number) == (row, clip)
                assert clips.importance[at, clip] == 10 * view + row
        seen.add(tuple(clips.embedding[0, :, 0].tolist()))
    assert len(seen) > 15  # of 64: clips of one tracklet do not share a view
    same = [cache.clips([1], [], torch.Generator().manual_seed(5), torch.device("cpu")).embedding for _ in range(2)]
    assert torch.equal(*same)


def test_spoiled_clips_come_from_the_views_of_spoiled_clips():
    views = [[ClipFeatures(torch.full((4, 1), float(view)))] for view in range(6)]  # one tracklet of four clips
    cache, masks = Cache.of(views, clean=3), [np.array([True, False, False, True])] * 2
    for seed in range(20):
        clips = cache.clips([0, 0], masks, torch.Generator().manual_seed(seed), torch.device("cpu"))
        assert (clips.embedding[..., 0] >= 3).tolist() == [[True, False, False, True]] * 2


def test_a_cache_spoils_the_clips_that_a_training_without_cache_spoils(registry, split, tiny_mars, tmp_path):
    corruption = ClipCorruption(most=2, strength=3.0)
    plain = replace(SECOND, clipping=Clipping("uniform", 2, clips=3), augment=())
    results = []
    for cached, spoils in ((0, UNSPOILED), (0, corruption), (1, corruption)):
        stages = (replace(plain, cached=cached, corruption=spoils),)
        run = training(registry, split, tiny_mars, replace(METHOD, stages=stages))
        run.parts.model.aggregator.drop.p = 0.0
        log = Recorder()
        run.run(Checkpoints(tmp_path / f"{cached} {spoils.most}"), log)
        results.append([values["loss"] for values in log.lines.values()])
    assert results[1] == pytest.approx(results[2], rel=1e-4)
    assert results[0] != pytest.approx(results[1], rel=1e-3)


def test_a_cache_needs_a_frozen_network(registry, split, tiny_mars, tmp_path):
    stages = (FIRST, replace(SECOND, train=("*",)))
    with pytest.raises(InputError, match=r"only if encoder and aggregator are frozen, but encoder\.conv\.weight"):
        training(registry, split, tiny_mars, replace(METHOD, stages=stages)).run(
            Checkpoints(tmp_path / "c"), Recorder()
        )
    with pytest.raises(InputError, match=r"stages\.1\.cached is -1"):
        replace(METHOD, stages=(FIRST, replace(SECOND, cached=-1)))
