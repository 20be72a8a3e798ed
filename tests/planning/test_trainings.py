"""The recipe of each training of a fold: lengths in steps on its own data, and what continues an earlier training."""

from dataclasses import replace
from pathlib import Path

from vreid_bench import Clipping, Dataset, Epochs, Fit, Method, Schedule, Split, Tracklet, Train, part
from vreid_bench.contracts.length import TrainingSize
from vreid_bench.planning.estimate import FrameCost, estimate
from vreid_bench.planning.folds import Fold, TrainingSet
from vreid_bench.planning.outline import Drop, outline_stage
from vreid_bench.planning.trainings import (
    describe_trainings,
    find_repeats,
    list_trainings,
    measure_training,
    plan_training,
)

STAGE = Train(
    Clipping("consecutive", 4), {"ce": 1.0}, Epochs(10), 4, 2, Schedule("step", 1.0, every=Epochs(4), factor=0.5)
)
FITS = (Fit("aggregator", Clipping("all", 0)), Fit("matcher", Clipping("all", 0)))
METHOD = Method(
    part("net"),
    part("pool"),
    part("mean"),
    Clipping("dense", 4),
    (64, 32),
    {"ce": part("ce")},
    (FITS[0], STAGE, replace(STAGE, steps=7, schedule=Schedule("constant", 1.0)), FITS[1]),
)


def training_set(name, people, each=2, rate=1.0):
    tracklets = tuple(Tracklet((f"{pid}.jpg",), pid + 1, 1) for pid in range(people) for _ in range(each))
    others = tuple(Tracklet(("other.jpg",), pid, 1) for pid in (0, -1, -1))
    return TrainingSet(Dataset(name, Path("/data"), (), "unverified"), (*tracklets, *others), rate)


SOURCE, TARGET = training_set("source", 21), training_set("target", 9, each=3, rate=0.1)


def fold(*sets, number=0):
    return Fold(number, sets, sets[-1].dataset, Split((), (), (), ()))


def test_people_and_their_tracklets_are_counted_without_distractors_and_junk():
    assert measure_training(SOURCE) == TrainingSize(21, 42)
    assert measure_training(TARGET) == TrainingSize(9, 27)


def test_each_training_has_the_epochs_of_its_own_people():
    """21 people fill 5 batches of 4, and 9 people 2; continued training is slower and fits no aggregator again."""
    (_, first), (_, second) = list_trainings(METHOD, fold(SOURCE, TARGET))
    assert first.stages == (FITS[0], *first.stages[1:3], FITS[1])
    assert second.stages[2:] == FITS[1:]
    steps = [[(s.steps, s.schedule.every, s.schedule.rate) for s in recipe.stages if isinstance(s, Train)]
             for recipe in (first, second)]  # fmt: skip
    assert steps == [[(50, 20, 1.0), (7, 0, 1.0)], [(20, 8, 0.1), (7, 0, 0.1)]]
    assert first.budget["steps"] == 57
    assert plan_training(METHOD, [TARGET]).stages[1].schedule.rate == 1.0  # nothing to continue


def test_the_record_has_each_training_once_and_nothing_where_all_lengths_are_steps():
    folds = [fold(SOURCE, TARGET, number=number) for number in range(3)]
    assert describe_trainings(METHOD, folds) == [
        {
            "dataset": "source",
            "people": 21,
            "tracklets": 42,
            "stages": [{"steps": 50, "every": 20}, {"steps": 7, "every": 0}],
        },
        {
            "dataset": "target",
            "people": 9,
            "tracklets": 27,
            "stages": [{"steps": 20, "every": 8}, {"steps": 7, "every": 0}],
        },
    ]
    uneven = [fold(training_set("source", people)) for people in (21, 9, 21)]
    assert [entry["people"] for entry in describe_trainings(METHOD, uneven)] == [21, 9]
    assert describe_trainings(plan_training(METHOD, [SOURCE]), folds) == []


def test_the_estimate_counts_the_steps_of_every_training():
    found = estimate(METHOD, [fold(SOURCE, TARGET)], FrameCost(1.0, 0, 0))
    fits = 45 + 45 + 30  # one frame of each tracklet: both fits of the first training, one of the second
    assert found.steps == 57 + 27
    assert found.seconds == 3 * (57 + 27) * 4 * 2 * 4 + fits


def test_an_outline_has_steps_epochs_and_drops():
    stage = plan_training(METHOD, [SOURCE]).stages[1]
    found = outline_stage(STAGE, TrainingSize(21, 42), stage)
    assert (found.given, found.steps, found.epochs, found.steps_of_epoch) == ("10 epochs over people", 50, 10, 5)
    assert found.drops == (Drop(20, 4, 0.5), Drop(40, 8, 0.25))
    assert found.frames == 4 * 2 * 4
    assert found.recipe["steps"] == 50


def test_a_length_in_steps_is_shown_in_epochs_over_people_as_well():
    given = replace(STAGE, steps=12, schedule=Schedule("step", 1.0, every=6))
    found = outline_stage(given, TrainingSize(21, 42), given)
    assert (found.given, found.steps, found.epochs, found.over) == (12, 12, 2.4, "people")
    assert found.drops == (Drop(6, 1.2, 0.1),)


def test_epochs_over_tracklets_are_counted_in_tracklets():
    given = replace(STAGE, steps=Epochs(3, "tracklets"))
    found = outline_stage(given, TrainingSize(21, 42), given.in_steps(TrainingSize(21, 42)))
    assert (found.steps, found.epochs, found.steps_of_epoch, found.over) == (15, 3, 5, "tracklets")


def test_more_people_in_a_batch_than_there_are_is_told_with_the_setting():
    assert list(find_repeats(METHOD, training_set("enough", 4))) == []
    [first, second] = find_repeats(METHOD, training_set("few", 3))
    assert first == (
        "stage 2 draws 4 people for each step, but only 3 are trained on, so some are drawn twice; "
        "--set stages.1.P=3 draws each once"
    )
    assert "stages.2.P=3" in second
