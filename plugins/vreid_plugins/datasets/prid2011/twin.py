"""A twin of PRID2011: its folders, file names and lists of halves, with synthetic people."""

import json
from collections.abc import Sequence

import numpy as np

from vreid_plugins.datasets.half_splits import SPLITS
from vreid_plugins.datasets.prid2011.index import CAMERA_FOLDERS, ELIGIBLE, LISTS, PRINTED, SHARED, name_person
from vreid_plugins.datasets.two_views_twin import PersonView, count_views
from vreid_plugins.synthetic import Job, Plan, TrackletSpec, World, check_size

# numbers of identities and cameras that no other twin has
FIRST, FIRST_STRANGER, CAMERAS = 110_000, 1_000_000, (110, 111)


def plan(world: World | None = None, ids: int = 89) -> Plan:
    """The tree of a twin: `ids` persons in each half, others with too few frames, and strangers in each camera.

    One in nine persons in both cameras has under 27 frames in one of them. Numbers above 200 are one person in
    camera a and another in camera b. The default has 90 persons in both cameras, 80 of them in the halves, 10 and 30
    strangers, 220 tracklets and 10,963 frames.
    """
    world = world or World.appearance(cameras=len(CAMERAS))
    check_size("a PRID2011 twin", ids, range(2, 90), world, range(2, 3))  # 89: numbers up to SHARED
    shared = 2 * ids + max(2, round(2 * ids / 8))
    rng = world.stream("prid2011", ids)
    lengths = np.clip(50 * np.exp(rng.normal(0, 0.5, (2, shared))), ELIGIBLE, 160).astype(int)  # [cameras, persons]
    short = rng.choice(shared, shared - 2 * ids, replace=False)
    for place, person in enumerate(short):  # half of them as long as papers print, but not as long as is needed
        low, high = ((PRINTED, ELIGIBLE), (5, PRINTED))[place % 2]
        lengths[rng.integers(2), person] = rng.integers(low, high)
    crowd = (FIRST, FIRST + shared)
    views = []
    for row, camera in zip(lengths.tolist(), CAMERAS, strict=True):
        views.append([PersonView(i + 1, TrackletSpec(FIRST + i, camera, 0, row[i], crowd)) for i in range(shared)])
    for view, camera, share in zip(views, CAMERAS, (1 / 9, 1 / 3), strict=True):
        first = FIRST_STRANGER + 1000 * camera  # other identities in each camera
        for i in range(max(1, round(share * shared))):
            spec = TrackletSpec(first + i, camera, 0, int(rng.integers(5, 50)), crowd)
            view.append(PersonView(SHARED + 1 + i, spec))
    eligible = [i + 1 for i in range(shared) if lengths[:, i].min() >= ELIGIBLE]
    files = {LISTS: _draw_lists(rng, eligible)}
    both = zip(CAMERA_FOLDERS, views, strict=True)
    jobs = [Job(seen.spec, _name_frames(folder, seen)) for folder, view in both for seen in view]
    counts = count_views(views, shared, len(eligible)) | {
        f"persons_of_{PRINTED}_frames_or_more_in_both": int((lengths.min(axis=0) >= PRINTED).sum()),
        f"persons_of_{ELIGIBLE}_frames_or_more_in_both": len(eligible),
    }
    return Plan("prid2011", world, tuple(jobs), files, counts)


def _name_frames(folder: str, seen: PersonView) -> tuple[str, ...]:
    numbers = range(1, seen.spec.frames + 1)
    return tuple(f"{folder}/{name_person(seen.number)}/{number:04d}.png" for number in numbers)


def _draw_lists(rng: np.random.Generator, persons: Sequence[int]) -> bytes:
    """Ten random halves as lists of folder names."""
    splits = []
    for _ in range(SPLITS):
        names = [name_person(number) for number in rng.permutation(persons).tolist()]
        middle = len(names) // 2
        splits.append({"test": sorted(names[:middle]), "train": sorted(names[middle:])})
    return json.dumps(splits).encode()
