"""A twin of LS-VID: its lists, query file, folders and file names, with synthetic people in them."""

import io
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from vreid_bench.system.errors import InputError

from .layout import counted, shortened
from .plan import Job, Plan
from .population import draw_length
from .tracklet import TrackletSpec
from .world import World

# Numbers of identities and cameras that no other layout has: nobody walks through two twins.
FIRST = {"train": 300_000, "val": 310_000, "test": 320_000}
FIRST_CAMERA = 300
SHORT = {"train": (3, 9), "val": (), "test": (1, 2, 3, 5, 6)}
HEADER = 512  # bytes that MATLAB puts before the HDF5 part of its files


@dataclass(frozen=True)
class Row:
    """One line of a list."""

    pid: int
    spec: TrackletSpec

    def stem(self, part: str) -> str:
        """What the paths of its frames begin with. Cameras have one digit or two, so one may begin another's."""
        camera = self.spec.camera - FIRST_CAMERA + 1
        return f"tracklet_{part}/{self.pid:04d}/{self.pid:04d}_{self.spec.take + 1}_{camera}"

    def paths(self, part: str) -> tuple[str, ...]:
        """Paths of the frames."""
        return tuple(f"{self.stem(part)}_{frame:04d}.jpg" for frame in range(1, self.spec.frames + 1))


def plan_ls_vid(world: World | None = None, ids: int = 50) -> Plan:
    """The tree of a twin with `ids` people to train on, as many to test on, and a quarter as many to validate on.

    Tracklets are longer than in the other twins; many of them have fewer than 48 frames all the same.
    """
    world = world or World.appearance(cameras=15, typical_frames=45)
    if not 2 <= ids <= 1999 or not 2 <= world.cameras <= 15:
        raise InputError(f"an LS-VID twin has 2 to 1999 identities and 2 to 15 cameras, not {ids} and {world.cameras}")
    sizes = {"train": ids, "val": max(1, ids // 4), "test": ids}
    pids = world.stream("ls-vid pids", ids).permutation(np.arange(1, sum(sizes.values()) + 1)).tolist()
    parts, taken = {}, 0
    for part, size in sizes.items():
        parts[part] = _rows(world, part, sorted(pids[taken : taken + size]))
        taken += size
    queries = _queries(world, parts["test"])
    jobs = [Job(row.spec, row.paths(part)) for part, rows in parts.items() for row in rows]
    files = {
        f"list_sequence/list_seq_{part}.txt": "".join(f"{row.stem(part)} {row.pid}\n" for row in rows).encode()
        for part, rows in parts.items()
    }
    files["test/data/info_test.mat"] = _matlab("query", np.array([queries], np.float64))
    return Plan("ls-vid", world, tuple(jobs), files, _counts(parts, queries))


def _rows(world: World, part: str, pids: Sequence[int]) -> list[Row]:
    """The tracklets of people in 2 to 4 cameras, of every twentieth tested in one camera; in order of the list."""
    crowd, found = (FIRST[part], FIRST[part] + len(pids)), []
    for number, pid in enumerate(pids):
        identity = FIRST[part] + number
        rng = world.stream("ls-vid sightings", identity)
        seen = 1 if part == "test" and number % 20 == 19 else int(rng.choice([2, 3, 4], p=[0.45, 0.35, 0.2]))
        for camera in np.sort(rng.choice(world.cameras, min(world.cameras, seen), replace=False)).tolist():
            for take in range(int(rng.choice([1, 2], p=[0.7, 0.3]))):
                length = draw_length(world, rng)
                found.append(Row(pid, TrackletSpec(identity, FIRST_CAMERA + camera, take, length, crowd)))
    specs = shortened([row.spec for row in found], SHORT[part])
    return [replace(row, spec=spec) for row, spec in zip(found, specs, strict=True)]


def _queries(world: World, rows: Sequence[Row]) -> list[int]:
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


def _matlab(key: str, values: np.ndarray) -> bytes:
    """A MATLAB 7.3 file: HDF5 behind a header. MATLAB's matrices are transposed in it, and so is `values` [1, N]."""
    import h5py

    buffer = io.BytesIO()
    with h5py.File(buffer, "w", userblock_size=HEADER, libver="earliest", track_order=False) as file:
        file.create_dataset(key, data=values, track_times=False)
    header = b"MATLAB 7.3 MAT-file, written by vreid-bench".ljust(124) + b"\x00\x02IM"
    return header.ljust(HEADER, b"\0") + buffer.getvalue()[HEADER:]


def _counts(parts: dict[str, list[Row]], queries: Sequence[int]) -> dict[str, int]:
    whole = [row for rows in parts.values() for row in rows]
    result = {"cameras": len({row.spec.camera for row in whole})}
    for part, rows in parts.items():
        result |= counted(part, [row.spec for row in rows], len({row.pid for row in rows}))
    test, asked = parts["test"], set(queries)
    left = [row for place, row in enumerate(test, start=1) if place not in asked]
    people, sightings = Counter(r.pid for r in left), Counter((r.pid, r.spec.camera) for r in left)
    lost = [people[test[q - 1].pid] == sightings[test[q - 1].pid, test[q - 1].spec.camera] for q in queries]
    return result | {
        "train_tracklets_under_48_frames": sum(row.spec.frames < 48 for row in parts["train"]),
        "junk": 0,
        "queries": len(queries),
        "query_identities": len({test[place - 1].pid for place in queries}),
        "queries_without_a_match,_queries_in_the_gallery": 0,
        "queries_without_a_match,_queries_out_of_the_gallery": sum(lost),
        "frames_on_disk": sum(row.spec.frames for row in whole),
    }
