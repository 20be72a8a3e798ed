"""A method refuses what cannot be trained when it is written, wherever it is written."""

from dataclasses import replace

import pytest

from vreid_bench import Clipping, Fit, InputError, Method, Optimizer, Schedule, Train, part

STAGE = Train(Clipping("consecutive", 4), {"ce": 1.0}, 10, 4, 2, Schedule("constant", 1e-3))
FIT = Fit("matcher", STAGE.clipping)
PARTS = (part("net"), part("pool"), part("mean"))
METHOD = Method(*PARTS, Clipping("dense", 4), (64, 32), {"ce": part("ce")}, (FIT, STAGE))


@pytest.mark.parametrize(
    ("losses", "message"),
    [
        ({"oim": 1.0}, "a loss of stages.1.losses is 'oim', expected one of ce"),
        ({"ce": "much"}, "stages.1.losses.ce is 'much', expected a number"),
        ({"ce": -1}, "stages.1.losses.ce is -1, expected a number of at least 0"),
        ({"ce": float("nan")}, "stages.1.losses.ce is nan, expected a number of at least 0"),
        ({"ce": True}, "stages.1.losses.ce is True, expected a number"),
    ],
)
def test_a_stage_trains_the_losses_of_its_method(losses, message):
    with pytest.raises(InputError, match=message):
        replace(METHOD, stages=(FIT, replace(STAGE, losses=losses)))


def test_a_new_part_brings_and_takes_the_stages_that_fit_it():
    assert METHOD.with_part("matcher", part("xqda"), fits=True).stages == METHOD.stages
    without = METHOD.with_part("matcher", part("mean"))
    assert without.stages == (STAGE,)
    assert without.with_part("aggregator", part("max"), fits=True).stages == (Fit("aggregator", METHOD.test), STAGE)
    assert without.with_part("encoder", part("resnet"), fits=True).stages == (STAGE,)
    assert without.with_part("matcher", part("xqda"), fits=True).stages == (STAGE, Fit("matcher", METHOD.test))


class Tiny: ...


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"encoder": Tiny}, r'encoder is the class Tiny, expected a part, written part\("name"\)'),
        ({"losses": {"ce": "cross-entropy"}}, "losses.ce is 'cross-entropy', expected a part"),
        ({"test": "dense"}, "test is 'dense', expected a Clipping"),
        ({"test": Clipping("dense", "4")}, "test.T is '4', expected a whole number"),
        ({"stages": STAGE}, r"stages is a Train, expected a tuple, as in \(value,\)"),
        ({"stages": ("fit",)}, "stages.0 is 'fit', expected a Train or a Fit"),
        ({"size": 64}, "size is 64, expected height and width"),
        ({"begins": ("encoder",)}, r"begins is \('encoder',\), expected a table of names and values"),
    ],
)
def test_a_field_of_another_type_is_named(fields, message):
    with pytest.raises(InputError, match=f"^recipe: {message}"):
        replace(METHOD, **fields)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"K": "2"}, "K is '2', expected a whole number"),
        ({"K": 0}, "K is 0, expected a whole number above 0"),
        ({"steps": "10"}, "steps is '10', expected a whole number or Epochs"),
        ({"steps": 0}, "steps is 0, expected a whole number above 0, or epochs"),
        ({"matcher": "mean"}, "matcher is 'mean', expected a part, written part\\(\"name\"\\) or None"),
        ({"train": "*"}, r"train is '\*', expected a tuple"),
        ({"freeze": (3,)}, "freeze.0 is 3, expected a text"),
        ({"schedule": Schedule("constant", -1.0)}, "schedule.rate is -1.0, expected a number above 0"),
        ({"schedule": Schedule("slow", 1.0)}, "schedule.kind is 'slow', expected one of constant, step, one-cycle"),
        ({"optimizer": Optimizer("Foo")}, "optimizer.name is 'Foo', expected one of Adam"),
        ({"schedule": Schedule("step", 1.0)}, "schedule.every is 0, expected steps or epochs"),
    ],
)
def test_a_wrong_setting_of_a_stage_has_the_name_that_set_takes(fields, message):
    with pytest.raises(InputError, match=f"^recipe: stages.1.{message}"):
        replace(METHOD, stages=(FIT, replace(STAGE, **fields)))
