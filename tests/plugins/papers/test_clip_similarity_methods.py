"""The methods of learned clip similarity: recipes as printed, both stages through a step, and the tables."""

from dataclasses import replace

import pytest
import torch
from method_checks import (
    build,
    check_recipe,
    check_step,
    parameters,
    small_frames,
    take,
    trainings,
    trainings_on_mars,
    without_checks,
)

from vreid_bench import Batch, ClipCorruption, Clips, part
from vreid_bench.registry.assignments import override
from vreid_bench.training.learning import learning_rate, trainable
from vreid_plugins import clip_similarity, temporal_modeling

METHODS = tuple(clip_similarity.vreid_methods())


@pytest.mark.slow
@pytest.mark.parametrize("name", METHODS)
def test_small_recipe_is_whole_and_takes_a_step_of_each_stage(registry, name):
    method = registry.get("methods", name)("small")
    assembled = check_recipe(registry, method)
    for at in range(len(trainings(method))):
        losses, named = take(assembled, at, method.size)
        check_step(losses, named, moving=0.7 if at else 0.9)  # dropout
        if at:
            assert all(n.startswith("matcher.") for n in named)
            assert assembled.model.encoder.training is False
    first = trainings(method)[0]
    assert small_frames(temporal_modeling.METHODS["mean-pooling"]("small")) == first.P * first.K * first.clipping.T


I3D, D = 12_287_264, 1024
PAPER = [
    ("clip-average", 0),
    ("clip-average-raw", 0),
    ("clip-average-1", 0),
    ("clip-top", D * D),
    ("clip-top-trained", D * D),
    ("clip-learned", 2 * (D * D + 3 * D) + D + 1),
]


@pytest.mark.slow
@pytest.mark.parametrize(("name", "matcher"), PAPER, ids=[row[0] for row in PAPER])
def test_paper_preset_is_whole_and_has_its_parameters(registry, name, matcher):
    method = registry.get("methods", name)("paper")
    with torch.device("meta"), without_checks():  # shapes without numbers
        assert parameters(check_recipe(registry, method).model) == I3D + matcher
    assert method.size == (256, 128)
    assert method.test.T == 4


@pytest.mark.slow
def test_paper_network_takes_a_step_at_the_papers_frame_size(registry):
    method = clip_similarity.clip_learned("paper")
    assembled = build(method, registry, identities=625)
    losses, named = take(assembled, 0, method.size)
    check_step(losses, named)
    # the second stage on features, which I3D gives it once
    module = torch.nn.ModuleDict({"model": assembled.model, "loss": assembled.losses})
    named = trainable(module, assembled.stages[1].recipe, "stages.1")
    clips = Clips(torch.randn(4, 8, D), torch.ones(4, 8), torch.ones(4, 8, dtype=torch.bool))
    pids = torch.tensor([0, 0, 1, 1])
    loss = assembled.losses["similarity"](Batch(clips, pids, pids * 0, assembled.stages[1].matcher))
    loss.backward()
    check_step({"similarity": loss}, named, moving=0.7)


def test_paper_stages_are_the_printed_ones():
    first, second = trainings_on_mars(clip_similarity.clip_learned("paper"))
    assert (first.P, first.K, second.P, second.K) == (8, 4, 12, 4)
    for stage in (first, second):
        assert stage.optimizer.options == {"betas": (0.9, 0.999), "weight_decay": 5e-4, "amsgrad": True}
    epoch = 78
    rates = [learning_rate(first.schedule, at * epoch, first.steps) for at in (0, 399, 400, 800, 1199)]
    assert rates == pytest.approx([3e-4, 3e-4, 3e-5, 3e-6, 3e-6])
    assert first.steps == 1200 * epoch
    epoch = 52
    rates = [learning_rate(second.schedule, at, second.steps) for at in (0, 8 * epoch - 1, 8 * epoch, 12 * epoch - 1)]
    assert rates == pytest.approx([3e-5, 3e-5, 3e-6, 3e-6])
    assert second.steps == 12 * epoch
    assert (second.clipping.clips, second.clipping.T, second.cached) == (8, 4, 4)


