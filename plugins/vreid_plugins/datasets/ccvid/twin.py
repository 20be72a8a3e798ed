"""A twin of CCVID: its lists, folders and file names, with synthetic people who change clothes."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from vreid_plugins.datasets.ccvid.index import LISTS, SESSIONS, WALKS, camera_of
from vreid_plugins.synthetic import Job, Plan, TrackletSpec, World, check_size, count_parts
from vreid_plugins.synthetic.identity import CHANGE
from vreid_plugins.synthetic.population import draw_length, draw_pids

# numbers of identities and cameras that no other twin has
TRAIN, TEST, FIRST_CAMERA = 400_000, 410_000, 400
ANGLES = 3  # views of a session: walks 1, 4, 7 and 10 have the same view of the same street, as in the original
TAKEN = 8  # walks of a person in the first or second session
PEOPLE = (75, 151)  # to train on, to test on, as in the original
SHORT = (2, 3, 5)  # frames of a few walks


@dataclass(frozen=True)
class Walk:
    """One line of a list."""

    pid: int
    session: int  # from 1
    walk: int  # from 1
    outfit: int  # from 0, of this person
    spec: TrackletSpec

    @property
    def folder(self) -> str:
        """The folder of its frames."""
        return f"{SESSIONS[self.session - 1]}/{self.pid:03d}_{self.walk:02d}"

    @property
    def camera(self) -> int:
        """The camera that a reader must find."""
        return camera_of(self.session, self.walk)

    def line(self) -> str:
        """Its line in a list; every item of clothes changes with the outfit."""
        label = "_".join(f"{item}{self.outfit}" for item in "ulsca")
        return f"{self.folder}\t{self.pid:03d}\t{label}\n"

    def job(self) -> Job:
        """What is to be rendered."""
        return Job(self.spec, tuple(f"{self.folder}/{n:05d}.jpg" for n in range(1, self.spec.frames + 1)))


def plan(world: World | None = None, ids: int | None = None) -> Plan:
    """The tree of a twin with `ids` people to train on and as many to test on; without a number, PEOPLE of them.

    Each has two to four outfits.

    Build, gait, skin and hair stay when clothes change; people differ more in gait than in other twins.
    """
    views = ANGLES * len(SESSIONS)
    world = world or World.appearance(cameras=views, typical_frames=14, gait_spread=1.5)
    trained, tested = PEOPLE if ids is None else (ids, ids)
    check_size("a CCVID twin", trained, range(3, 100), world, range(views, views + 1))
    train_pids, test_pids = draw_pids(world, trained, tested)
    train, test = _draw_walks(world, TRAIN, train_pids), _draw_walks(world, TEST, test_pids)
    asked = _choose_queries(world, test)
    parts = {
        "train": train,
        "query": [walk for walk, query in zip(test, asked, strict=True) if query],
        "gallery": [walk for walk, query in zip(test, asked, strict=True) if not query],
    }
    jobs = [walk.job() for walks in parts.values() for walk in walks]
    files = {LISTS[part]: "".join(walk.line() for walk in walks).encode() for part, walks in parts.items()}
    return Plan("ccvid", world, tuple(jobs), files, _count(parts))


def _draw_walks(world: World, first: int, pids: Sequence[int]) -> list[Walk]:
    """The walks of each person: most in session 1, the others in session 2; every sixth comes again in session 3."""
    crowd, found = (first, first + len(pids)), []
    for number, pid in enumerate(pids):
        rng = world.stream("ccvid walks", first + number)
        session = 1 + int(number % 3 == 2)
        walks = np.sort(rng.choice(WALKS, TAKEN, replace=False)).tolist()
        change = int(rng.integers(3, TAKEN - 2))  # the clothes are changed before this walk, and perhaps once more
        second = int(rng.integers(change + 1, TAKEN)) if rng.random() < 0.4 else TAKEN
        rows = [(session, walk, int(n >= change) + int(n >= second)) for n, walk in enumerate(walks)]
        if number % 6 == 0:
            later = np.sort(rng.choice(WALKS, TAKEN // 2, replace=False)).tolist()
            rows += [(len(SESSIONS), walk, 3) for walk in later]
        for place, (session, walk, outfit) in enumerate(rows):
            camera = FIRST_CAMERA + ANGLES * (session - 1) + walk % ANGLES
            length = SHORT[number // 8 % len(SHORT)] if number % 8 == 7 and not place else draw_length(world, rng)
            spec = TrackletSpec(first + number + CHANGE * outfit, camera, walk, length, crowd)
            found.append(Walk(pid, session, walk + 1, outfit, spec))
    return found


def _choose_queries(world: World, walks: Sequence[Walk]) -> list[bool]:
    """Whether each walk is a query: somewhat less than half of each outfit; an outfit worn once may have no match."""
    places: dict[tuple[int, int], list[int]] = {}
    for place, walk in enumerate(walks):
        places.setdefault((walk.pid, walk.outfit), []).append(place)
    rng = world.stream("ccvid queries")
    asked = [False] * len(walks)
    for each in places.values():
        number = round(0.44 * len(each)) if len(each) > 1 else int(rng.integers(2))
        for place in rng.choice(each, number, replace=False).tolist():
            asked[place] = True
    return asked


def _count(parts: dict[str, list[Walk]]) -> dict[str, int]:
    whole = [walk for walks in parts.values() for walk in walks]
    query, gallery = parts["query"], parts["gallery"]
    sessions = {
        f"tracklets_of_{name}": sum(walk.session == number for walk in whole)
        for number, name in enumerate(SESSIONS, start=1)
    }
    own = {
        "train_outfits": len({(walk.pid, walk.outfit) for walk in parts["train"]}),
        "test_outfits": len({(walk.pid, walk.outfit) for walk in [*query, *gallery]}),
        "queries_without_a_match": _count_unmatched(query, gallery, (True, False)),
        "queries_without_a_match_in_the_same_clothes": _count_unmatched(query, gallery, (True,)),
        "queries_without_a_match_in_other_clothes": _count_unmatched(query, gallery, (False,)),
    }
    return count_parts(parts, len({walk.camera for walk in whole})) | sessions | own


def _count_unmatched(query: Sequence[Walk], gallery: Sequence[Walk], alike: Sequence[bool]) -> int:
    """Queries without a walk of the person by another camera in the gallery, in clothes that are `alike` or not."""
    return sum(
        not any(g.pid == q.pid and g.camera != q.camera and (g.outfit == q.outfit) in alike for g in gallery)
        for q in query
    )
