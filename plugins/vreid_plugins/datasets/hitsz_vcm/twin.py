"""A twin of HITSZ-VCM: its lists, folders and file names, with synthetic people by day and by infrared light."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from vreid_plugins.datasets.hitsz_vcm.layout import NAMES, PARTS, QUERY_FILE, TRACKS
from vreid_plugins.datasets.hitsz_vcm.names import picture_path
from vreid_plugins.datasets.hitsz_vcm.reader import LEAST
from vreid_plugins.synthetic import Job, Plan, TrackletSpec, World, check_size, count_parts
from vreid_plugins.synthetic.population import draw_length, draw_pids

# numbers of identities and cameras that no other twin has
TRAIN, TEST, FIRST_CAMERA = 1_000_000, 1_010_000, 1_000
CAMERAS = 12
PEOPLE = (120, 120)  # to train on, to test on
SEEN = 2  # cameras that see somebody in each modality; in two of five cases one more
SHORT = (1, 2, 3, 6)  # frames of a few tracklets
STEP = 5  # frames of the video from one frame to the next
INFRARED, VISIBLE = 1, 2
# Colour says little from one modality to the other: cut, carried things, build and gait are left. So that a small
# method scores above chance, fewer mishaps hide them than in other twins, people walk more differently, nobody has
# the colours of others on purpose, and cameras see people from more similar sides.
WORLD = {"group_size": 1, "gait_spread": 1.8, "gait_within": 0.05, "yaw_spread": 45.0, "yaw_jitter": 10.0}
WORLD |= {"p_object": 0.15, "p_pedestrian": 0.15, "p_switch": 0.05, "p_miss": 0.05, "p_drift": 0.15, "p_blur": 0.15}


@dataclass(frozen=True)
class Row:
    """One row of an index."""

    pid: int
    track: int  # from 1, of this person before this camera in this modality
    start: int  # number of its first frame: the tracklets of one folder are numbered through
    spec: TrackletSpec

    @property
    def camera(self) -> int:
        """The number of its camera in the twin."""
        return self.spec.camera - FIRST_CAMERA + 1

    @property
    def modality(self) -> int:
        """INFRARED or VISIBLE."""
        return INFRARED if self.spec.infrared else VISIBLE

    @property
    def names(self) -> list[str]:
        """The names of its frames, without leading zeros: in a sorted folder, 11.jpg comes before 6.jpg."""
        stem = f"{self.pid:04d}M{self.modality}D{self.camera}T{self.track}"
        return [f"{stem}F{self.start + STEP * frame}.jpg" for frame in range(self.spec.frames)]

    def job(self) -> Job:
        """What is to be rendered."""
        return Job(self.spec, tuple(picture_path(name) for name in self.names))


def plan(world: World | None = None, ids: int | None = None) -> Plan:
    """The tree of a twin with `ids` people to train on and as many to test on; without a number, PEOPLE of them.

    Everybody is seen in both modalities, each by cameras of its own choice: some cameras see somebody in both. The
    queries are the infrared tracklets.
    """
    world = world or World.appearance(cameras=CAMERAS, typical_frames=20, **WORLD)
    trained, tested = PEOPLE if ids is None else (ids, ids)
    check_size("a HITSZ-VCM twin", trained, range(2, 1000), world, range(CAMERAS, CAMERAS + 1))
    people = dict(zip(PARTS, draw_pids(world, trained, tested), strict=True))
    rows = {part: _draw_rows(world, first, people[part]) for part, first in zip(PARTS, (TRAIN, TEST), strict=True)}
    queries = [place for place, row in enumerate(rows["test"], start=1) if row.modality == INFRARED]
    files = {NAMES[part]: "".join(f"{name}\n" for row in rows[part] for name in row.names) for part in PARTS}
    files |= {TRACKS[part]: _list_rows(rows[part]) for part in PARTS}
    files[QUERY_FILE] = " ".join(map(str, queries)) + "\n"
    jobs = [row.job() for part in PARTS for row in rows[part]]
    encoded = {path: text.encode() for path, text in files.items()}
    return Plan("hitsz-vcm", world, tuple(jobs), encoded, _count(rows["train"], rows["test"]))


def _draw_rows(world: World, first: int, pids: Sequence[int]) -> list[Row]:
    """The tracklets of each person: visible ones before infrared ones, each modality in order of its cameras."""
    crowd, found = (first, first + len(pids)), []
    for number, pid in enumerate(pids):
        rng, take = world.stream("hitsz sightings", first + number), 0
        for infrared in (False, True):
            seen = np.sort(rng.choice(CAMERAS, SEEN + int(rng.random() < 0.4), replace=False)).tolist()
            for place, camera in enumerate(seen):
                start = 1
                for track in range(1, 2 + int(rng.random() < 0.25)):
                    frames = draw_length(world, rng)
                    # the first before each of SEEN cameras is long enough to be tested: so every query has a match
                    frames = max(LEAST, frames) if track == 1 and place < SEEN else frames
                    spec = TrackletSpec(first + number, FIRST_CAMERA + camera, take, frames, crowd, infrared=infrared)
                    found.append(Row(pid, track, start, spec))
                    start, take = start + STEP * (frames + 3), take + 1
    return _shorten(found)


def _shorten(rows: list[Row]) -> list[Row]:
    """The rows, a few of the second tracklets of a camera very short."""
    seconds = [place for place, row in enumerate(rows) if row.track > 1]
    for place, frames in zip(seconds[::7], SHORT, strict=False):
        rows[place] = replace(rows[place], spec=replace(rows[place].spec, frames=frames))
    return rows


def _list_rows(rows: Sequence[Row]) -> str:
    """Modality, first and last line, counted from 1 and inclusive, person and camera."""
    last = np.cumsum([row.spec.frames for row in rows]).tolist()
    return "".join(
        f"{row.modality} {end + 1 - row.spec.frames} {end} {row.pid:04d} {row.camera}\n"
        for end, row in zip(last, rows, strict=True)
    )


def _count(train: Sequence[Row], test: Sequence[Row]) -> dict[str, int]:
    query, gallery = ([row for row in test if row.modality == each] for each in (INFRARED, VISIBLE))
    counts = count_parts({"train": train, "test": test}, len({row.camera for row in [*train, *test]}))
    own = {"queries": len(query), "query_identities": len({row.pid for row in query}), "gallery": len(gallery)}
    for part, rows in (("train", train), ("test", test)):
        for modality, value in ((INFRARED, "infrared"), (VISIBLE, "visible")):
            own[f"{part}_tracklets_of_modality_{value}"] = sum(row.modality == modality for row in rows)
    long = {
        name: [row for row in rows if row.spec.frames >= LEAST]
        for name, rows in (("train_tracklets", train), ("queries", query), ("gallery", gallery))
    }
    own |= {f"{name}_of_{LEAST}_frames_or_more": len(rows) for name, rows in long.items()}
    own["queries_without_a_match"] = _count_unmatched(query, gallery)
    own[f"queries_without_a_match,_of_{LEAST}_frames_or_more"] = _count_unmatched(long["queries"], long["gallery"])
    return counts | own


def _count_unmatched(queries: Sequence[Row], gallery: Sequence[Row]) -> int:
    seen = {(row.pid, row.camera) for row in gallery}
    cameras = {pid: {camera for person, camera in seen if person == pid} for pid in {row.pid for row in queries}}
    return sum(cameras[row.pid] <= {row.camera} for row in queries)
