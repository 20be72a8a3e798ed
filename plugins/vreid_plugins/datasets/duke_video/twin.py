"""A twin of DukeMTMC-VideoReID: its folders and file names, with synthetic people."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from vreid_plugins.datasets.duke_video.index import CAMERAS
from vreid_plugins.synthetic import Job, Plan, TrackletSpec, World, check_size, count_parts
from vreid_plugins.synthetic.population import draw_cameras, draw_length, draw_pids, shorten

# numbers of identities and cameras that no other twin has
TRAIN, TEST, DISTRACTORS, FIRST_CAMERA = 200_000, 210_000, 220_000, 200
SHARE = 408 / 702  # number of distractors by number of people to search for
PEOPLE = (120, 300)  # to train on, to search for
SHORT = (1, 2, 3, 5, 6)
STEP = 12  # frames of the camera from one frame of a tracklet to the next


@dataclass(frozen=True)
class Row:
    """One tracklet, and how its folder and files are named."""

    pid: int
    spec: TrackletSpec
    folder: int  # number of the tracklet
    first: int  # number of its first frame: some tracklets begin with 2
    moment: int  # frame of the camera

    def paths(self, part: str) -> tuple[str, ...]:
        """Paths of the frames in `train`, `query` or `gallery`."""
        person, camera = f"{self.pid:04d}", self.spec.camera - FIRST_CAMERA + 1
        stem = f"{part}/{person}/{self.folder:04d}/{person}_C{camera}_F"
        numbers = range(self.first, self.first + self.spec.frames)
        return tuple(f"{stem}{n:04d}_X{self.moment + STEP * i}.jpg" for i, n in enumerate(numbers))


def plan(world: World | None = None, ids: int | None = None) -> Plan:
    """The tree of a twin with `ids` people to train on, as many to search for, and distractors of one camera.

    Without a number there are PEOPLE of them.

    Every person to search for has one query, which the gallery holds too.
    """
    world = world or World.appearance(cameras=CAMERAS, typical_frames=12)
    trained, tested = PEOPLE if ids is None else (ids, ids)
    check_size("a twin of DukeMTMC-VideoReID", trained, range(2, 2000), world, range(2, CAMERAS + 1))
    strangers = max(1, round(SHARE * tested))
    train_pids, test_pids = draw_pids(world, trained, tested)
    free = sorted(set(range(1, 5 * (trained + tested) // 2 + strangers + 1)) - {*train_pids, *test_pids})
    alone = sorted(world.stream("duke distractors", trained, tested).choice(free, strangers, replace=False).tolist())
    train = _name_rows(world, "train", [*_draw_sightings(world, TRAIN, train_pids)])
    found = [*_draw_sightings(world, TEST, test_pids), *_draw_sightings(world, DISTRACTORS, alone, alone=True)]
    gallery = _name_rows(world, "gallery", found)
    query = _choose_queries(world, gallery, test_pids)
    parts = {"train": train, "query": query, "gallery": gallery}
    jobs = [Job(row.spec, row.paths(part)) for part, rows in parts.items() for row in rows]
    return Plan("duke-video", world, tuple(jobs), {}, _count(parts))


def _draw_sightings(
    world: World, first: int, pids: Sequence[int], alone: bool = False
) -> Iterator[tuple[int, TrackletSpec]]:
    """Pids and tracklets of people in 2 to 5 cameras, hardly ever twice in one; or in one camera, if `alone`."""
    crowd = (first, first + len(pids))
    for number, pid in enumerate(pids, start=first):
        rng = world.stream("duke sightings", number)
        seen = 1 if alone else int(rng.choice([2, 3, 4, 5], p=[0.5, 0.25, 0.15, 0.1]))
        for camera in draw_cameras(world, rng, seen):
            for take in range(int(rng.choice([1, 2], p=[0.9, 0.1]))):
                yield pid, TrackletSpec(number, FIRST_CAMERA + camera, take, draw_length(world, rng), crowd)


def _name_rows(world: World, part: str, found: Sequence[tuple[int, TrackletSpec]]) -> list[Row]:
    """The tracklets of one part in order of person, named; a few of them very short."""
    rng = world.stream("duke names", len(found), len(part))
    ordered = sorted(found, key=lambda row: (row[0], row[1].camera, row[1].take))
    specs = shorten([spec for _, spec in ordered], SHORT if part == "gallery" else ())
    return [
        Row(pid, spec, folder, 1 + int(rng.random() < 0.05), int(rng.integers(1_000, 100_000)))
        for folder, ((pid, _), spec) in enumerate(zip(ordered, specs, strict=True), start=1)
    ]


def _choose_queries(world: World, gallery: Sequence[Row], pids: Sequence[int]) -> list[Row]:
    """One random tracklet of each person to search for."""
    rng = world.stream("duke queries")
    rows: dict[int, list[Row]] = {pid: [] for pid in pids}
    for row in gallery:
        if row.pid in rows:
            rows[row.pid].append(row)
    return [replace(each[int(rng.integers(len(each)))]) for each in rows.values()]


def _count(parts: dict[str, list[Row]]) -> dict[str, int]:
    whole = [row for rows in parts.values() for row in rows]
    own = {
        "identities_of_the_gallery_alone": len({r.pid for r in parts["gallery"]} - {r.pid for r in parts["query"]}),
        "queries_without_a_match": 0,
        "tracklets_that_do_not_begin_with_frame_1": sum(row.first != 1 for row in whole),
    }
    return count_parts(parts, len({row.spec.camera for row in whole})) | own
