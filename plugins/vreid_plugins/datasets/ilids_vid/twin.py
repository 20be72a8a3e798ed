"""A twin of iLIDS-VID: its folders, file names and split file, with synthetic people."""

import numpy as np

from vreid_plugins.datasets.half_splits import KEY, SPLITS
from vreid_plugins.datasets.ilids_vid.index import CAMERA_FOLDERS, SPLIT_FILE
from vreid_plugins.datasets.matlab import encode_matrix
from vreid_plugins.datasets.two_views_twin import PersonView, count_views
from vreid_plugins.synthetic import Job, Plan, TrackletSpec, World, check_size

# numbers of identities and cameras that no other twin has
FIRST, CAMERAS = 100_000, (100, 101)


def plan(world: World | None = None, ids: int = 150) -> Plan:
    """The tree of a twin: `ids` persons in each half, numbered with gaps, 23 to 192 frames in each camera.

    The default has 100 persons, 200 tracklets and 13,812 frames.
    """
    world, persons = world or World.appearance(cameras=len(CAMERAS)), 2 * ids
    check_size("an iLIDS-VID twin", ids, range(2, 470), world, range(2, 3))
    rng = world.stream("ilids-vid", ids)
    # the numbers of the original's 300 persons go up to 319; they have three digits, which is what limits `ids`
    top = persons + max(1, round(persons * 19 / 300))
    numbers = [*np.sort(rng.choice(np.arange(1, top), persons - 1, replace=False)).tolist(), top]
    crowd = (FIRST, FIRST + persons)
    views = []
    for camera in CAMERAS:
        lengths = np.clip(65 * np.exp(rng.normal(0, 0.48, persons)), 23, 192).astype(int).tolist()
        starts = rng.integers(1, 400, persons).tolist()
        specs = [TrackletSpec(FIRST + i, camera, 0, lengths[i], crowd) for i in range(persons)]
        views.append([PersonView(*row) for row in zip(numbers, specs, starts, strict=True)])
    orders = np.stack([rng.permutation(persons) + 1 for _ in range(SPLITS)])  # [10, persons], counted from 1
    files = {SPLIT_FILE: encode_matrix(KEY, orders.astype(np.float64))}
    jobs = [Job(seen.spec, _name_frames(camera, seen)) for camera, view in enumerate(views, 1) for seen in view]
    return Plan("ilids-vid", world, tuple(jobs), files, count_views(views, persons, persons))


def _name_frames(camera: int, seen: PersonView) -> tuple[str, ...]:
    person = f"person{seen.number:03d}"
    stem = f"{CAMERA_FOLDERS[camera - 1]}/{person}/cam{camera}_{person}_"
    return tuple(f"{stem}{number:05d}.png" for number in range(seen.start, seen.start + seen.spec.frames))
