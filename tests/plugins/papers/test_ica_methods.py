"""The methods of ICA: recipes as printed, each network through a step, and the tables."""

from dataclasses import replace

import pytest
import torch
from method_checks import (
    build,
    check_recipe,
    check_step,
    naive_cross_entropy,
    naive_triplet,
    objective,
    parameters,
    printed,
    rows_of,
    take,
    trainings,
    trainings_on_mars,
    without_checks,
)

from vreid_bench import Batch, Clipping, Clips, part
from vreid_bench.training.learning import learning_rate
from vreid_plugins import ica

METHODS = tuple(ica.vreid_methods())


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


@pytest.mark.slow
@pytest.mark.parametrize("name", METHODS)
def test_small_recipe_is_whole_and_takes_a_step(registry, name):
    method = registry.get("methods", name)("small")
    check_step(*take(check_recipe(registry, method), 0, method.size))


@pytest.mark.parametrize("name", METHODS)
def test_small_network_embeds_a_clip_of_one_frame(registry, name):
    model = build(registry.get("methods", name)("small"), registry, identities=3).model.eval()
    assert model.features(torch.rand(2, 1, 3, 64, 32)).embedding.shape == (2, model.dims["clips"])


RESNET, ALEXNET, INCEPTION = 23_508_032, 2_469_696, 21_785_568


def head(width):
    return 2 * width * (width // 4) + 2 * (width // 4 + width)


PAPER = [
    ("ica-baseline", RESNET),
    ("ica-baseline-synchronous", RESNET),
    ("ica-asynchronous", RESNET + head(2048)),
    ("ica", RESNET + head(2048)),
    ("ica-bn-neck", RESNET + 2 * 2048),
    ("ica-baseline-alexnet", ALEXNET),
    ("ica-alexnet", ALEXNET + head(256)),
    ("ica-baseline-inception-v3", INCEPTION),
    ("ica-inception-v3", INCEPTION + head(2048)),
]


@pytest.mark.slow
@pytest.mark.parametrize(("name", "count"), PAPER, ids=[row[0] for row in PAPER])
def test_paper_preset_is_whole_and_has_its_parameters(registry, name, count):
    method = registry.get("methods", name)("paper")
    with torch.device("meta"), without_checks():  # shapes without numbers
        assert parameters(check_recipe(registry, method).model) == count
    assert method.encoder in ica.BACKBONES["paper"].values()
    assert method.size == (256, 128)
    (stage,) = trainings(method)
    assert (stage.P, stage.K, stage.clipping.T) == (4, 8, 4)
    assert stage.optimizer.name == "Adam"
    assert stage.optimizer.options == {"betas": (0.9, 0.999), "weight_decay": 5e-4}
    assert method.test == Clipping("dense", 4)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["ica", "ica-alexnet", "ica-inception-v3"])  # the baselines are these less the head
def test_paper_network_takes_a_step_at_the_papers_frame_size(registry, name):
    method = registry.get("methods", name)("paper")
    losses, named = take(build(method, registry, identities=625), 0, method.size, frames=2)  # each by itself
    check_step(losses, named)


def test_paper_schedule_is_the_printed_one():
    (stage,) = trainings_on_mars(ica.ica("paper"))
    epoch = 156
    rates = [learning_rate(stage.schedule, at * epoch, stage.steps) for at in (0, 199, 200, 400, 499)]
    assert rates == pytest.approx([4e-4, 4e-4, 2e-6, 1e-8, 1e-8])
    assert stage.steps == 500 * epoch


@pytest.mark.parametrize(
    ("name", "on"), [("ica", "embedding"), ("ica-baseline", "embedding"), ("ica-bn-neck", "before")]
)
def test_paper_loss_is_cross_entropy_and_batch_hard_triplet(registry, name, on):
    """Of equal weight, on what the test compares; the control's triplet loss looks in front of its normalisation."""
    method = replace(registry.get("methods", name)("paper"), encoder=part("resnet", depth=8), size=(64, 32))
    assembled, pids = build(method, registry, identities=3), [1, 1, 0, 0]
    losses, width = assembled.losses.double(), assembled.model.dims["embedding"]
    classifier = losses["cross-entropy"].classifier
    torch.nn.init.normal_(classifier.weight, generator=generator(1))
    y, z = torch.randn(2, 4, width, generator=generator(2), dtype=torch.float64) / 8
    clips = replace(Clips.single(y), extra={"before": z[:, None]})
    batch = Batch(clips, torch.tensor(pids), torch.zeros(4), assembled.stages[0].matcher)
    triplets = naive_triplet(z if on == "before" else y, pids, lambda a, b: ((a - b) @ (a - b)).sqrt())
    assert triplets > 0
    expected = naive_cross_entropy(y @ classifier.weight.T + classifier.bias, pids) + triplets
    torch.testing.assert_close(objective(assembled, 0, batch), expected)


def test_training_leaves_a_clip_unchanged_or_transforms_it_by_one_coin(registry):
    """Half of the clips stay as they are; every other one is cropped and rotated, all its frames alike."""
    [each] = ica.augmentations(synchronous=True)
    clips = torch.rand(400, 1, 3, 32, 16, generator=generator(1)).expand(400, 3, 3, 32, 16)
    changed = registry.factory("augmentations", each)()(clips, generator(), ("rgb",))
    moved = (changed != clips).flatten(1).any(1)
    assert moved.float().mean() == pytest.approx(0.5, abs=0.08)
    assert torch.equal(changed[:, :1].expand_as(changed), changed)
    [apart] = ica.augmentations(synchronous=False)
    frames = registry.factory("augmentations", apart)()(clips, generator(), ("rgb",))
    moved = (frames != clips).flatten(2).any(2)
    assert moved.float().mean() == pytest.approx(0.5, abs=0.05)
    assert moved.all(1).float().mean() == pytest.approx(1 / 8, abs=0.06)  # each of three frames has its own coin


