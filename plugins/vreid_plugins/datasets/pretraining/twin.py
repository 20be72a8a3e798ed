"""The tree of `pretraining`: many people, each seen shortly by a few of many cameras, listed in `tracklets.csv`."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from vreid_plugins.datasets.tracklets.index import COLUMNS, LIST
from vreid_plugins.synthetic import Job, Plan, TrackletSpec, World, check_size, count_parts
from vreid_plugins.synthetic.population import draw_cameras

NAME = "pretraining"
# Nobody and nothing of it is in a twin. Their worlds have seed 0; numbers of identities and cameras that no twin has
# keep it so for every other seed.
SEED, TRAIN, TEST, FIRST_CAMERA = 15, 500_000, 510_000, 500
SIGHTINGS = 4  # cameras that see a person, one tracklet each
HELD_OUT = 6  # people trained on for each who is not, and shows whether the encoder tells strangers apart


@dataclass(frozen=True)
class Row:
    """One tracklet, a row of the list."""

    split: str
    pid: int
    spec: TrackletSpec

    @property
    def folder(self) -> str:
        """Where its frames are."""
        return f"{self.split}/{self.pid:04d}/c{self.camid:02d}"

    @property
    def camid(self) -> int:
        """The camera, counted from 1."""
        return self.spec.camera - FIRST_CAMERA + 1

    @property
    def job(self) -> Job:
        """What is rendered for it."""
        return Job(self.spec, tuple(f"{self.folder}/{frame:03d}.jpg" for frame in range(1, self.spec.frames + 1)))

    @property
    def line(self) -> str:
        """Its line of the list."""
        return f"{self.split},{self.pid},{self.camid},{self.folder}\n"


def plan(world: World | None = None, ids: int = 640) -> Plan:
    """The tree with `ids` people to train on, and a sixth as many others to test on.

    Each is seen by four cameras, for ten frames each; the tracklet of the first camera is the query. The default has
    29,840 frames.
    """
    world = world or World.appearance(name=NAME, seed=SEED, cameras=30, typical_frames=10)
    check_size("the data set pretraining", ids, range(2, 10_000), world, range(2, 100))
    pids = range(1, ids + 1)
    strangers = range(ids + 1, ids + max(2, ids // HELD_OUT) + 1)
    test = [*_draw_people(world, strangers, TEST, ("query", *["gallery"] * (SIGHTINGS - 1)))]
    parts: Mapping[str, Sequence[Row]] = {
        "train": [*_draw_people(world, pids, TRAIN, ["train"] * SIGHTINGS)],
        "query": [row for row in test if row.split == "query"],
        "gallery": [row for row in test if row.split == "gallery"],
    }
    rows = [row for part in parts.values() for row in part]
    lines = "".join([",".join(COLUMNS) + "\n", *(row.line for row in rows)])
    counts = count_parts(parts, len({row.camid for row in rows}))
    return Plan(NAME, world, tuple(row.job for row in rows), {LIST: lines.encode()}, counts)


def _draw_people(world: World, pids: Sequence[int], first: int, splits: Sequence[str]) -> Iterator[Row]:
    """A tracklet in each of the cameras that see a person; `splits` says in which part each of them is."""
    crowd = (first, first + len(pids))
    for identity, pid in enumerate(pids, first):
        cameras = draw_cameras(world, world.stream("pretraining sightings", identity), SIGHTINGS)
        for camera, split in zip(cameras, splits, strict=False):  # a small world may have fewer cameras
            yield Row(split, pid, TrackletSpec(identity, FIRST_CAMERA + camera, 0, world.typical_frames, crowd))
