"""A twin of MEVID: its lists and file names, with synthetic people who change clothes between indoors and outdoors."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from vreid_plugins.datasets.mevid.index import FRAMES, NAMES, PLACES, QUERY_FILE, SCALE_FILE, TRACKS
from vreid_plugins.synthetic import Job, Plan, TrackletSpec, World, check_size, count_parts
from vreid_plugins.synthetic.identity import CHANGE
from vreid_plugins.synthetic.population import draw_length, draw_pids

# numbers of identities and cameras that no other twin has
TRAIN, TEST, FIRST_CAMERA = 600_000, 610_000, 600
CAMERAS = tuple(sorted(PLACES))  # of the test part, as in the original; the twin trains on the same
PEOPLE = (104, 110)  # to train on, as in the original; to test on, twice as many as there
SHORT = (1, 2, 3, 6)  # frames of a few test tracklets
SEEN = 3  # cameras that see somebody in an outfit


@dataclass(frozen=True)
class Row:
    """One row of an index."""

    pid: int
    outfit: int  # from 0, of this person
    take: int  # from 0, of this person in this outfit
    spec: TrackletSpec

    @property
    def camera(self) -> int:
        """The number of its camera in the original."""
        return CAMERAS[self.spec.camera - FIRST_CAMERA]

    @property
    def stem(self) -> str:
        """What the names of its frames begin with."""
        return f"{self.pid:04d}O{self.outfit + 1:03d}C{self.camera:03d}T{self.take:03d}"

    @property
    def names(self) -> list[str]:
        """The names of its frames, which are counted from 0."""
        return [f"{self.stem}F{frame:05d}.jpg" for frame in range(self.spec.frames)]

    @property
    def scale(self) -> str:
        """`l` or `m`: most cameras see people in one of the two, as in the original."""
        return "lm"[(self.spec.camera + (self.take % 5 == 4)) % 2]

    def job(self, folder: str) -> Job:
        """What is to be rendered."""
        return Job(self.spec, tuple(f"{folder}/{self.pid:04d}/{name}" for name in self.names))


def plan(world: World | None = None, ids: int | None = None) -> Plan:
    """The tree of a twin with `ids` people to train on and as many to test on; without a number, PEOPLE of them.

    Everybody has two outfits or three. Build, gait, skin and hair stay when clothes change. Scale is a label alone: the
    crops of a twin have one size.
    """
    world = world or World.appearance(cameras=len(CAMERAS), typical_frames=12, gait_spread=1.5)
    trained, tested = PEOPLE if ids is None else (ids, ids)
    check_size("a MEVID twin", trained, range(2, 1000), world, range(len(CAMERAS), len(CAMERAS) + 1))
    train_pids, test_pids = draw_pids(world, trained, tested)
    rows = {"train": _draw_rows(world, TRAIN, train_pids), "test": _draw_rows(world, TEST, test_pids)}
    for place, frames in zip(range(5, len(rows["test"]), 40), SHORT, strict=False):
        row = rows["test"][place]
        rows["test"][place] = replace(row, spec=replace(row.spec, frames=frames))
    queries = _choose_queries(world, rows["test"])
    jobs = [row.job(FRAMES[part]) for part in FRAMES for row in rows[part]]
    files = {NAMES[part]: "".join(f"{name}\n" for row in rows[part] for name in row.names) for part in FRAMES}
    files |= {TRACKS[part]: _list_rows(rows[part]) for part in FRAMES}
    files[QUERY_FILE] = "".join(f"{place:.18e}\n" for place in queries)
    files[SCALE_FILE] = "".join(f"{row.names[-1]} {row.scale}\n" for row in rows["test"])
    encoded = {path: text.encode() for path, text in files.items()}
    return Plan("mevid", world, tuple(jobs), encoded, _count(rows["train"], rows["test"], queries))


def _draw_rows(world: World, first: int, pids: Sequence[int]) -> list[Row]:
    """The tracklets of each person, in order of their names: in each outfit one or two before each of SEEN cameras."""
    crowd, found = (first, first + len(pids)), []
    for number, pid in enumerate(pids):
        rng = world.stream("mevid sightings", first + number)
        for outfit in range(2 + int(rng.random() < 0.3)):
            identity, take = first + number + CHANGE * outfit, 0
            for camera in np.sort(rng.choice(len(CAMERAS), SEEN, replace=False)).tolist():
                for _ in range(1 + int(rng.random() < 0.4)):
                    spec = TrackletSpec(identity, FIRST_CAMERA + camera, take, draw_length(world, rng), crowd)
                    found.append(Row(pid, outfit, take, spec))
                    take += 1
    return found


def _choose_queries(world: World, rows: Sequence[Row]) -> list[int]:
    """Rows counted from 0, ascending: one for each person and outfit, and for every second one another."""
    places: dict[tuple[int, int], list[int]] = {}
    for place, row in enumerate(rows):
        places.setdefault((row.pid, row.outfit), []).append(place)
    rng = world.stream("mevid queries")
    chosen = [rng.choice(each, 1 + number % 2, replace=False).tolist() for number, each in enumerate(places.values())]
    return sorted(place for each in chosen for place in each)


def _list_rows(rows: Sequence[Row]) -> str:
    """First and last line, counted from 0 and inclusive, pid, outfit and camera, all as floats."""
    last = (np.cumsum([row.spec.frames for row in rows]) - 1).tolist()
    cells = [
        (end + 1 - row.spec.frames, end, row.pid, row.outfit + 1, row.camera)
        for end, row in zip(last, rows, strict=True)
    ]
    return "".join(" ".join(f"{cell:.18e}" for cell in row) + "\n" for row in cells)


def _count(train: Sequence[Row], test: Sequence[Row], queries: Sequence[int]) -> dict[str, int]:
    asked = set(queries)
    query, gallery = [test[place] for place in queries], [row for n, row in enumerate(test) if n not in asked]
    counts = count_parts({"train": train, "test": test}, len({row.camera for row in [*train, *test]}))
    own = {
        "train_outfits": _count_outfits(train),
        "test_outfits": _count_outfits(test),
        "queries": len(query),
        "query_identities": len({row.pid for row in query}),
        "gallery": len(gallery),
        "queries_without_a_match": sum(
            not any(g.pid == q.pid and g.camera != q.camera for g in gallery) for q in query
        ),
    }
    for value in ("indoor", "outdoor"):
        own[f"test_tracklets_of_place_{value}"] = sum(PLACES[row.camera] == value for row in test)
    for letter, value in (("l", "large"), ("m", "medium")):
        own[f"test_tracklets_of_scale_{value}"] = sum(row.scale == letter for row in test)
    return counts | own


def _count_outfits(rows: Iterable[Row]) -> int:
    return len({(row.pid, row.outfit) for row in rows})
