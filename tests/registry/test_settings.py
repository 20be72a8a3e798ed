"""The settings of a recipe: changed by path, and written to the record."""

import json
from types import SimpleNamespace

import pytest

from vreid_bench import Clipping, Epochs, Fit, InputError, Method, Schedule, Train, hookimpl, part
from vreid_bench.registry.assignments import override
from vreid_bench.registry.plugins import Plugin
from vreid_bench.registry.registry import Registry
from vreid_bench.registry.settings import describe, settings


def encoder(depth=18, norm=None): ...
def aggregator(shape, parts=6): ...
def matcher(dim, metric="euclidean"): ...
def loss(dims, identities, margin: float | str = 0.3): ...


@pytest.fixture
def registry():
    hooks = {
        "vreid_encoders": hookimpl(lambda: {"net": encoder}),
        "vreid_aggregators": hookimpl(lambda: {"pool": aggregator}),
        "vreid_matchers": hookimpl(lambda: {"mean": matcher}),
        "vreid_losses": hookimpl(lambda: {"triplet": loss}),
    }
    return Registry([Plugin("test", SimpleNamespace(**hooks), "vreid-test", "1")])


@pytest.fixture
def method(registry):
    train = Train(Clipping("consecutive", 4), {"triplet": 1.0}, 10, 4, 2, Schedule("constant", 1e-3))
    recipe = Method(
        part("net"),
        part("pool"),
        part("mean"),
        Clipping("dense", 4),
        (64, 32),
        losses={"triplet": part("triplet")},
        stages=(Fit("aggregator", Clipping("dense", 4)), train),
    )
    return registry.resolve_method(recipe)


def value(method, path):
    return dict(settings(method))[path]


def test_every_option_of_every_part_is_a_setting(method):
    found = dict(settings(method))
    assert found["encoder.depth"] == 18
    assert found["encoder.norm"] is None
    assert found["losses.triplet.margin"] == 0.3
    assert found["stages.1.schedule.rate"] == 1e-3
    assert found["size"] == (64, 32)


@pytest.mark.parametrize(
    ("assignment", "path", "expected"),
    [
        ("margin=0.2", "losses.triplet.margin", 0.2),
        ("margin=1", "losses.triplet.margin", 1.0),
        ("margin=soft", "losses.triplet.margin", "soft"),
        ("encoder.depth=50", "encoder.depth", 50),
        ("norm=batch", "encoder.norm", "batch"),
        ("test.clips=3", "test.clips", 3),
        ("stages.1.steps=5", "stages.1.steps", 5),
        ("steps=20 epochs", "stages.1.steps", Epochs(20)),
        ('steps="1 epoch over tracklets"', "stages.1.steps", Epochs(1, "tracklets")),
        ("every=2 epochs over people", "stages.1.schedule.every", Epochs(2)),
        ("stages.1.losses.triplet=0.5", "stages.1.losses.triplet", 0.5),
        ("size=[128,64]", "size", (128, 64)),
        ("size=128x64", "size", (128, 64)),
        ("metric=cosine", "matcher.metric", "cosine"),
    ],
)
def test_a_path_or_its_end_overrides_one_setting(method, registry, assignment, path, expected):
    changed, applied = override(method, [assignment], registry)
    assert value(changed, path) == expected
    assert list(applied) == [path]
    before, after = dict(settings(method)), dict(settings(changed))
    assert {p for p in before if before[p] != after[p]} == {path}


@pytest.mark.parametrize(
    ("assignment", "message"),
    [
        ("margin", "expected NAME=VALUE"),
        ("marign=1", r"no setting 'marign'; did you mean margin"),
        ("T=8", r"fits several settings.*stages\.0\.clipping\.T.*test\.T"),
        ("steps=many", r"stages\.1\.steps: expected a number of steps, as in 900, or of epochs, .* got 'many'"),
        ("steps=3 epochs over cameras", "stages.1.steps: expected a number of steps.* got '3 epochs over cameras'"),
        ("steps=0 epochs", "stages.1.steps: expected a number of steps.* got '0 epochs'"),
        ("steps=1.5", "stages.1.steps: expected a number of steps.* got '1.5'"),
        ("stages.1.freeze=encoder", r"""freeze: expected list, as in \["a","b"\], got 'encoder'"""),
        ("size=64", r"size: expected list, as in \[64, 32\] or 64x32, got '64'"),
        ('size={"a": 1}', r"size: expected list, as in \[64, 32\] or 64x32, got '{\"a\": 1}'"),
        ("margin=true", "setting 'margin' of loss 'triplet' of vreid-test takes a number or a text, found true"),
    ],
)
def test_a_bad_assignment_is_one_sentence(method, registry, assignment, message):
    with pytest.raises(InputError, match=message):
        override(method, [assignment], registry)


@pytest.mark.parametrize(
    "assignment", ["steps=5", "aggregator=pool", "matcher=mean", "stages.1.augment=[]", "size=9x9"]
)
def test_only_some_settings_may_be_set(method, registry, assignment):
    only = ("test.", "matcher.")
    assert override(method, ["T=8", "metric=cosine"], registry, only)[1] == {"test.T": 8, "matcher.metric": "cosine"}
    with pytest.raises(InputError, match=r"decides how weights are trained.*expected one of matcher.metric, test"):
        override(method, [assignment], registry, only)


def test_a_described_recipe_is_plain_json_and_names_its_stages(method):
    text = json.loads(json.dumps(describe(method)))
    assert [stage["stage"] for stage in text["stages"]] == ["fit", "train"]
    assert (text["stages"][1]["cached"], text["stages"][1]["freeze"]) == (0, [])  # defaults are written, too
    assert text["aggregator"] == {"name": "pool", "options": {"parts": 6}}
    assert "reported" not in text


def test_a_default_that_is_an_object_has_the_same_text_in_every_process():
    """The text is a part of a run's name; a place in memory would make each command another run."""
    first, second = (part("pool", act=lambda x: x, at=object()) for _ in range(2))
    assert describe(first) == describe(second)
    assert " at 0x" not in json.dumps(describe(first))
