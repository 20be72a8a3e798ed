"""A twin of tracks: the tracklets that `data from-tracks` would cut out of videos of synthetic people.

The renderer draws crops and no whole frames, so the twin begins behind the cutting.
"""

import csv
import io
import json
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from vreid_plugins.datasets.mot.plan import FRAMES, LEAST, NOTE
from vreid_plugins.datasets.tracklets.index import COLUMNS, LIST, RATE
from vreid_plugins.synthetic import Job, Plan, TrackletSpec, World, check_size, count_parts

# numbers of identities and cameras that no other twin has
TRAIN, TEST, FIRST_CAMERA = 1_400_000, 1_410_000, 1_400
PEOPLE = (120, 150)  # to train on, to test on
SIGHTINGS = 4  # tracklets of a person to train on, one in each of so many sequences
TRACK = (5, 20)  # seconds: the shortest and the longest track of the test


@dataclass(frozen=True)
class Track:
    """One row of the list."""

    split: str
    pid: int
    spec: TrackletSpec

    @property
    def sequence(self) -> str:
        """The name of its video."""
        return f"street-{self.spec.camera - FIRST_CAMERA + 1}"

    @property
    def folder(self) -> str:
        """Where its crops are."""
        return f"{FRAMES}/{self.sequence}/{self.pid:06d}"

    @property
    def job(self) -> Job:
        """What is rendered for it."""
        return Job(self.spec, tuple(f"{self.folder}/{number:06d}.jpg" for number in range(1, self.spec.frames + 1)))


def plan(world: World | None = None, ids: int | None = None) -> Plan:
    """The tree with `ids` people to train on and as many to test on; without a number, PEOPLE of them.

    To train on, people have a tracklet in each of several sequences; a tracker would not know that they are the same.
    In the test, everybody has one track of 5 to 20 seconds.
    """
    world = world or World.appearance(cameras=6, typical_frames=14)
    trained, tested = PEOPLE if ids is None else (ids, ids)
    check_size("a twin of tracks", trained, range(2, 10_000), world, range(2, 100))
    parts = {"train": _draw_training(world, trained), "gallery": _draw_tracks(world, trained, tested)}
    tracks = [track for part in parts.values() for track in part]
    crops = sum(track.spec.frames for track in tracks)
    counts = count_parts(parts, len({track.sequence for track in tracks}))
    note = {"schema": 1, "min_frames": LEAST, "counts": {"tracklets": len(tracks), "crops": crops}}
    files = {LIST: _list_rows(world, tracks), NOTE: (json.dumps(note, indent=2) + "\n").encode()}
    return Plan("mot", world, tuple(track.job for track in tracks), files, counts)


def _draw_training(world: World, people: int) -> list[Track]:
    """Several short tracklets of each person, in different sequences."""
    crowd, found = (TRAIN, TRAIN + people), []
    for number in range(people):
        cameras = world.stream("mot sightings", number).permutation(world.cameras)[:SIGHTINGS].tolist()
        specs = (
            TrackletSpec(TRAIN + number, FIRST_CAMERA + c, 0, world.typical_frames, crowd) for c in sorted(cameras)
        )
        found += [Track("train", number + 1, spec) for spec in specs]
    return found


def _draw_tracks(world: World, trained: int, people: int) -> list[Track]:
    """One long track of each person."""
    crowd, found = (TEST, TEST + people), []
    shortest, longest = (round(seconds * world.fps) for seconds in TRACK)
    for number in range(people):
        rng = world.stream("mot tracks", number)
        camera, frames = int(rng.integers(world.cameras)), int(rng.integers(shortest, longest + 1))
        spec = TrackletSpec(TEST + number, FIRST_CAMERA + camera, 0, frames, crowd)
        found.append(Track("gallery", trained + number + 1, spec))
    return found


def _list_rows(world: World, tracks: Sequence[Track]) -> bytes:
    text = io.StringIO()
    rows = csv.writer(text, lineterminator="\n")
    rows.writerow([*COLUMNS, RATE])
    for track in tracks:
        rows.writerow([track.split, f"person-{track.pid}", track.sequence, track.folder, Fraction(str(world.fps))])
    return text.getvalue().encode()
