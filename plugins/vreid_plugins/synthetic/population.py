"""Draws who is seen by which camera and for how long, for all layouts."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from .tracklet import TrackletSpec
from .world import World


def draw_pids(world: World, train: int, test: int) -> tuple[list[int], list[int]]:
    """Pids of `train` people to train on and `test` others to test on: ascending, interleaved, with gaps."""
    rng, people = world.stream("pids", train, test), train + test
    pids = np.sort(rng.choice(np.arange(1, 5 * people // 2 + 1), people, replace=False))
    chosen = np.sort(rng.choice(people, train, replace=False))
    return pids[chosen].tolist(), np.delete(pids, chosen).tolist()


def draw_cameras(world: World, rng: np.random.Generator, number: int) -> list[int]:
    """The cameras that see somebody, ascending: `number` of them, or all if the world has fewer."""
    chosen: list[int] = np.sort(rng.choice(world.cameras, min(world.cameras, number), replace=False)).tolist()
    return chosen


def draw_length(world: World, rng: np.random.Generator) -> int:
    """Frames of a tracklet: many short ones and a long tail."""
    typical = world.typical_frames
    return int(np.clip(typical * np.exp(rng.normal(0, 0.6)), max(5, typical // 4), 5 * typical))


def shorten(specs: Sequence[TrackletSpec], lengths: Sequence[int]) -> list[TrackletSpec]:
    """The tracklets, a few of them with these lengths, spread evenly: originals have some shorter than a clip."""
    result = list(specs)
    step = max(8, len(result) // max(1, len(lengths)))
    for place, frames in zip(range(7, len(result), step), lengths, strict=False):
        result[place] = replace(result[place], frames=frames)
    return result
