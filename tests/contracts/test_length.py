"""A length in steps or epochs: read from text, written, and turned into steps by hand-made counts."""

import pytest

from vreid_bench import Clipping, Epochs, InputError, Schedule, Train
from vreid_bench.contracts.length import TrainingSize, parse_length, plain_steps, to_steps

SIZE = TrainingSize(people=50, tracklets=103)


@pytest.mark.parametrize(
    ("text", "length", "written"),
    [
        ("900", 900, "900"),
        ("0", 0, "0"),  # the recipe refuses it
        ("500 epochs", Epochs(500), "500 epochs over people"),
        ("1 epoch over people", Epochs(1), "1 epoch over people"),
        ("12 epochs over tracklets", Epochs(12, "tracklets"), "12 epochs over tracklets"),
    ],
)
def test_a_length_is_read_and_written(text, length, written):
    assert parse_length(text) == length
    assert str(length) == written
    assert parse_length(written) == length


@pytest.mark.parametrize("text", ["", "many", "0 epochs", "-3 epochs", "2.5 epochs", "9 epochs over frames", "9 steps"])
def test_another_text_is_refused(text):
    with pytest.raises(ValueError, match="expected a number of steps"):
        parse_length(text)


@pytest.mark.parametrize(
    ("length", "P", "K", "steps"),
    [
        (Epochs(3), 8, 4, 18),  # 50 people fill 6 batches of 8; 2 people are left
        (Epochs(3), 8, 2, 18),  # whatever K
        (Epochs(3, "tracklets"), 8, 4, 9),  # 103 tracklets fill 3 batches of 32
        (Epochs(3, "tracklets"), 5, 2, 30),
        (Epochs(7), 60, 4, 7),  # too few for one batch: one step
        (Epochs(7, "tracklets"), 60, 4, 7),
        (77, 8, 4, 77),
    ],
)
def test_an_epoch_is_as_many_whole_batches_as_the_data_fills(length, P, K, steps):
    assert to_steps(length, SIZE, P, K) == steps


def test_a_stage_gets_its_length_and_its_drops_in_steps():
    stage = Train(Clipping("all", 0), {}, Epochs(10), 8, 4, Schedule("step", 1.0, every=Epochs(4, "tracklets")))
    planned = stage.in_steps(SIZE)
    assert (planned.steps, planned.schedule.every) == (60, 12)
    assert (stage.steps, stage.schedule.every) == (Epochs(10), Epochs(4, "tracklets"))
    assert planned.in_steps(TrainingSize(5, 5)) == planned


@pytest.mark.parametrize(("number", "over"), [(0, "people"), (-1, "people"), (2.0, "people"), (3, "frames")])
def test_epochs_that_mean_nothing_are_refused(number, over):
    with pytest.raises(InputError, match="expected a whole number of epochs over people or tracklets"):
        Epochs(number, over)


def test_epochs_are_never_taken_for_steps():
    assert plain_steps(5) == 5
    with pytest.raises(TypeError, match="5 epochs over people are not steps yet"):
        plain_steps(Epochs(5))


def test_a_rate_falls_by_its_factor_and_not_below_its_floor():
    schedule = Schedule("step", 1.0, every=10, factor=0.1, floor=0.05)
    assert [schedule.rate_after(drops) for drops in range(4)] == pytest.approx([1.0, 0.1, 0.05, 0.05])
