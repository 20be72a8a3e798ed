"""Each paper on each data set that it trains on: epochs, steps and drops of preset `paper`, and what it begins from,
against lists by hand.

The people and tracklets of the training parts are those that the papers print: MARS 625 and 8,298, DukeMTMC-VideoReID
702 and 2,196, half of iLIDS-VID's 300 people and of PRID2011's 178 with a tracklet from each of two cameras.
"""

from pathlib import Path

import pytest
from method_checks import trainings

from vreid_bench import Dataset, Split, Tracklet
from vreid_bench.planning.beginning import list_first_weights
from vreid_bench.planning.folds import TrainingSet
from vreid_bench.planning.outline import outline_stage
from vreid_bench.planning.trainings import measure_training, plan_training
from vreid_plugins import clip_similarity, ica, personvlad, tacan, temporal_modeling

PEOPLE = {"mars": (625, 8298), "ilids-vid": (150, 300), "prid2011": (89, 178), "duke-video": (702, 2196)}

# Paper 000, A.1 and A.2: 1,200 epochs at 3e-4, a tenth every 400, of 8 people; then 12 at 3e-5, a tenth after 8, of 12.
CLIPS = {
    "mars": [  # 625 / 8 = 78.1, 625 / 12 = 52.1
        (1200, 93_600, [(400, 31_200, 3e-5), (800, 62_400, 3e-6)]),
        (12, 624, [(8, 416, 3e-6)]),
    ],
    "duke-video": [  # 702 / 8 = 87.8, 702 / 12 = 58.5
        (1200, 104_400, [(400, 34_800, 3e-5), (800, 69_600, 3e-6)]),
        (12, 696, [(8, 464, 3e-6)]),
    ],
    "prid2011": [  # 89 / 8 = 11.1, 89 / 12 = 7.4
        (1200, 13_200, [(400, 4_400, 3e-5), (800, 8_800, 3e-6)]),
        (12, 84, [(8, 56, 3e-6)]),
    ],
}
# Paper 001 prints no length; Gao and Nevatia's code has 800 epochs, a tenth of 3e-4 every 200, of 8 people.
TACAN = {
    "mars": [(800, 62_400, [(200, 15_600, 3e-5), (400, 31_200, 3e-6), (600, 46_800, 3e-7)])],  # 625 / 8 = 78.1
    "ilids-vid": [(800, 14_400, [(200, 3_600, 3e-5), (400, 7_200, 3e-6), (600, 10_800, 3e-7)])],  # 150 / 8 = 18.8
    "prid2011": [(800, 8_800, [(200, 2_200, 3e-5), (400, 4_400, 3e-6), (600, 6_600, 3e-7)])],  # 89 / 8 = 11.1
    "duke-video": [(800, 69_600, [(200, 17_400, 3e-5), (400, 34_800, 3e-6), (600, 52_200, 3e-7)])],  # 702 / 8 = 87.8
}
# Paper 002, section 3.2: 500 epochs at 4e-4, 1/200 of it every 200, of 4 people; it only tests on PRID2011.
ICA = {
    "mars": [(500, 78_000, [(200, 31_200, 2e-6), (400, 62_400, 1e-8)])],  # 625 / 4 = 156.3
    "ilids-vid": [(500, 18_500, [(200, 7_400, 2e-6), (400, 14_800, 1e-8)])],  # 150 / 4 = 37.5
}
TEMPORAL = {"mars": TACAN["mars"]}  # Paper 004 with rates of 3e-4
EXPECTED = [
    *((clip_similarity.clip_learned, dataset, rows) for dataset, rows in CLIPS.items()),
    *((clip_similarity.clip_top_trained, dataset, rows) for dataset, rows in CLIPS.items()),
    *((clip_similarity.clip_average, dataset, rows[:1]) for dataset, rows in CLIPS.items()),
    *((tacan.tacan, dataset, rows) for dataset, rows in TACAN.items()),
    *((tacan.tacan_senet, dataset, rows) for dataset, rows in TACAN.items()),
    *((ica.ica, dataset, rows) for dataset, rows in ICA.items()),
    *((ica.ica_baseline, dataset, rows) for dataset, rows in ICA.items()),
    *((temporal_modeling.METHODS["mean-pooling"], dataset, rows) for dataset, rows in TEMPORAL.items()),
]


def training_set(dataset, rate=1.0):
    """As many people and tracklets as the data set trains on, with MARS' junk, which nobody counts."""
    people, tracklets = PEOPLE[dataset]
    each = tuple(Tracklet((f"{row}.jpg",), row % people + 1, 1) for row in range(tracklets))
    split = Split((*each, Tracklet(("junk.jpg",), -1, 1)), (), (), ())
    return TrainingSet(Dataset(dataset, Path("/data"), (split,), "official"), split.train, rate)


def lengths(method, *sets):
    """(epochs, steps, [(epoch, step, rate) of each drop]) of each stage of the training on the last set."""
    planned, size = plan_training(method, sets), measure_training(sets[-1])
    stages = zip(trainings(method), trainings(planned), strict=True)
    outlines = [outline_stage(given, size, stage) for given, stage in stages]
    return [(one.epochs, one.steps, [(drop.epoch, drop.step, drop.rate) for drop in one.drops]) for one in outlines]


