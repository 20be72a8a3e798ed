"""A twin of AG-VPReID: its folders, file names and tables, with synthetic people before cameras of three platforms."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from vreid_plugins.datasets.ag_vpreid.attributes import COLUMNS, ID
from vreid_plugins.datasets.ag_vpreid.index import LAYOUT
from vreid_plugins.datasets.ag_vpreid.names import PLATFORMS
from vreid_plugins.datasets.case_folders import name_part
from vreid_plugins.synthetic import Job, Plan, TrackletSpec, World, check_size, count_parts
from vreid_plugins.synthetic.population import draw_length, draw_pids

# numbers of identities and cameras that no other twin has
TRAIN, TEST, FIRST_CAMERA = 800_000, 810_000, 800
CAMERAS = len(PLATFORMS)
GROUND, AERIAL = (0, 1, 2, 3), (4, 5)
PEOPLE = (100, 180)  # to train on, to test on
STRANGERS = 3  # for one person of the gallery from the air who is nowhere else, so many people are tested
SEEN = 2  # tracklets of somebody from the ground, and from the air
CODES = 13  # of an attribute


@dataclass(frozen=True)
class Row:
    """One tracklet of a person."""

    person: int  # as the folder has it, from 0
    number: int  # of the tracklet, among all
    start: int  # number of its first frame
    spec: TrackletSpec

    @property
    def pid(self) -> int:
        """The person whom a reader must find."""
        return self.person + 1

    @property
    def camera(self) -> int:
        """The number of its camera in the names."""
        return self.spec.camera - FIRST_CAMERA

    def job(self, folder: str) -> Job:
        """What is to be rendered; the person of a day is not the person of the folder."""
        session, altitude = 1 + self.number % 2, self.number % 4
        stem = f"P{self.person % 97}T231017{session}A{altitude}C{self.camera}E{self.number}K{self.number % 9}F"
        names = (f"{stem}{self.start + frame}.jpg" for frame in range(self.spec.frames))
        return Job(self.spec, tuple(f"{folder}/{self.person}/tracklet_{self.number}/{name}" for name in names))


def plan(world: World | None = None, ids: int | None = None) -> Plan:
    """The tree of a twin with `ids` people to train on and as many to test on; without a number, PEOPLE of them.

    Each side of the second case is that of the first with the roles swapped, and its gallery has strangers besides, as
    in the original. Altitude and the attributes of the tables are labels alone. Frames are numbered across 9, 99 or
    999, where the order of texts is another than that of numbers.
    """
    world = world or World.appearance(cameras=CAMERAS, typical_frames=10)
    trained, tested = PEOPLE if ids is None else (ids, ids)
    check_size("an AG-VPReID twin", trained, range(2, 2000), world, range(CAMERAS, CAMERAS + 1))
    train_pids, test_pids = draw_pids(world, trained, tested)
    last = max(*train_pids, *test_pids)
    strangers = [last + number for number in range(1, 1 + -(-tested // STRANGERS))]
    people = {"train": [0, *(pid for pid in train_pids[1:])], "test": test_pids, "strangers": strangers}
    firsts = {"train": TRAIN, "test": TEST, "strangers": TEST + tested}
    crowd = (TEST, TEST + tested + len(strangers))
    rows: dict[str, list[Row]] = {}
    for part, pids in people.items():
        among = (TRAIN, TRAIN + trained) if part == "train" else crowd
        for platform, cameras in (("aerial", AERIAL), ("ground", GROUND)):
            rows[f"{part} {platform}"] = _draw_rows(world, firsts[part], pids, cameras, among)
    parts = {
        "train": _sort([*rows["train aerial"], *rows["train ground"]]),
        "case1 query": rows["test aerial"],
        "case1 gallery": rows["test ground"],
        "case2 query": rows["test ground"],
        "case2 gallery": _sort([*rows["test aerial"], *rows["strangers aerial"]]),
    }
    jobs = [row.job(LAYOUT.folders[part]) for part, each in parts.items() for row in each]
    tables = {f"attributes/{LAYOUT.folders[part]}.csv": _list_people(world, each) for part, each in parts.items()}
    return Plan("ag-vpreid", world, tuple(jobs), tables, _count(parts))


def _draw_rows(
    world: World, first: int, pids: Sequence[int], cameras: Sequence[int], crowd: tuple[int, int]
) -> list[Row]:
    """One to SEEN + 1 tracklets of each person before these cameras, in the order that a reader must find."""
    rows = []
    for place, pid in enumerate(pids):
        rng = world.stream("ag-vpreid sightings", first + place, cameras[0])
        for take in range(SEEN - 1 + int(rng.integers(3))):
            camera = FIRST_CAMERA + int(rng.choice(cameras))
            spec = TrackletSpec(first + place, camera, take, draw_length(world, rng), crowd)
            number = 10 * (first + place) + 5 * (cameras == AERIAL) + take
            rows.append(Row(pid, number, int(rng.choice((1, 5, 95, 995, 9993))), spec))
    return rows


def _sort(rows: Sequence[Row]) -> list[Row]:
    return sorted(rows, key=lambda row: (row.person, row.number))


def _list_people(world: World, rows: Sequence[Row]) -> bytes:
    """The table of a part: the same attributes of a person everywhere."""
    lines = [",".join((ID, *COLUMNS))]
    for person in dict.fromkeys(row.person for row in rows):
        codes: list[int] = world.stream("ag-vpreid attributes", person).integers(0, CODES, len(COLUMNS)).tolist()
        lines.append(",".join(map(str, [person, codes[0] % 3, *codes[1:]])))
    return "".join(f"{line}\n" for line in lines).encode()


def _count(parts: Mapping[str, Sequence[Row]]) -> dict[str, int]:
    every = [row for rows in parts.values() for row in rows]
    counts = count_parts(parts, len({row.camera for row in every}))
    for case in LAYOUT.cases:
        known = {row.person for row in parts[name_part(case, "gallery")]}
        counts[f"queries_without_a_match,_{case}"] = sum(
            row.person not in known for row in parts[name_part(case, "query")]
        )
    cameras = np.bincount([row.camera for row in every], minlength=CAMERAS)
    for platform in dict.fromkeys(PLATFORMS.values()):
        chosen = [camera for camera, name in PLATFORMS.items() if name == platform]
        counts[f"tracklets_of_platform_{platform}"] = int(cameras[chosen].sum())
    return counts
