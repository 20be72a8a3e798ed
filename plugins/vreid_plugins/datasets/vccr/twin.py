"""A twin of VCCR: its folders and file names, with synthetic people who change clothes."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from vreid_plugins.datasets.vccr.index import FOLDERS, LEAST
from vreid_plugins.synthetic import Job, Plan, TrackletSpec, World, check_size, count_parts
from vreid_plugins.synthetic.identity import CHANGE
from vreid_plugins.synthetic.population import draw_length, draw_pids

# numbers of identities and cameras that no other twin has
TRAIN, TEST, FIRST_CAMERA = 1_200_000, 1_210_000, 1_200
CAMERAS = 12  # more than nine: as a text, camera 10 comes before camera 2
PEOPLE = (90, 120)  # to train on, to test on
SEEN = 3  # cameras that see somebody in an outfit
SHORT = (1, 2, 3, 5, 7)  # frames of a few tracklets of each part


@dataclass(frozen=True)
class Row:
    """One tracklet."""

    pid: int
    outfit: int  # from 0, of this person
    take: int  # from 0, of this person in this outfit
    spec: TrackletSpec

    @property
    def camera(self) -> int:
        """The number that a reader must find, from 1."""
        return self.spec.camera - FIRST_CAMERA + 1

    def job(self, part: str) -> Job:
        """What is to be rendered. Numbers have no leading zeros, so that as a text frame 10 comes before frame 2."""
        stem = f"p{self.pid}-c{self.camera}-l{self.outfit + 1}-t{self.take + 1}"
        person = f"{FOLDERS[part]}/{self.pid}"
        folder = f"{person}/{stem}" if part == "train" else f"{person}/{self.camera}/{stem}"
        return Job(self.spec, tuple(f"{folder}/{stem}-f{n}.jpg" for n in range(1, self.spec.frames + 1)))


def plan(world: World | None = None, ids: int | None = None) -> Plan:
    """The tree of a twin with `ids` people to train on and as many to test on; without a number, PEOPLE of them.

    Everybody has two to four outfits. Build, gait, skin and hair stay when clothes change. About a sixth of the
    tracklets is shorter than the test allows.
    """
    world = world or World.appearance(cameras=CAMERAS, typical_frames=14, gait_spread=1.5)
    trained, tested = PEOPLE if ids is None else (ids, ids)
    check_size("a VCCR twin", trained, range(2, 2000), world, range(SEEN, 100))
    train_pids, test_pids = draw_pids(world, trained, tested)
    train, test = _draw_rows(world, TRAIN, train_pids), _draw_rows(world, TEST, test_pids)
    asked = _choose_queries(world, test)
    parts = {
        "train": train,
        "query": [row for row, query in zip(test, asked, strict=True) if query],
        "gallery": [row for row, query in zip(test, asked, strict=True) if not query],
    }
    parts = {part: _shorten(rows) for part, rows in parts.items()}
    jobs = [row.job(part) for part, rows in parts.items() for row in rows]
    return Plan("vccr", world, tuple(jobs), {}, _count(parts))


def _draw_rows(world: World, first: int, pids: Sequence[int]) -> list[Row]:
    """The tracklets of each person: in each outfit one or two before each of SEEN cameras."""
    crowd, found = (first, first + len(pids)), []
    for number, pid in enumerate(pids):
        rng = world.stream("vccr sightings", first + number)
        for outfit in range(int(rng.choice([2, 3, 4], p=[0.75, 0.2, 0.05]))):
            identity, take = first + number + CHANGE * outfit, 0
            for camera in np.sort(rng.choice(world.cameras, SEEN, replace=False)).tolist():
                for _ in range(1 + int(rng.random() < 0.25)):
                    spec = TrackletSpec(identity, FIRST_CAMERA + camera, take, draw_length(world, rng), crowd)
                    found.append(Row(pid, outfit, take, spec))
                    take += 1
    return found


def _choose_queries(world: World, rows: Sequence[Row]) -> list[bool]:
    """Whether each tracklet is a query: one for each person and outfit, and for every second one another."""
    places: dict[tuple[int, int], list[int]] = {}
    for place, row in enumerate(rows):
        places.setdefault((row.pid, row.outfit), []).append(place)
    rng = world.stream("vccr queries")
    asked = [False] * len(rows)
    for number, each in enumerate(places.values()):
        for place in rng.choice(each, 1 + number % 2, replace=False).tolist():
            asked[place] = True
    return asked


def _shorten(rows: Sequence[Row]) -> list[Row]:
    """The tracklets of a part, a few of them with the lengths SHORT."""
    result = list(rows)
    for place, frames in zip(range(4, len(result), 40), SHORT, strict=False):
        result[place] = replace(result[place], spec=replace(result[place].spec, frames=frames))
    return result


def _count(parts: dict[str, list[Row]]) -> dict[str, int]:
    whole = [row for rows in parts.values() for row in rows]
    query, gallery = ([row for row in parts[part] if row.spec.frames >= LEAST] for part in ("query", "gallery"))
    worn = Counter(pid for pid, _ in _outfits(whole))
    own = {
        "identities": len(worn),
        "tracklets": len(whole),
        "train_outfits": len(_outfits(parts["train"])),
        "test_outfits": len(_outfits([*parts["query"], *parts["gallery"]])),
        "fewest_outfits_of_a_person": min(worn.values()),
        "most_outfits_of_a_person": max(worn.values()),
        f"query_tracklets_of_{LEAST}_frames_or_more": len(query),
        f"gallery_tracklets_of_{LEAST}_frames_or_more": len(gallery),
        "queries_without_a_match": _count_unmatched(query, gallery, (True, False)),
        "queries_without_a_match_in_the_same_clothes": _count_unmatched(query, gallery, (True,)),
        "queries_without_a_match_in_other_clothes": _count_unmatched(query, gallery, (False,)),
        "tracklets_with_a_gap_in_their_numbers": 0,
    }
    return count_parts(parts, len({row.camera for row in whole})) | own


def _outfits(rows: Iterable[Row]) -> set[tuple[int, int]]:
    return {(row.pid, row.outfit) for row in rows}


def _count_unmatched(query: Sequence[Row], gallery: Sequence[Row], alike: Sequence[bool]) -> int:
    """Queries without a tracklet of the person by another camera in the gallery, in clothes that are `alike` or not."""
    return sum(
        not any(g.pid == q.pid and g.camera != q.camera and (g.outfit == q.outfit) in alike for g in gallery)
        for q in query
    )