def test_paper_losses_clips_and_matchers_are_the_printed_ones():
    methods = {name: make("paper") for name, make in clip_similarity.vreid_methods().items()}
    whole = methods["clip-learned"]
    first, second = trainings(whole)
    assert whole.aggregator.name == "average"
    assert (first.clipping.sampler, first.clipping.T, first.clipping.clips) == ("consecutive", 4, 1)
    assert second.clipping == whole.test
    assert (whole.test.sampler, whole.test.T, whole.test.clips) == ("uniform", 4, 8)
    assert first.losses == {"cross-entropy": 1.0, "triplet": 1.0}
    assert second.losses == {"similarity": 1.0}
    assert {name: loss.options.get("margin") for name, loss in whole.losses.items() if "margin" in loss.options} == {
        "triplet": 0.3,
        "similarity": 1.0,
    }
    assert first.matcher.options == {"metric": "euclidean"}  # Eq. 7: of features at their own length
    assert second.matcher is None  # the similarity itself
    assert (first.freeze, second.train) == (("matcher.*",), ("matcher.*",))
    for stage in (first, second):  # 144 x 288 for 128 x 256
        assert [(each.name, each.options) for each in stage.augment] == [
            ("crop", {"enlarge": 288 / 256, "p": 1.0}),
            ("flip", {}),
        ]
    assert {name: method.matcher.options for name, method in methods.items() if "average" not in name} == {
        "clip-top": {"top": 0.6, "train_top": 1.0, "project": True},
        "clip-top-trained": {"top": 0.5, "project": True},
        "clip-top-corrupted": {"top": 0.6, "train_top": 1.0, "project": True},
        "clip-top-trained-corrupted": {"top": 0.5, "project": True},
        "clip-learned": {},
        "clip-learned-corrupted": {},
    }
    averages = {name: method for name, method in methods.items() if "average" in name}
    assert {name: method.test.clips for name, method in averages.items()} == {
        "clip-average": 8,
        "clip-average-raw": 8,
        "clip-average-1": 1,
        "clip-average-2": 2,
        "clip-average-4": 4,
    }
    assert {name for name, method in averages.items() if not method.matcher.options.get("normalize")} == {
        "clip-average-raw"
    }


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "settings"),
    [
        ("clip-average-1", {"test.sampler": "random", "test.T": 32}),  # Table 1, Fig. 3
        ("clip-average-1", {"test.sampler": "evenly", "test.T": 8}),
        ("clip-average-1", {"test.sampler": "all", "test.T": 0}),
        ("clip-average", {"test.clips": 16}),  # Fig. 4
        ("clip-average", {"test.T": 16, "stages.0.clipping.T": 16}),  # Table 6
        ("clip-top", {"matcher.top": 0.2}),  # Table 2
        ("clip-learned-corrupted", {"stages.1.corruption.most": 3}),
    ],
)
def test_what_else_the_paper_varies_is_a_setting(registry, name, settings):
    method = registry.resolve_method(registry.get("methods", name)("paper"))
    method, changed = override(method, [f"{path}={value}" for path, value in settings.items()], registry)
    assert changed == settings
    check_recipe(registry, replace(method, encoder=part("i3d", shrink=8)))


def test_methods_share_the_first_stage_and_spoil_in_the_second_alone():
    """So that weights of the first are one training, and differences come from the comparison of clips."""
    methods = {name: make("small") for name, make in clip_similarity.vreid_methods().items()}
    for name, method in methods.items():
        first, second = trainings(method)[0], trainings(method)[-1]
        assert first.corruption.most == 0
        # M_c from 0 to 7 of 8 clips: scaled down by 5 (section 4.4)
        spoils = ClipCorruption(7, "low-resolution", 5.0) if name.endswith("-corrupted") else ClipCorruption()
        assert second.corruption == spoils
        if name.endswith("-corrupted"):
            clean = methods[name.removesuffix("-corrupted")]
            stages = (first, replace(second, corruption=ClipCorruption()))
            assert replace(method, stages=stages, reported=(), quoted=()) == replace(clean, reported=(), quoted=())


def own(name):
    """(data set, condition, metric) -> value, of the numbers that stand beside the method as it is declared."""
    rows = [row for row in clip_similarity.vreid_methods()[name]("paper").reported if not row.reranked]
    return {(row.dataset, row.condition, row.metric): row.value for row in rows if not row.settings}


