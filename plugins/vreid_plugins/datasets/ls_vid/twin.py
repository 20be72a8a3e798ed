"""A twin of LS-VID: its lists, query file, folders and file names, with synthetic people."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from vreid_plugins.datasets.ls_vid.index import CAMERAS, FRAMES, LISTS
from vreid_plugins.datasets.ls_vid.query_file import QUERY_FILE, encode_query_file
from vreid_plugins.synthetic import Job, Plan, TrackletSpec, World, check_size, count_parts
from vreid_plugins.synthetic.population import draw_cameras, draw_length, shorten

# numbers of identities and cameras that no other twin has
FIRST = {"train": 300_000, "val": 310_000, "test": 320_000}
FIRST_CAMERA = 300
PEOPLE = {"train": 120, "val": 30, "test": 300}
SHORT = {"train": (3, 9), "val": (), "test": (1, 2, 3, 5, 6)}


@dataclass(frozen=True)
class Row:
    """One line of a list."""

    pid: int
    spec: TrackletSpec

    def stem(self, part: str) -> str:
        """What the paths of its frames begin with. Cameras have one or two digits, so one may begin with another."""
        camera = self.spec.camera - FIRST_CAMERA + 1
        return f"{FRAMES[part]}/{self.pid:04d}/{self.pid:04d}_{self.spec.take + 1}_{camera}"

    def paths(self, part: str) -> tuple[str, ...]:
        """Paths of the frames."""
        return tuple(f"{self.stem(part)}_{frame:04d}.jpg" for frame in range(1, self.spec.frames + 1))


def plan(world: World | None = None, ids: int | None = None) -> Plan:
    """The tree of a twin with `ids` people to train on, as many to test on, and a quarter as many to validate on.

    Without a number there are PEOPLE of them.

    Tracklets are longer than in the other twins, but many of them still have fewer than 48 frames.
    """
    world = world or World.appearance(cameras=CAMERAS, typical_frames=25)
    sizes = PEOPLE if ids is None else {"train": ids, "val": max(1, ids // 4), "test": ids}
    check_size("an LS-VID twin", sizes["train"], range(2, 2000), world, range(2, CAMERAS + 1))
    pids = world.stream("ls-vid pids", *sizes.values()).permutation(np.arange(1, sum(sizes.values()) + 1)).tolist()
    parts, taken = {}, 0
    for part, size in sizes.items():
        parts[part] = _draw_rows(world, part, sorted(pids[taken : taken + size]))
        taken += size
    queries = _choose_queries(world, parts["test"])
    jobs = [Job(row.spec, row.paths(part)) for part, rows in parts.items() for row in rows]
    files = {
        LISTS[part]: "".join(f"{row.stem(part)} {row.pid}\n" for row in rows).encode() for part, rows in parts.items()
    }
    files[QUERY_FILE] = encode_query_file(queries)
    return Plan("ls-vid", world, tuple(jobs), files, _count(parts, queries))


def _draw_rows(world: World, part: str, pids: Sequence[int]) -> list[Row]:
    """The tracklets of people in 2 to 4 cameras, of every twentieth tested in one camera; in order of the list."""
    crowd, found = (FIRST[part], FIRST[part] + len(pids)), []
    for number, pid in enumerate(pids):
        identity = FIRST[part] + number
        rng = world.stream("ls-vid sightings", identity)
        seen = 1 if part == "test" and number % 20 == 19 else int(rng.choice([2, 3, 4], p=[0.45, 0.35, 0.2]))
        for camera in draw_cameras(world, rng, seen):
            for take in range(int(rng.choice([1, 2], p=[0.7, 0.3]))):
                length = draw_length(world, rng)
                found.append(Row(pid, TrackletSpec(identity, FIRST_CAMERA + camera, take, length, crowd)))
    specs = shorten([row.spec for row in found], SHORT[part])
    return [replace(row, spec=spec) for row, spec in zip(found, specs, strict=True)]


def _choose_queries(world: World, rows: Sequence[Row]) -> list[int]:
    """1-based rows, ascending: one or two tracklets of everybody whom another camera saw, of different cameras."""
    places: defaultdict[int, dict[int, int]] = defaultdict(dict)
    for place, row in enumerate(rows, start=1):
        places[row.pid].setdefault(row.spec.camera, place)
    rng = world.stream("ls-vid queries")
    chosen = []
    for cameras in places.values():
        if len(cameras) > 1:
            number = int(rng.choice([1, 2], p=[0.7, 0.3]))
            chosen += rng.choice(list(cameras.values()), number, replace=False).tolist()
    return sorted(chosen)


def _count(parts: dict[str, list[Row]], queries: Sequence[int]) -> dict[str, int]:
    test, asked = parts["test"], set(queries)
    left = [row for place, row in enumerate(test, start=1) if place not in asked]
    people, sightings = Counter(r.pid for r in left), Counter((r.pid, r.spec.camera) for r in left)
    lost = [people[test[q - 1].pid] == sightings[test[q - 1].pid, test[q - 1].spec.camera] for q in queries]
    own = {
        "train_tracklets_under_48_frames": sum(row.spec.frames < 48 for row in parts["train"]),
        "junk": 0,
        "queries": len(queries),
        "query_identities": len({test[place - 1].pid for place in queries}),
        "queries_without_a_match,_queries_in_the_gallery": 0,
        "queries_without_a_match,_queries_out_of_the_gallery": sum(lost),
    }
    return count_parts(parts, len({row.spec.camera for rows in parts.values() for row in rows})) | own
