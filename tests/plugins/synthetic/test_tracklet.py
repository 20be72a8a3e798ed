"""Rendering tracklets: what is drawn, and what is true about it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from vreid_plugins.synthetic import FLAGS, WORLDS, TrackletSpec, World, render
from vreid_plugins.synthetic.body import Placement
from vreid_plugins.synthetic.figure import draw_person
from vreid_plugins.synthetic.identity import identity
from vreid_plugins.synthetic.raster import Canvas

PLAIN = {f"p_{kind}": 0.0 for kind in ("object", "pedestrian", "switch", "miss", "drift", "blur")}


def test_a_tracklet_depends_on_its_world_and_itself_alone() -> None:
    world, spec = World(height=32, width=16), TrackletSpec(3, 1, 0, 12, (0, 40))
    alone = render(world, spec)
    for number in (5, 4, 3):
        again = render(world, TrackletSpec(number, 1, 0, 12, (0, 40)))
    assert np.array_equal(alone.frames, again.frames)
    assert np.array_equal(alone.visibility, again.visibility)
    assert not np.array_equal(alone.frames, render(replace(world, seed=1), spec).frames)
    assert not np.array_equal(alone.frames, render(world, replace(spec, take=1)).frames)


def test_shapes_ranges_and_a_tracklet_of_one_frame() -> None:
    world = World(height=48, width=20)
    for frames in (1, 2, 9):
        rendered = render(world, TrackletSpec(0, 5, 2, frames))
        assert rendered.frames.shape == (frames, 48, 20, 3)
        assert rendered.frames.dtype == np.uint8
        assert rendered.visibility.dtype == np.float32
        assert rendered.visibility.min() >= 0
        assert rendered.visibility.max() <= 1
        assert rendered.flags.shape == (frames, len(FLAGS))


def test_an_undisturbed_walker_is_wholly_visible() -> None:
    for camera in range(6):
        rendered = render(World(**PLAIN), TrackletSpec(camera, camera, 0, 24))
        assert rendered.visibility.min() > 0.9
        assert not rendered.flags.any()
        assert np.abs(np.diff(rendered.frames.astype(int), axis=0)).mean(axis=(1, 2, 3)).min() > 0.5


@pytest.mark.parametrize("yaw", [0.0, np.pi / 2, np.pi])
def test_legs_and_arms_swing_with_the_phase_and_return_after_a_cycle(yaw: float) -> None:
    phase = np.linspace(0, 2 * np.pi, 9, dtype=np.float32)
    x, y, scale = (np.full(9, value, np.float32) for value in (32, 119, 110))
    canvas = Canvas(9, 128, 64)
    inside = draw_person(canvas, identity(World(), 1), Placement(np.full(9, yaw, np.float32), x, y, scale, 0.1), phase)
    assert np.allclose(inside, 1)
    area = canvas.cover.sum(axis=(1, 2))
    assert np.all((area > 0.08 * 128 * 64) & (area < 0.5 * 128 * 64))
    moved = np.abs(canvas.cover - canvas.cover[:1]).sum(axis=(1, 2)) / area
    assert moved[[1, 2, 3, 5, 6, 7]].min() > 0.05  # after half a cycle left and right have changed places
    assert moved[8] < 0.01


@pytest.mark.slow
def test_visibility_drops_exactly_where_an_obstacle_changes_the_picture() -> None:
    clear, blocked = (World(noise=0.0, **(PLAIN | {"p_object": p})) for p in (0.0, 1.0))
    dropped = 0
    for number in range(12):
        spec = TrackletSpec(number, number % 6, 0, 24)
        free, behind = render(clear, spec), render(blocked, spec)
        changed = np.abs(free.frames.astype(int) - behind.frames).max(axis=(1, 2, 3)) > 8
        covered = behind.flags[:, FLAGS.index("obj")]
        assert covered.any()
        assert not changed[~covered].any()
        drop = free.visibility - behind.visibility
        assert np.all(drop >= -1e-6)
        assert np.all(drop[~changed] < 0.02)
        dropped += int((drop > 0.3).sum())
    assert dropped >= 20


def test_a_passer_hides_and_a_switch_or_miss_leaves_nothing_of_the_person() -> None:
    for kind, flag in (("p_switch", "switch"), ("p_miss", "miss")):
        rendered = render(World(**(PLAIN | {kind: 1.0})), TrackletSpec(1, 0, 0, 24))
        window = rendered.flags[:, FLAGS.index(flag)]
        assert 0 < window.sum() < 24
        assert np.all(rendered.visibility[window] == 0)
        assert np.all(rendered.visibility[~window] > 0.9)
    hidden = [
        render(World(**(PLAIN | {"p_pedestrian": 1.0})), TrackletSpec(i, 2, 0, 24)).visibility.min() for i in range(6)
    ]
    assert min(hidden) < 0.6


def test_a_drifting_box_loses_part_of_the_body() -> None:
    world = World(**(PLAIN | {"p_drift": 1.0}))
    shares = np.concatenate([render(world, TrackletSpec(i, 1, 0, 24)).visibility for i in range(8)])
    assert shares.min() < 0.85
    assert np.median(shares) > 0.9


def test_a_person_looks_more_alike_in_two_cameras_than_two_persons_do() -> None:
    world = World(**PLAIN)

    def colours(number: int, camera: int) -> np.ndarray:
        """Mean colour of upper and of lower body."""
        frames = render(world, TrackletSpec(number, camera, 0, 8)).frames.astype(float)
        return np.concatenate([frames[:, 16:30, 12:20].mean((0, 1, 2)), frames[:, 36:50, 12:20].mean((0, 1, 2))])

    people = range(0, 96, 4)  # one of each look-alike group
    first, second = (np.stack([colours(i, camera) for i in people]) for camera in (1, 2))
    first, second = first - first.mean(0), second - second.mean(0)
    distance = np.linalg.norm(first[:, None] - second[None], axis=2)
    rank = (distance < np.diag(distance)[:, None]).sum(axis=1)
    assert rank.mean() < 0.2 * len(rank)  # 0.5 by chance


def test_look_alikes_share_colours_and_twins_share_all_clothes() -> None:
    twins = World(twins=0.5)
    pairs = [(identity(twins, number), identity(twins, number + 1)) for number in range(0, 8, 2)]
    assert all(np.array_equal(a.outfit.torso, b.outfit.torso) for a, b in pairs)
    assert all(a.build != b.build for a, b in pairs)
    motion = WORLDS["motion"]()
    worn = {identity(motion, number).outfit.torso.tobytes() for number in range(24)}
    assert len(worn) == motion.clothes == 6


def test_the_hash_of_a_world_changes_with_every_parameter() -> None:
    world = World()
    assert world.hash == World.appearance().hash
    assert world.hash != World.motion().hash
    changed = {name: "x" if name == "name" else value + 1 for name, value in world.parameters().items()}
    hashes = {replace(world, **{name: value}).hash for name, value in changed.items()}
    assert len(hashes | {world.hash}) == len(changed) + 1