@pytest.mark.parametrize(("make", "dataset", "rows"), EXPECTED, ids=lambda value: getattr(value, "__name__", None))
def test_a_paper_trains_its_epochs_on_every_data_set(make, dataset, rows):
    found = lengths(make("paper"), training_set(dataset))
    assert [(epochs, steps) for epochs, steps, _ in found] == [(epochs, steps) for epochs, steps, _ in rows]
    assert [[drop[:2] for drop in drops] for *_, drops in found] == [[drop[:2] for drop in drops] for *_, drops in rows]
    rates = [drop[2] for *_, drops in found for drop in drops]
    assert rates == pytest.approx([drop[2] for *_, drops in rows for drop in drops], rel=1e-9)


# What each paper says that it begins from, as the part, its plugin, and the beginning of the file's name.
IMAGENET = [("encoder", "resnet", "resnet50-0676ba61.pth", "ImageNet", "0676ba61")]
SENET = [("encoder", "senet", "se_resnet50-ce0d4300.pth", "ImageNet", "ce0d4300")]
ALEXNET = [("encoder", "alexnet", "alexnet-owt-7be5be79.pth", "ImageNet", "7be5be79")]
INCEPTION = [("encoder", "inception-v3", "inception_v3_google-0cc3c7bd.pth", "ImageNet", "0cc3c7bd")]
KINETICS = [("encoder", "i3d", "rgb_imagenet.pt", "ImageNet and Kinetics", "")]
KINETICS_3D = [("encoder", "resnet3d", "resnet-50-kinetics.pth", "Kinetics", "")]
SPORTS = [("encoder", "c3d", "c3d.pickle", "Sports-1M", "")]
HEAD = [("aggregator", "c3d-head", "c3d.pickle", "Sports-1M", "")]
BEGINNINGS = {
    clip_similarity: (KINETICS, {}),
    tacan: (IMAGENET, {"tacan-senet": SENET}),
    ica: (
        IMAGENET,
        {
            **dict.fromkeys(("ica-alexnet", "ica-baseline-alexnet"), ALEXNET),
            **dict.fromkeys(("ica-inception-v3", "ica-baseline-inception-v3"), INCEPTION),
        },
    ),
    personvlad: (SPORTS, {"c3d-baseline": SPORTS + HEAD}),
    temporal_modeling: (IMAGENET, dict.fromkeys(("3d-cnn", "3d-cnn-t8"), KINETICS_3D)),
}


@pytest.mark.parametrize("paper", BEGINNINGS, ids=lambda paper: paper.__name__)
def test_a_paper_begins_from_its_published_weights_and_preset_small_from_random_ones(registry, paper):
    usual, others = BEGINNINGS[paper]
    for name, make in paper.vreid_methods().items():
        found = [
            (each.part, each.name, file.name, file.data, file.sha256)
            for each in list_first_weights(make("paper"), registry)
            for file in each.files
        ]
        assert found == others.get(name, usual), name
        assert not make("small").begins, name
    assert others.keys() <= paper.vreid_methods().keys()


@pytest.mark.parametrize(("dataset", "share"), [("ilids-vid", 0.1), ("prid2011", 0.1)])
def test_personvlad_prints_iterations_which_are_the_same_on_every_data_set(dataset, share):
    """Paper 003, III-C: 50,000 at 0.003, halved every 1,000; the second step and fine-tuning are as long."""
    method, mars = personvlad.personvlad("paper"), training_set("mars")
    for sets, rate in (((mars,), 0.003), ((mars, training_set(dataset, share)), 0.003 * share)):
        (_, first, drops), (_, second, none) = lengths(method, *sets)
        assert (first, second, none) == (50_000, 50_000, [])
        assert [step for _, step, _ in drops] == [1_000 * n for n in range(1, 50)]
        assert [each for *_, each in drops[:2]] == pytest.approx([rate / 2, rate / 4])
    assert [epochs for epochs, *_ in lengths(method, mars)] == [400, 400]  # 625 / 5 = 125 steps each


def test_the_methods_of_a_paper_are_as_long_as_each_other():
    """Stage by stage on MARS."""
    for paper, expected in (
        (clip_similarity, CLIPS["mars"]),
        (tacan, TACAN["mars"]),
        (ica, ICA["mars"]),
        (temporal_modeling, TEMPORAL["mars"]),
    ):
        steps = [row[1] for row in expected]
        for name, make in paper.vreid_methods().items():
            found = [steps for _, steps, _ in lengths(make("paper"), training_set("mars"))]
            assert found == steps[: len(found)], name


@pytest.mark.parametrize("paper", [clip_similarity, ica, personvlad, tacan, temporal_modeling])
def test_preset_small_gives_steps_which_no_data_set_changes(paper):
    for name, make in paper.vreid_methods().items():
        method = make("small")
        for dataset in PEOPLE:
            assert plan_training(method, [training_set(dataset)]) == method, name