def test_each_column_of_table_2_stands_beside_its_own_training_and_under_its_own_condition(registry):
    """M_c^max in training is that of the test; no number is a mean over the columns."""
    conditions = registry.get("protocols", "mars-corruption").conditions
    rows = {"clip-learned": ("Ours", 0), "clip-top": ("topt-e", 60), "clip-top-trained": ("topt-te", 50)}
    for name, row in rows.items():
        printed = [round(float(number) / 100, 4) for number in clip_similarity.TABLE_2[row].split()]
        clean = own(name)
        reported = clip_similarity.vreid_methods()[f"{name}-corrupted"]("paper").reported
        for metric, values in (("mAP", printed[:8]), ("R1", printed[8:])):
            assert clean["mars-corruption", conditions[0], metric] == clean["mars", "", metric] == values[0]
            assert [key for key in clean if key[0] == "mars-corruption" and key[2] == metric] == [
                ("mars-corruption", conditions[0], metric)
            ]
            for most, value in enumerate(values):
                settings = {} if most == 7 else {"stages.1.corruption.most": most}
                found = [r for r in reported if r.metric == metric and r.settings == settings]
                assert [(r.dataset, r.condition, r.value) for r in found] == [
                    ("mars-corruption", conditions[most], value)
                ], (name, most)
    assert own("clip-learned-corrupted")["mars-corruption", "up to 7 of 8 clips", "mAP"] == 0.699
    assert own("clip-top")["mars", "", "R1"] == 0.832  # better on clean data than the paper's own method


def test_every_row_of_the_papers_own_methods_stands_beside_one_of_them():
    """Table 2 with every t, and Table 6 with every length: with these settings, `--set` gives that row."""
    assert len(clip_similarity.TABLE_2) == 10 + 4 + 1
    for name, variant, made in (("clip-top", "topt-e", 60), ("clip-top-trained", "topt-te", 50)):
        rows = [r for r in clip_similarity.vreid_methods()[name]("paper").reported if r.dataset == "mars"]
        top = {r.where: r.settings.get("matcher.top") for r in rows if r.metric == "mAP"}
        every = [t for other, t in clip_similarity.TABLE_2 if other == variant]
        assert top == {f"Table 2, {variant}, t = {t}, M_c^max = 0": None if t == made else t / 100 for t in every}
    table = {1: [63.3, 68.5, 69.8], 2: [70.1, 73.0, 72.9], 4: [74.5, 74.9, 73.7], 8: [74.9, 75.0, 73.7]}
    for clips, values in table.items():
        rows = clip_similarity.vreid_methods()["clip-average" + (f"-{clips}" if clips < 8 else "")]("small").reported
        assert [r.value for r in rows] == pytest.approx([value / 100 for value in values])
        assert [r.settings for r in rows] == [{}, *({"test.T": L, "stages.0.clipping.T": L} for L in (8, 16))]


def test_the_settings_of_a_printed_row_are_those_that_set_takes(registry):
    for name, make in clip_similarity.vreid_methods().items():
        method = registry.resolve_method(make("small"))
        for settings in {tuple(row.settings.items()) for row in method.reported}:
            _, changed = override(method, [f"{path}={value}" for path, value in settings], registry)
            assert changed == dict(settings), name


def test_what_is_quoted_is_of_other_systems_alone():
    reported = {row.where for make in clip_similarity.vreid_methods().values() for row in make("paper").reported}
    quoted = {row.where for row in clip_similarity.QUOTED}
    assert not reported & quoted
    assert {where.partition(",")[0] for where in quoted} == {"Table 3", "Table 4", "Table 5"}
    assert {"Table 3, PSE + ECN", "Table 5, QAN"} <= quoted
    assert "Table 3, Ours + Reranking" in reported
    assert all(len(row.split()) == 16 for row in clip_similarity.TABLE_2.values())
    assert all(0 < row.value <= 1 for row in clip_similarity.QUOTED)
    assert {row.where.removeprefix("Table 3, ") for row in clip_similarity.QUOTED if row.reranked} == {
        "RQEN+XQDA+Reranking",
        "TriNet + Reranking",
        "PSE + ECN",
        "PABR + Reranking",
        "STA + Reranking",
    }
