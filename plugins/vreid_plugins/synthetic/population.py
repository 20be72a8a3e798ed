"""Who is seen by which camera, how often and for how long: what all layouts draw their tracklets from."""

import numpy as np

from .tracklet import TrackletSpec
from .world import World

# Numbers of identities; far apart, so that more people of one kind do not change those of another.
TRAIN, TEST, WALKERS, FALSE_DETECTIONS = 0, 10_000, 20_000, 30_000
ILIDS_VID, PRID2011, PRID2011_SURPLUS = 100_000, 110_000, 1_000_000  # nobody walks through two twins


def draw_pids(world: World, ids: int) -> tuple[list[int], list[int]]:
    """Pids of `ids` train and `ids` test identities: disjoint, ascending, interleaved, with gaps."""
    rng = world.stream("pids", ids)
    pids = np.sort(rng.choice(np.arange(1, 5 * ids + 1), 2 * ids, replace=False))
    train = np.sort(rng.choice(2 * ids, ids, replace=False))
    return pids[train].tolist(), np.delete(pids, train).tolist()


def draw_sightings(world: World, identity: int, crowd: tuple[int, int], alone: bool = False) -> list[TrackletSpec]:
    """The tracklets of an identity: 1 to 3 in each of 2 to 4 cameras, or in one camera if `alone`."""
    rng = world.stream("sightings", identity)
    seen = 1 if alone else int(rng.choice([2, 3, 4], p=[0.4, 0.35, 0.25]))
    cameras = np.sort(rng.choice(world.cameras, min(world.cameras, seen), replace=False)).tolist()
    takes = rng.choice([1, 2, 3], len(cameras), p=[0.28, 0.40, 0.32]).tolist()
    return [
        TrackletSpec(identity, camera, take, draw_length(world, rng), crowd)
        for camera, count in zip(cameras, takes, strict=True)
        for take in range(count)
    ]


def draw_length(world: World, rng: np.random.Generator) -> int:
    """Frames of a tracklet: many short ones and a long tail."""
    typical = world.typical_frames
    return int(np.clip(typical * np.exp(rng.normal(0, 0.6)), max(5, typical // 4), 5 * typical))