def test_the_transformations_draw_size_angle_flip_and_region(registry):
    """Section 2.1 names what is drawn once for a clip; a crop keeps 8 / 9 to all of a side."""
    options = ica.augmentations(synchronous=True)[0].options
    assert {name: (each.name, dict(each.options)) for name, each in options.items()} == {
        "crop": ("crop", {"enlarge": 1.125, "p": 1.0, "drawn": True}),
        "rotation": ("rotation", {"degrees": 10.0}),
        "flip": ("flip", {"p": 0.5}),
        "erasing": ("erasing", {"p": 0.5}),
    }


@pytest.mark.parametrize("name", ["ica", "ica-alexnet", "ica-inception-v3"])
def test_paper_frames_are_scaled_to_minus_one_to_one(registry, name):
    """Section 3.2: what reaches the first convolution of black and of white frames."""
    encoder = registry.factory("encoders", ica.vreid_methods()[name]("paper").encoder)()
    first = next(module for module in encoder.modules() if isinstance(module, torch.nn.Conv2d))

    class Enough(Exception):
        pass

    def look(_, given):
        raise Enough(given[0].unique().tolist())

    first.register_forward_pre_hook(look)
    for colour, expected in ((0.0, -1.0), (1.0, 1.0)):
        with pytest.raises(Enough) as seen:
            encoder(torch.full((1, 1, 3, 128, 96), colour))
        assert seen.value.args[0] == [expected]


@pytest.mark.parametrize("preset", ["paper", "small"])
def test_asynchronous_models_draw_the_same_augmentations_for_every_frame(preset):
    """`test_ablations` holds that nothing else differs between the four models."""
    for make, wrapped in ((ica.ica_baseline, True), (ica.ica_asynchronous, True), (ica.ica, False)):
        for stage in trainings(make(preset)):
            each = [step.options["inner"] if wrapped else step for step in stage.augment]
            assert [step.name for step in each] == ["one-coin"]
            assert {step.name for step in stage.augment} == {"asynchronous" if wrapped else "one-coin"}


TABLE_1 = """
model 1: 78.2 87.8 92.1 77.8 86.4 90.7 74.5
model 2: 80.3 89.5 92.8 79.1 87.4 91.4 75.6
model 3: 86.1 96.9 98.7 85.1 95.2 97.4 80.7
model 4: 88.7 98.7 100.0 87.5 96.6 98.2 81.6
"""
TABLE_2 = """
Baseline + SDA, Alexnet: 53.1 69.4 75.1 51.3 66.8 73.8 49.7
Baseline + SDA, InceptionV3: 69.5 83.6 89.7 67.2 81.6 87.3 62.5
ICA + SDA, Alexnet: 62.1 79.0 83.1 59.5 76.1 80.3 54.7
ICA + SDA, InceptionV3: 78.4 94.1 97.4 76.3 91.4 95.0 72.0
"""
TABLE_3 = """
QAN: 68.0 86.8 97.4 73.7 84.9 91.6 51.7
AMOC: 68.7 94.3 99.3 68.3 81.4 90.6 52.9
Liao et al.: 81.3 - - 84.3 - - 77.0
TRL: 57.7 81.7 94.1 79.3 91.1 96.0 66.8
STSRN: 70.0 89.3 98.7 76.7 93.8 98.1 -
DRSA: 80.2 - - 82.3 - - 65.8
Gao et al.: - - - 83.3 93.8 97.4 76.7
STMP: 85.7 97.5 99.8 86.2 95.3 97.8 75.6
STA: - - - 86.3 95.7 97.1 80.8
GLTR: 86.0 98.0 - 87.0 95.8 98.2 78.5
"""
TABLE_4 = """
TRL: 29.5 59.4 82.2
STSRN: 30.0 58.0 85.0
STMP: 32.0 58.0 90.0
"""


def test_reported_rows_are_the_printed_ones():
    both, across = {"ilids_vid": "R1 R5 R20", "mars": "R1 R5 R20 mAP"}, {"ilids_vid_to_prid2011": "R1 R5 R20"}
    assert rows_of(ica.vreid_methods()) == (
        printed(TABLE_1, "Table 1", **both)
        | printed(TABLE_2, "Table 2", **both)
        | printed("Ours: 41.6 71.9 92.1", "Table 4", **across)
    )
    assert rows_of(ica.vreid_methods(), "quoted") == (
        printed(TABLE_3, "Table 3", **both) | printed(TABLE_4, "Table 4", **across)
    )


def test_reported_rows_stand_beside_their_method():
    found = {
        name: {(row.dataset, row.metric): row.value for row in make("paper").reported}
        for name, make in ica.vreid_methods().items()
    }
    assert found["ica"]["mars", "mAP"] == 0.816
    assert found["ica"]["ilids-vid-to-prid2011", "R1"] == 0.416

    def gains(name):
        return [found[name][data, "R1"] - found["ica-baseline"][data, "R1"] for data in ("ilids-vid", "mars")]

    # section 3.3: "2.1% and 1.3% at rank-1", "by 7.9% and 7.3%"
    assert gains("ica-baseline-synchronous") == pytest.approx([0.021, 0.013])
    assert gains("ica-asynchronous") == pytest.approx([0.079, 0.073])
    assert found["ica-bn-neck"] == {}
    assert found["ica-alexnet"]["mars", "mAP"] == 0.547
    assert found["ica-baseline-inception-v3"]["mars", "mAP"] == 0.625
