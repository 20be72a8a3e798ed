"""The infrared camera: grey pictures of the same person at the same place, whose dyes tell nothing of their colours."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vreid_plugins.synthetic import Job, Plan, TrackletSpec, World, render
from vreid_plugins.synthetic.body import Placement
from vreid_plugins.synthetic.camera import camera
from vreid_plugins.synthetic.figure import draw_person
from vreid_plugins.synthetic.identity import CHANGE, identity
from vreid_plugins.synthetic.infrared import approach, lamp
from vreid_plugins.synthetic.palette import INFRARED, VISIBLE
from vreid_plugins.synthetic.raster import Canvas

SMALL = World(height=32, width=16)
PLAIN = {f"p_{kind}": 0.0 for kind in ("object", "pedestrian", "switch", "miss", "drift", "blur")}

specs = st.builds(
    TrackletSpec,
    identity=st.integers(0, 200) | st.integers(CHANGE, CHANGE + 200),
    camera=st.integers(0, 11),
    take=st.integers(0, 3),
    frames=st.integers(1, 12),
    crowd=st.just((0, 200)),
    junk=st.booleans(),
)


@settings(max_examples=30, deadline=None)
@given(spec=specs, seed=st.integers(0, 5))
def test_the_same_scene_in_grey(spec: TrackletSpec, seed: int) -> None:
    world = replace(SMALL, seed=seed, p_object=0.5, p_pedestrian=0.5, p_switch=0.5)
    by_day, by_night = render(world, spec), render(world, replace(spec, infrared=True))
    assert np.array_equal(by_night.frames[..., 0], by_night.frames[..., 1])
    assert np.array_equal(by_night.frames[..., 0], by_night.frames[..., 2])
    # who can be seen, and what goes wrong, does not depend on the light
    assert np.array_equal(by_day.visibility, by_night.visibility)
    assert np.array_equal(by_day.flags, by_night.flags)
    assert by_day.frames.shape == by_night.frames.shape
    again = render(world, replace(spec, infrared=True))
    assert np.array_equal(by_night.frames, again.frames)


@settings(max_examples=20, deadline=None)
@given(number=st.integers(0, 500), yaw=st.floats(0, 6.28), elevation=st.floats(0, 0.3))
def test_the_silhouette_does_not_depend_on_the_light(number: int, yaw: float, elevation: float) -> None:
    place = [np.full(4, value, np.float32) for value in (yaw, 16, 60, 56)]
    covers = []
    for infrared in (False, True):
        canvas = Canvas(4, 64, 32)
        phase = np.linspace(0, 3, 4, dtype=np.float32)
        draw_person(canvas, identity(World(), number, infrared), Placement(*place, elevation), phase)
        covers.append(canvas.cover)
    assert covers[0].any()
    assert np.array_equal(*covers)


SLEEVES, REFLECTED = (
    np.stack([identity(SMALL, number, infrared).outfit.sleeve for number in range(400)]) for infrared in (False, True)
)
DYED = np.ptp(SLEEVES, axis=1) >= 0.06  # the others are grey, and perhaps not dyed


def test_what_dyed_cloth_reflects_does_not_follow_from_its_colour() -> None:
    seen, reflected = SLEEVES[DYED].mean(1), REFLECTED[DYED].mean(1)
    assert len(seen) > 150
    assert abs(np.corrcoef(seen, reflected)[0, 1]) < 2 / np.sqrt(len(seen))  # two deviations of independent pairs
    assert reflected.std() > 0.1  # and yet it tells people apart
    assert (reflected > seen).mean() > 0.55  # most dyes are transparent there


def test_black_and_white_cloth_is_often_black_and_white_in_infrared() -> None:
    seen, reflected = SLEEVES[~DYED].mean(1), REFLECTED[~DYED].mean(1)
    same = np.abs(seen - reflected) < 1e-3
    assert 0.45 < same.mean() < 0.75
    assert reflected[same].min() < 0.15
    assert reflected[same].max() > 0.6


def test_dyed_clothes_of_other_colours_can_look_alike_in_infrared() -> None:
    colours, greys = SLEEVES[DYED][:60], REFLECTED[DYED][:60]
    apart = np.linalg.norm(colours[:, None] - colours[None], axis=2) > 0.4
    alike = np.abs(greys[:, None] - greys[None]).max(axis=2) < 0.02
    assert (apart & alike).sum() >= 10


def test_one_outfit_is_the_same_in_every_infrared_camera_and_keeps_skin_and_hair_when_changed() -> None:
    usual, changed = (identity(SMALL, number, infrared=True).outfit for number in (7, 7 + CHANGE))
    assert np.array_equal(usual.skin, changed.skin)
    assert np.array_equal(usual.hair, changed.hair)
    assert not np.array_equal(usual.torso, changed.torso)
    twins = replace(SMALL, twins=0.5)
    first, second = (identity(twins, number, infrared=True).outfit for number in (0, 1))
    assert np.array_equal(first.torso, second.torso)
    for infrared in (False, True):  # cut and carried things are what they are
        worn = identity(SMALL, 7, infrared).outfit
        assert (worn.bag, worn.legwear, worn.sleeve_length) == (usual.bag, usual.legwear, usual.sleeve_length)


def test_skin_of_every_tone_and_all_leaves_are_bright() -> None:
    assert np.all(INFRARED.skin > 0.45)
    assert np.ptp(INFRARED.skin) < 0.5 * np.ptp(VISIBLE.skin.mean(axis=1))
    for name in ("leaves", "grass"):
        assert getattr(INFRARED, name).min() > 1.5 * getattr(VISIBLE, name).mean(axis=1).max()
    for name in vars(VISIBLE).keys() - {"sky", "far"}:
        assert getattr(VISIBLE, name).shape == getattr(INFRARED, name).shape


def test_the_light_of_the_lamp_falls_off() -> None:
    # a quarter of the light at twice the distance; 0.25 ** (1 / 2.2) = 0.5325 in a picture's values
    assert lamp(np.array([1.0, 2.0, 4.0])) == pytest.approx([1, 0.53252, 0.28358], abs=1e-5)
    towards, across, away = (approach(SMALL, (3, 1, 0), np.full(30, yaw)) for yaw in (0.0, np.pi / 2, np.pi))
    assert np.all(np.diff(towards) > 0)
    assert np.all(np.diff(away) < 0)
    assert np.ptp(across) < 1e-6


def test_the_street_behind_is_darker_than_the_ground_at_the_feet() -> None:
    def contrast(infrared: bool) -> float:
        """The ground before the wall, mean over twelve cameras."""
        views = [camera(World(), number, infrared).view for number in range(12)]
        return float(np.mean([view[-8:].mean() / view[:8].mean() for view in views]))

    assert contrast(infrared=True) > 1.5 * contrast(infrared=False)


def test_noise_is_stronger_at_night() -> None:
    still = replace(World(**PLAIN), illumination=0.0)

    def spread(infrared: bool) -> float:
        """Standard deviation of what noise alone changes."""
        spec = TrackletSpec(5, 2, 0, 16, infrared=infrared)
        quiet, loud = (render(replace(still, noise=noise), spec).frames.astype(int) for noise in (0.0, still.noise))
        return float((loud - quiet).std())

    assert spread(infrared=True) > 1.3 * spread(infrared=False)


def test_plans_without_infrared_keep_the_hash_of_version_2() -> None:
    views = [TrackletSpec(number, number % 2, 0, 3 + number) for number in range(5)]
    jobs = tuple(Job(view, tuple(f"person{view.identity}/{n:02d}.jpg" for n in range(view.frames))) for view in views)
    plan = Plan("small", World(height=32, width=16), jobs, {}, {})
    assert plan.hash == "7a022164615db0f37d771ac874507a8cc3f0ca4442d9c1f60edce0ba10cb8072"
    seen = {plan.hash}
    for place in range(5):
        night = replace(jobs[place], spec=replace(jobs[place].spec, infrared=True))
        seen.add(replace(plan, jobs=(*jobs[:place], night, *jobs[place + 1 :])).hash)
    assert len(seen) == 6
