"""A twin of the MARS data set: its directories, file names and index files, with synthetic people in them."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from vreid_bench.system.errors import InputError

from .matlab import matlab
from .plan import Job, Plan
from .population import FALSE_DETECTIONS, TEST, TRAIN, WALKERS, draw_length, draw_pids, draw_sightings
from .tracklet import TrackletSpec
from .world import World
from .writer import write_tree

JUNK, DISTRACTOR = -1, 0  # pids of the index files
STRANGERS = {JUNK: (0.07, FALSE_DETECTIONS), DISTRACTOR: (0.25, WALKERS)}  # share of the test rows, first identity
SHORT = (1, 2, 3, 4, 6)  # frames of a few test tracklets, shorter than a clip


@dataclass(frozen=True)
class Row:
    """One row of an index file."""

    pid: int
    spec: TrackletSpec

    @property
    def order(self) -> tuple[int, int, int]:
        """Rows follow the names of directories (00-1, 0000, 0001, ...), then camera, then tracklet."""
        return (self.pid, self.spec.camera, self.spec.take)

    def paths(self, folder: str) -> tuple[str, ...]:
        """Paths of the frames; camera, tracklet and frame are counted from 1."""
        person = "00-1" if self.pid == JUNK else f"{self.pid:04d}"
        stem = f"{folder}/{person}/{person}C{self.spec.camera + 1}T{self.spec.take + 1:04d}F"
        return tuple(f"{stem}{frame:03d}.jpg" for frame in range(1, self.spec.frames + 1))


def write_mars(  # noqa: PLR0913 - what a user may want to change, each by name
    root: Path,
    *,
    ids: int = 60,
    cameras: int | None = None,
    size: tuple[int, int] | None = None,
    seed: int | None = None,
    world: World | None = None,
    workers: int | None = None,
    progress: bool = True,
) -> None:
    """Write a synthetic twin of MARS with `ids` train and as many test identities to `root`.

    `cameras`, `size` (height, width in px) and `seed` override those of `world`, by default 6 cameras, 64 x 32 and
    seed 0. The default twin has 19,129 frames: 323 train and 504 test tracklets, 165 of them queries, 126 distractors,
    35 junk. Two cores that others use too render it in 26 s; a small network trains on it and is tested in a minute.
    A killed run continues when it is called again.
    """
    world = world or World.appearance()
    height, width = size or (world.height, world.width)
    cameras = world.cameras if cameras is None else cameras
    seed = world.seed if seed is None else seed
    world = replace(world, height=height, width=width, cameras=cameras, seed=seed)
    write_tree(Path(root), plan_mars(world, ids), workers=workers, progress=progress)


def plan_mars(world: World, ids: int = 60) -> Plan:
    """The tracklets, names and index files of a MARS twin; the plan's hash tells twins apart."""
    if not 2 <= ids <= 1999 or not 2 <= world.cameras <= 9:
        raise InputError(
            f"a MARS twin has 2 to 1999 identities and 2 to 9 cameras, not {ids} and {world.cameras}: "
            "its file names have four digits for the one and one for the other"
        )
    train_pids, test_pids = draw_pids(world, ids)
    train = sorted(_people(world, train_pids, TRAIN, max(1, ids // 100)), key=lambda row: row.order)
    test = _test_rows(world, test_pids)
    queries = _queries(world, test)
    jobs = [Job(row.spec, row.paths("bbox_train")) for row in train]
    jobs += [Job(row.spec, row.paths("bbox_test")) for row in test]
    files = {
        "info/train_name.txt": _names(jobs[: len(train)]),
        "info/test_name.txt": _names(jobs[len(train) :]),
        "info/tracks_train_info.mat": matlab("track_train_info", _ranges(train)),
        "info/tracks_test_info.mat": matlab("track_test_info", _ranges(test)),
        "info/query_IDX.mat": matlab("query_IDX", np.array([queries], np.uint16)),
    }
    return Plan("mars", world, tuple(jobs), files, _counts(train, test, queries))


def _people(world: World, pids: Sequence[int], first: int, lonely: int) -> list[Row]:
    """The tracklets of some identities, of which the last `lonely` are seen by one camera only."""
    crowd = (first, first + len(pids))
    return [
        Row(pid, spec)
        for number, pid in enumerate(pids)
        for spec in draw_sightings(world, first + number, crowd, alone=number >= len(pids) - lonely)
    ]


def _test_rows(world: World, pids: Sequence[int]) -> list[Row]:
    """People, a few of them for less than a clip, then distractors and junk in proportion; in index order."""
    rows = _people(world, pids, TEST, len(pids) // 60)
    for place, frames in zip(range(7, len(rows), max(8, len(rows) // len(SHORT))), SHORT, strict=False):
        rows[place] = replace(rows[place], spec=replace(rows[place].spec, frames=frames))
    whole = len(rows) / (1 - sum(share for share, _ in STRANGERS.values()))
    for pid, (share, first) in STRANGERS.items():
        rows += _strangers(world, pid, range(first, first + max(1, round(share * whole))), (TEST, TEST + len(pids)))
    return sorted(rows, key=lambda row: row.order)


def _strangers(world: World, pid: int, identities: range, crowd: tuple[int, int]) -> list[Row]:
    """One tracklet of each stranger: walkers nobody asks for, or false and badly cut detections."""
    rng = world.stream("strangers", identities[0])
    takes: defaultdict[int, int] = defaultdict(int)  # tracklets so far by camera: all strangers share one directory
    rows = []
    for identity in identities:
        camera = int(rng.integers(world.cameras))
        spec = TrackletSpec(identity, camera, takes[camera], draw_length(world, rng), crowd, junk=pid == JUNK)
        takes[camera] += 1
        rows.append(Row(pid, spec))
    return rows


def _queries(world: World, rows: Sequence[Row]) -> list[int]:
    """1-based rows, ascending: one random tracklet for each person and camera.

    As in the original, a person seen by one camera only has nothing to match and is no query.
    """
    places: defaultdict[tuple[int, int], list[int]] = defaultdict(list)
    cameras: defaultdict[int, set[int]] = defaultdict(set)
    for place, row in enumerate(rows, start=1):
        if row.pid > DISTRACTOR:
            places[row.pid, row.spec.camera].append(place)
            cameras[row.pid].add(row.spec.camera)
    rng = world.stream("queries")
    return sorted(int(rng.choice(choice)) for (pid, _), choice in places.items() if len(cameras[pid]) > 1)


def _names(jobs: Iterable[Job]) -> bytes:
    return "".join(f"{Path(path).name}\n" for job in jobs for path in job.paths).encode()


def _ranges(rows: Sequence[Row]) -> np.ndarray:
    """Index rows [tracklets, 4]: first and last line of the names file (1-based, inclusive), pid, camera."""
    last = np.cumsum([row.spec.frames for row in rows])
    first = last - [row.spec.frames for row in rows] + 1
    people = [[row.pid for row in rows], [row.spec.camera + 1 for row in rows]]
    return np.stack([first, last, *people], axis=1).astype(np.int32)


def _counts(train: Sequence[Row], test: Sequence[Row], queries: Sequence[int]) -> dict[str, int]:
    return {
        "cameras": len({row.spec.camera for row in [*train, *test]}),
        "distractors": sum(row.pid == DISTRACTOR for row in test),
        "junk": sum(row.pid == JUNK for row in test),
        "queries": len(queries),
        "query_identities": len({test[place - 1].pid for place in queries}),
        "test_frames": sum(row.spec.frames for row in test),
        "test_identities": len({row.pid for row in test if row.pid > DISTRACTOR}),
        "test_tracklets": len(test),
        "train_frames": sum(row.spec.frames for row in train),
        "train_identities": len({row.pid for row in train}),
        "train_tracklets": len(train),
    }
