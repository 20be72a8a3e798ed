"""A method refuses what cannot be trained when it is written, wherever it is written."""

from dataclasses import replace

import pytest

from vreid_bench import Clipping, Fit, InputError, Method, Schedule, Train, part

STAGE = Train(Clipping("consecutive", 4), {"ce": 1.0}, 10, 4, 2, Schedule("constant", 1e-3))
FIT = Fit("matcher", STAGE.clipping)
PARTS = (part("net"), part("pool"), part("mean"))
METHOD = Method(*PARTS, Clipping("dense", 4), (64, 32), {"ce": part("ce")}, (FIT, STAGE))


@pytest.mark.parametrize(
    ("losses", "message"),
    [
        ({"oim": 1.0}, "a loss of stages.1.losses is 'oim', expected one of ce"),
        ({"ce": "much"}, "stages.1.losses.ce is 'much', expected a number of at least 0, the weight of that loss"),
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
