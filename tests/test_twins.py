"""The synthetic twins beside each other: transfer between two of them meets new people before new cameras."""

from itertools import combinations

import pytest

from vreid_plugins.synthetic import (
    World,
    plan_ccvid,
    plan_duke_video,
    plan_ilids_vid,
    plan_ls_vid,
    plan_mars,
    plan_prid2011,
)
from vreid_plugins.synthetic.identity import CHANGE

PLANS = {
    "mars": lambda: plan_mars(World.appearance()),
    "ilids-vid": plan_ilids_vid,
    "prid2011": plan_prid2011,
    "duke-video": plan_duke_video,
    "ls-vid": plan_ls_vid,
    "ccvid": plan_ccvid,
}


@pytest.fixture(scope="module")
def specs():
    """Who is seen by which camera in each twin."""
    return {name: [job.spec for job in plan().jobs] for name, plan in PLANS.items()}


def test_no_two_twins_share_a_person(specs):
    people = {name: {spec.identity % CHANGE for spec in found} for name, found in specs.items()}
    for one, other in combinations(people, 2):
        assert not people[one] & people[other], (one, other)


def test_no_two_twins_share_a_camera(specs):
    cameras = {name: {spec.camera for spec in found} for name, found in specs.items()}
    for one, other in combinations(cameras, 2):
        assert not cameras[one] & cameras[other], (one, other)
