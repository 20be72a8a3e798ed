"""Checks that the tests of every paper's methods share: a recipe is complete, and it takes a step of training."""

from contextlib import ExitStack, contextmanager
from fnmatch import fnmatchcase
from unittest.mock import patch

import torch

from vreid_bench import Batch, Train
from vreid_bench.contracts.length import TrainingSize
from vreid_bench.contracts.packing import pad_features
from vreid_bench.contracts.parts import PLANES
from vreid_bench.modeling.clips import check_clipping
from vreid_bench.modeling.model import assemble
from vreid_bench.registry.plugins import Plugin
from vreid_bench.registry.registry import Registry
from vreid_bench.scoring.metrics import CUTOFFS
from vreid_bench.training.learning import trainable


def build(method, registry, identities):
    return assemble(method, registry.factories(method), identities)


@contextmanager
def without_checks():
    """Assemble without looking at numbers, because the device `meta` has none."""
    model = "vreid_bench.modeling.model."
    replaced = {
        "draw_clips": lambda count, frames, channels, size: torch.rand(count, frames, channels, *size),
        "check_encoder": lambda *_: (None, (0.0, 1.0)),
        **dict.fromkeys(
            ("check_aggregator", "check_matcher", "check_augmentations", "check_training"), lambda *_: None
        ),
    }
    with ExitStack() as stack:
        for name, other in replaced.items():
            stack.enter_context(patch(model + name, other))
        yield


def registry_of(*modules):
    return Registry(Plugin(module.__name__, module, "vreid-bench", "0") for module in modules)


def trainings(method):
    return [stage for stage in method.stages if isinstance(stage, Train)]


def trainings_on_mars(method):
    """The same with their lengths in steps on MARS, with 625 people and 8,298 tracklets to train on."""
    return [stage.in_steps(TrainingSize(625, 8298)) for stage in trainings(method)]


def take(assembled, at, size, frames=None, pids=(0, 0, 1, 1)):
    """A step of stage `at` on a tracklet of each of `pids`: losses and trained parameters, after backward.

    frames: of a clip, where they are not the stage's own.
    """
    torch.manual_seed(0)
    pids = torch.tensor(pids)
    recipe, matcher = assembled.stages[at].recipe, assembled.stages[at].matcher
    named = trainable(torch.nn.ModuleDict({"model": assembled.model, "loss": assembled.losses}), recipe, f"stages.{at}")
    each = recipe.clipping.clips
    channels = sum(PLANES[plane] for plane in assembled.model.planes)
    clips = torch.rand(len(pids) * each, frames or recipe.clipping.T, channels, *size)
    features = pad_features([assembled.model.features(clips)], [each] * len(pids))
    batch = Batch(features, pids, torch.zeros_like(pids), matcher)
    for name in recipe.losses:  # a loss with a memory has nothing to compare with at its first look
        assembled.losses[name](batch)
    losses = {name: assembled.losses[name](batch) for name in recipe.losses}
    torch.stack(list(losses.values())).sum().backward()
    return losses, named


def check_step(losses, named, moving=0.9):
    """Finite, and nearly every parameter has a gradient that is not zero."""
    assert all(loss.isfinite() for loss in losses.values())
    assert all(p.grad is not None and p.grad.isfinite().all() for p in named.values())
    assert sum(bool(p.grad.abs().sum() > 0) for p in named.values()) > moving * len(named)


def check_recipe(registry, method):
    """Parts exist, options exist, clips can be cut, patterns name parameters, numbers are fractions of metrics."""
    for kind, chosen in (
        ("encoders", method.encoder),
        ("aggregators", method.aggregator),
        ("matchers", method.matcher),
        *(("losses", loss) for loss in method.losses.values()),
    ):
        registry.resolve(kind, chosen)
    assembled = build(method, registry, identities=10)
    names = [n for n, _ in assembled.model.named_parameters()]
    names += [f"loss.{n}" for n, _ in assembled.losses.named_parameters()]
    check_clipping(method.test)
    for stage in trainings(method):
        check_clipping(stage.clipping)
        assert set(stage.losses) <= set(method.losses)
        for augmentation in stage.augment:
            registry.resolve("augmentations", augmentation)
        for pattern in (*stage.train, *stage.freeze):
            assert any(fnmatchcase(n, pattern) for n in names), pattern
    for row in (*method.reported, *method.quoted):
        assert 0 < row.value <= 1
        assert row.metric in {"mAP", *(f"R{k}" for k in CUTOFFS)}
        assert row.where.startswith("Table ")
    assert method.paper
    return assembled


def objective(assembled, at, batch):
    """What stage `at` minimises on a batch: its losses by their weights."""
    weights = assembled.stages[at].recipe.losses
    return sum(weight * assembled.losses[name](batch) for name, weight in weights.items())


def naive_triplet(x, pids, metric, margin=0.3):
    """Batch hard over vectors [N, E], mean over anchors; every pair by itself."""
    losses = []
    for a, own in zip(x, pids, strict=True):
        positive = max(metric(a, b) for b, pid in zip(x, pids, strict=True) if pid == own and b is not a)
        negative = min(metric(a, b) for b, pid in zip(x, pids, strict=True) if pid != own)
        losses.append((margin + positive - negative).clamp_min(0))
    return sum(losses) / len(losses)


def naive_cross_entropy(logits, pids):
    """-log of the share of the right identity, mean over rows [N, identities]."""
    return -sum((row[pid].exp() / row.exp().sum()).log() for row, pid in zip(logits, pids, strict=True)) / len(pids)


def rows_of(methods, kind="reported"):
    """(data set, place) -> metric -> percent, of all the `reported` or `quoted` rows that stand beside methods."""
    found = {}
    for make in methods.values():
        for row in getattr(make("paper"), kind):
            at = found.setdefault((row.dataset, row.where.partition(" (again in")[0]), {})
            assert row.metric not in at, row
            at[row.metric] = round(100 * row.value, 2)
    return found


def printed(table, place, **columns):
    """The same of a table as the paper prints it: lines of a label and numbers, where `-` is no number.

    columns: the metrics from left to right of each data set, by its name with `_` for `-`.
    """
    metrics = [(dataset.replace("_", "-"), metric) for dataset, names in columns.items() for metric in names.split()]
    found = {}
    for line in table.strip().splitlines():
        label, _, numbers = line.strip().partition(": ")
        for (dataset, metric), number in zip(metrics, numbers.split(), strict=True):
            if number != "-":
                found.setdefault((dataset, f"{place}, {label}"), {})[metric] = float(number)
    return found


def parameters(module):
    return sum(p.numel() for p in module.parameters())


def small_frames(method):
    """The most frames of a step, over the stages."""
    return max(s.P * s.K * s.clipping.clips * s.clipping.T for s in trainings(method))
