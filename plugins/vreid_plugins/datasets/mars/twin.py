"""A twin of MARS: its folders, file names and index files, with synthetic people."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from vreid_bench import DISTRACTOR, JUNK
from vreid_plugins.datasets.mars.index import FILES, QUERY_FILE, QUERY_KEY
from vreid_plugins.datasets.mars.names import CAMERAS
from vreid_plugins.datasets.matlab import encode_matrix
from vreid_plugins.synthetic import Job, Plan, TrackletSpec, World, check_size
from vreid_plugins.synthetic.population import draw_cameras, draw_length, draw_pids, shorten

# numbers of identities that no other twin has; far apart, so that more people of one kind change no others
TRAIN, TEST, WALKERS, FALSE_DETECTIONS, UNLABELLED = 0, 10_000, 20_000, 30_000, 40_000
STRANGERS = {JUNK: (0.07, FALSE_DETECTIONS), DISTRACTOR: (0.25, WALKERS)}  # share of the test rows, first identity
PEOPLE = (120, 360)  # to train on, to test on: with these, the interval of an mAP is 3 points to each side
SHORT = (1, 2, 3, 4, 6)  # frames of a few test tracklets, shorter than a clip


@dataclass(frozen=True)
class Row:
    """One row of an index file."""

    pid: int
    spec: TrackletSpec
    first_camera: int = 0  # of this twin, among those of the renderer

    @property
    def camera(self) -> int:
        """The number of its camera in the layout."""
        return self.spec.camera - self.first_camera + 1

    @property
    def order(self) -> tuple[int, int, int]:
        """Rows follow the names of directories (00-1, 0000, 0001, ...), then camera, then tracklet."""
        return (self.pid, self.spec.camera, self.spec.take)

    def paths(self, folder: str) -> tuple[str, ...]:
        """Paths of the frames; camera, tracklet and frame are counted from 1."""
        person = "00-1" if self.pid == JUNK else f"{self.pid:04d}"
        stem = f"{folder}/{person}/{person}C{self.camera}T{self.spec.take + 1:04d}F"
        return tuple(f"{stem}{frame:03d}.jpg" for frame in range(1, self.spec.frames + 1))


def plan(world: World | None = None, ids: int | None = None, unlabelled: int = 0) -> Plan:
    """The tree of a twin with `ids` people to train on and as many to test on; without a number, PEOPLE of them.

    unlabelled: tracklets of other people in the training part, without a label: pid 0, one tracklet of each.

    The default has 19,129 frames: 323 train and 504 test tracklets, 165 of them queries, 126 distractors, 35 junk. Two
    busy cores render it in 26 s; a small network trains on it and is tested in a minute.
    """
    world = world or World.appearance(typical_frames=12)
    trained, tested = PEOPLE if ids is None else (ids, ids)
    check_size("a MARS twin", trained, range(2, 2000), world, range(2, CAMERAS + 1))
    train_pids, test_pids = draw_pids(world, trained, tested)
    people = _draw_people(world, train_pids, TRAIN, max(1, trained // 100))
    others = range(UNLABELLED, UNLABELLED + unlabelled)
    strangers = _draw_strangers(world, DISTRACTOR, others, (TRAIN, TRAIN + trained)) if unlabelled else []
    train = sorted(people + strangers, key=lambda row: row.order)
    test = _draw_test(world, test_pids)
    queries = _choose_queries(world, test)
    return plan_files("mars", world, train, test, queries, _count(train, test, queries))


def plan_files(
    layout: str, world: World, train: Sequence[Row], test: Sequence[Row], queries: Sequence[int], counts: dict[str, int]
) -> Plan:
    """The plan of a tree in the layout of MARS: `queries` are rows of `test` counted from 1."""
    jobs = {
        part: [Job(row.spec, row.paths(FILES[part].frames)) for row in rows]
        for part, rows in (("train", train), ("test", test))
    }
    files = {FILES[part].names: _list_names(jobs[part]) for part in FILES}
    for part, rows in (("train", train), ("test", test)):
        files[FILES[part].tracks] = encode_matrix(FILES[part].key, _make_index(rows))
    files[QUERY_FILE] = encode_matrix(QUERY_KEY, np.array([queries], np.uint16))
    return Plan(layout, world, (*jobs["train"], *jobs["test"]), files, counts)


def _draw_people(world: World, pids: Sequence[int], first: int, lonely: int) -> list[Row]:
    """The tracklets of some identities, of which the last `lonely` are seen by one camera only."""
    crowd = (first, first + len(pids))
    return [
        Row(pid, spec)
        for number, pid in enumerate(pids)
        for spec in _draw_sightings(world, first + number, crowd, alone=number >= len(pids) - lonely)
    ]


def _draw_sightings(world: World, identity: int, crowd: tuple[int, int], alone: bool = False) -> list[TrackletSpec]:
    """The tracklets of an identity: 1 to 3 in each of 2 to 4 cameras, or in one camera if `alone`."""
    rng = world.stream("sightings", identity)
    cameras = draw_cameras(world, rng, 1 if alone else int(rng.choice([2, 3, 4], p=[0.4, 0.35, 0.25])))
    takes = rng.choice([1, 2, 3], len(cameras), p=[0.28, 0.40, 0.32]).tolist()
    return [
        TrackletSpec(identity, camera, take, draw_length(world, rng), crowd)
        for camera, count in zip(cameras, takes, strict=True)
        for take in range(count)
    ]


def _draw_test(world: World, pids: Sequence[int]) -> list[Row]:
    """People, a few of them for less than a clip, then distractors and junk in proportion; in index order."""
    rows = _draw_people(world, pids, TEST, len(pids) // 60)
    specs = shorten([row.spec for row in rows], SHORT)
    rows = [replace(row, spec=spec) for row, spec in zip(rows, specs, strict=True)]
    whole = len(rows) / (1 - sum(share for share, _ in STRANGERS.values()))
    for pid, (share, first) in STRANGERS.items():
        rows += _draw_strangers(
            world, pid, range(first, first + max(1, round(share * whole))), (TEST, TEST + len(pids))
        )
    return sorted(rows, key=lambda row: row.order)


def _draw_strangers(world: World, pid: int, identities: range, crowd: tuple[int, int]) -> list[Row]:
    """One tracklet of each stranger: people whom no query shows, or false and badly cut detections."""
    rng = world.stream("strangers", identities[0])
    takes: defaultdict[int, int] = defaultdict(int)  # tracklets so far by camera: all strangers share one directory
    rows = []
    for identity in identities:
        camera = int(rng.integers(world.cameras))
        spec = TrackletSpec(identity, camera, takes[camera], draw_length(world, rng), crowd, junk=pid == JUNK)
        takes[camera] += 1
        rows.append(Row(pid, spec))
    return rows


def _choose_queries(world: World, rows: Sequence[Row]) -> list[int]:
    """1-based rows, ascending: one random tracklet for each person and camera.

    As in the original, a person seen by only one camera has no match and is not a query.
    """
    places: defaultdict[tuple[int, int], list[int]] = defaultdict(list)
    cameras: defaultdict[int, set[int]] = defaultdict(set)
    for place, row in enumerate(rows, start=1):
        if row.pid > DISTRACTOR:
            places[row.pid, row.spec.camera].append(place)
            cameras[row.pid].add(row.spec.camera)
    rng = world.stream("queries")
    return sorted(int(rng.choice(choice)) for (pid, _), choice in places.items() if len(cameras[pid]) > 1)


def _list_names(jobs: Iterable[Job]) -> bytes:
    return "".join(f"{Path(path).name}\n" for job in jobs for path in job.paths).encode()


def _make_index(rows: Sequence[Row]) -> np.ndarray:
    """Index rows [tracklets, 4]: first and last line of the names file (1-based, inclusive), pid, camera."""
    last = np.cumsum([row.spec.frames for row in rows])
    first = last - [row.spec.frames for row in rows] + 1
    people = [[row.pid for row in rows], [row.camera for row in rows]]
    return np.stack([first, last, *people], axis=1).astype(np.int32)


def _count(train: Sequence[Row], test: Sequence[Row], queries: Sequence[int]) -> dict[str, int]:
    unlabelled = sum(row.pid == DISTRACTOR for row in train)
    counts = {
        "cameras": len({row.spec.camera for row in [*train, *test]}),
        "distractors": sum(row.pid == DISTRACTOR for row in test),
        "junk": sum(row.pid == JUNK for row in test),
        "queries": len(queries),
        "query_identities": len({test[place - 1].pid for place in queries}),
        "test_frames": sum(row.spec.frames for row in test),
        "test_identities": len({row.pid for row in test if row.pid > DISTRACTOR}),
        "test_tracklets": len(test),
        "train_frames": sum(row.spec.frames for row in train),
        "train_identities": len({row.pid for row in train if row.pid > DISTRACTOR}),
        "train_tracklets": len(train),
    }
    return counts | ({"unlabelled_train_tracklets": unlabelled} if unlabelled else {})
