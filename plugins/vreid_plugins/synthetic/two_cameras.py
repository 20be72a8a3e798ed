"""Twins of iLIDS-VID and PRID2011: their folders, file names and split files, with synthetic people in them."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from vreid_bench.system.errors import InputError

from .matlab import matlab
from .plan import Job, Plan
from .population import ILIDS_VID, PRID2011, PRID2011_SURPLUS
from .tracklet import TrackletSpec
from .world import World
from .writer import write_tree

SPLITS = 10
# Numbers of the cameras in their world: no other layout has these, so that no twin shares a camera with another.
ILIDS_CAMERAS, PRID_CAMERAS = (100, 101), (110, 111)
ELIGIBLE, PRINTED = 27, 21  # frames in both views: what 178 persons of PRID2011 have, and what papers print
SHARED = 200  # persons of PRID2011 in both cameras have the numbers up to this one


@dataclass(frozen=True)
class Seen:
    """One person in one camera."""

    number: int  # in the folder's name
    spec: TrackletSpec
    start: int = 1  # number of the first frame


def write_twin(  # noqa: PLR0913 - what a user may want to change, each by name
    root: Path,
    plan: Callable[..., Plan],
    *,
    ids: int | None = None,
    size: tuple[int, int] | None = None,
    seed: int | None = None,
    world: World | None = None,
    workers: int | None = None,
    progress: bool = True,
) -> None:
    """Write the tree of a `plan` of this module to `root`, with `ids` persons to train on and as many to test on.

    `size` (height, width in px) and `seed` override those of `world`, by default 64 x 32 and seed 0. A killed run
    continues when it is called again.
    """
    world = world or two_cameras()
    height, width = size or (world.height, world.width)
    world = replace(world, height=height, width=width, seed=world.seed if seed is None else seed)
    planned = plan(world) if ids is None else plan(world, ids)
    write_tree(Path(root), planned, workers=workers, progress=progress)


def two_cameras() -> World:
    """The default world, as two cameras see it."""
    return World.appearance(cameras=2)


def plan_ilids_vid(world: World | None = None, ids: int = 50) -> Plan:
    """The tree of an iLIDS-VID twin: `ids` persons in each half, numbered with gaps, 23 to 192 frames in each camera.

    The default has 100 persons, 200 tracklets and 13,812 frames.
    """
    world, persons = world or two_cameras(), 2 * ids
    rng = world.stream("ilids-vid", ids)
    top = persons + max(1, round(persons * 19 / 300))  # the original's 300 persons have numbers up to 319
    if not persons >= 4 or top > 999:
        raise InputError(f"an iLIDS-VID twin has 2 to 469 identities in each half, not {ids}")
    numbers = [*np.sort(rng.choice(np.arange(1, top), persons - 1, replace=False)).tolist(), top]
    crowd = (ILIDS_VID, ILIDS_VID + persons)
    views = []
    for camera in ILIDS_CAMERAS:
        lengths = np.clip(65 * np.exp(rng.normal(0, 0.48, persons)), 23, 192).astype(int).tolist()
        starts = rng.integers(1, 400, persons).tolist()
        specs = [TrackletSpec(ILIDS_VID + i, camera, 0, lengths[i], crowd) for i in range(persons)]
        views.append([Seen(*row) for row in zip(numbers, specs, starts, strict=True)])
    orders = np.stack([rng.permutation(persons) + 1 for _ in range(SPLITS)])  # [10, persons], counted from 1
    file = matlab("ls_set", orders.astype(np.float64))
    files = {"train-test people splits/train_test_splits_ilidsvid.mat": file}
    jobs = [Job(seen.spec, _ilids_paths(camera, seen)) for camera, view in enumerate(views, 1) for seen in view]
    return Plan("ilids-vid", world, tuple(jobs), files, _counts(views, persons, persons))


def plan_prid2011(world: World | None = None, ids: int = 40) -> Plan:
    """The tree of a PRID2011 twin: `ids` persons in each half, others too short for it, and strangers in each camera.

    One in nine persons whom both cameras saw has under 27 frames in one of them. Numbers above 200 are one person in
    camera a and another in camera b. The default has 90 persons in both cameras, 80 of them in the halves, 10 and 30
    strangers, 220 tracklets and 10,963 frames.
    """
    world = world or two_cameras()
    shared = 2 * ids + max(2, round(2 * ids / 8))
    if not ids >= 2 or shared > SHARED:
        raise InputError(f"a PRID2011 twin has 2 to 89 identities in each half, not {ids}")
    rng = world.stream("prid2011", ids)
    lengths = np.clip(50 * np.exp(rng.normal(0, 0.5, (2, shared))), ELIGIBLE, 160).astype(int)  # [cameras, persons]
    short = rng.choice(shared, shared - 2 * ids, replace=False)
    for place, person in enumerate(short):  # half of them as long as papers print, but not as long as is needed
        low, high = ((PRINTED, ELIGIBLE), (5, PRINTED))[place % 2]
        lengths[rng.integers(2), person] = rng.integers(low, high)
    crowd = (PRID2011, PRID2011 + shared)
    views = []
    for row, camera in zip(lengths.tolist(), PRID_CAMERAS, strict=True):
        views.append([Seen(i + 1, TrackletSpec(PRID2011 + i, camera, 0, row[i], crowd)) for i in range(shared)])
    for view, camera, share in zip(views, PRID_CAMERAS, (1 / 9, 1 / 3), strict=True):
        first = PRID2011_SURPLUS + 1000 * camera  # other identities in each camera
        for i in range(max(1, round(share * shared))):
            spec = TrackletSpec(first + i, camera, 0, int(rng.integers(5, 50)), crowd)
            view.append(Seen(SHARED + 1 + i, spec))
    eligible = [i + 1 for i in range(shared) if lengths[:, i].min() >= ELIGIBLE]
    files = {"splits_prid2011.json": _lists(rng, eligible)}
    jobs = [
        Job(seen.spec, _prid_paths(letter, seen)) for letter, view in zip("ab", views, strict=True) for seen in view
    ]
    counts = _counts(views, shared, len(eligible)) | {
        f"persons_of_{PRINTED}_frames_or_more_in_both": int((lengths.min(axis=0) >= PRINTED).sum()),
        f"persons_of_{ELIGIBLE}_frames_or_more_in_both": len(eligible),
    }
    return Plan("prid2011", world, tuple(jobs), files, counts)


def _ilids_paths(camera: int, seen: Seen) -> tuple[str, ...]:
    person = f"person{seen.number:03d}"
    stem = f"i-LIDS-VID/sequences/cam{camera}/{person}/cam{camera}_{person}_"
    return tuple(f"{stem}{number:05d}.png" for number in range(seen.start, seen.start + seen.spec.frames))


def _prid_paths(letter: str, seen: Seen) -> tuple[str, ...]:
    folder = f"prid_2011/multi_shot/cam_{letter}/person_{seen.number:04d}"
    return tuple(f"{folder}/{number:04d}.png" for number in range(1, seen.spec.frames + 1))


def _lists(rng: np.random.Generator, persons: Sequence[int]) -> bytes:
    """Ten random halves as lists of folder names."""
    splits = []
    for _ in range(SPLITS):
        names = [f"person_{number:04d}" for number in rng.permutation(persons)]
        middle = len(names) // 2
        splits.append({"test": sorted(names[:middle]), "train": sorted(names[middle:])})
    return json.dumps(splits).encode()


def _counts(views: Sequence[Sequence[Seen]], shared: int, divided: int) -> dict[str, int]:
    lengths = [seen.spec.frames for view in views for seen in view]
    return {
        "cameras": len(views),
        "persons_of_camera_1": len(views[0]),
        "persons_of_camera_2": len(views[1]),
        "persons_in_both_cameras": shared,
        "tracklets": len(lengths),
        "shortest_tracklet": min(lengths),
        "longest_tracklet": max(lengths),
        "frames": sum(lengths),
        "frames_on_disk": sum(lengths),
        "split_files": 1,
        "splits": SPLITS,
        "train_identities_of_a_split": divided - divided // 2,
        "test_identities_of_a_split": divided // 2,
        "queries_of_a_split": divided // 2,
    }
