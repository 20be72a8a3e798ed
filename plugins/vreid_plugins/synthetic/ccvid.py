"""A twin of CCVID: its lists, folders and file names, with synthetic people in them who change clothes."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from vreid_bench.system.errors import InputError

from .identity import CHANGE
from .layout import counted
from .plan import Job, Plan
from .population import draw_length, draw_pids
from .tracklet import TrackletSpec
from .world import World

# Numbers of identities and cameras that no other layout has: nobody walks through two twins.
TRAIN, TEST, FIRST_CAMERA = 400_000, 410_000, 400
WALKS, SESSIONS = 12, 3
ANGLES = 3  # views of a session: walks 1, 4, 7, 10 are the same way before the same street, as in the original
TAKEN = 8  # walks of a person in the first or second session
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
        """Where its frames lie."""
        return f"session{self.session}/{self.pid:03d}_{self.walk:02d}"

    @property
    def camera(self) -> int:
        """What a reader must take for the camera."""
        return self.walk + WALKS * (self.session == SESSIONS)

    def line(self) -> str:
        """As it stands in a list; every item of clothes changes together with the outfit."""
        label = "_".join(f"{item}{self.outfit}" for item in "ulsca")
        return f"{self.folder}\t{self.pid:03d}\t{label}\n"

    def job(self) -> Job:
        """What is to be rendered."""
        return Job(self.spec, tuple(f"{self.folder}/{n:05d}.jpg" for n in range(1, self.spec.frames + 1)))


def plan_ccvid(world: World | None = None, ids: int = 36) -> Plan:
    """The tree of a twin with `ids` people to train on and as many to test on, each in two to four outfits.

    What stays when clothes change is build, gait, skin and hair; people differ more in gait than in other twins.
    """
    world = world or World.appearance(cameras=ANGLES * SESSIONS, typical_frames=28, gait_spread=1.5)
    if not 3 <= ids <= 99 or world.cameras != ANGLES * SESSIONS:
        raise InputError(
            f"a CCVID twin has 3 to 99 identities and {ANGLES * SESSIONS} views, not {ids} and {world.cameras}"
        )
    train_pids, test_pids = draw_pids(world, ids)
    train, test = _walks(world, TRAIN, train_pids), _walks(world, TEST, test_pids)
    asked = _asked(world, test)
    parts = {
        "train": train,
        "query": [walk for walk, query in zip(test, asked, strict=True) if query],
        "gallery": [walk for walk, query in zip(test, asked, strict=True) if not query],
    }
    jobs = [walk.job() for walks in parts.values() for walk in walks]
    files = {f"{part}.txt": "".join(walk.line() for walk in walks).encode() for part, walks in parts.items()}
    return Plan("ccvid", world, tuple(jobs), files, _counts(parts))


def _walks(world: World, first: int, pids: Sequence[int]) -> list[Walk]:
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
            rows += [(SESSIONS, walk, 3) for walk in later]
        for place, (session, walk, outfit) in enumerate(rows):
            camera = FIRST_CAMERA + ANGLES * (session - 1) + walk % ANGLES
            length = SHORT[number // 8 % len(SHORT)] if number % 8 == 7 and not place else draw_length(world, rng)
            spec = TrackletSpec(first + number + CHANGE * outfit, camera, walk, length, crowd)
            found.append(Walk(pid, session, walk + 1, outfit, spec))
    return found


def _asked(world: World, walks: Sequence[Walk]) -> list[bool]:
    """Which walks are queries: of each outfit somewhat less than half; one worn once may have no match of its kind."""
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


def _counts(parts: dict[str, list[Walk]]) -> dict[str, int]:
    whole = [walk for walks in parts.values() for walk in walks]
    query, gallery = parts["query"], parts["gallery"]
    result = {"cameras": len({walk.camera for walk in whole})}
    for part, walks in parts.items():
        result |= counted(part, [walk.spec for walk in walks], len({walk.pid for walk in walks}))
    for session in range(1, SESSIONS + 1):
        result[f"tracklets_of_session{session}"] = sum(walk.session == session for walk in whole)
    return result | {
        "train_outfits": len({(walk.pid, walk.outfit) for walk in parts["train"]}),
        "test_outfits": len({(walk.pid, walk.outfit) for walk in [*query, *gallery]}),
        "queries_without_a_match": _lost(query, gallery, (True, False)),
        "queries_without_a_match_in_the_same_clothes": _lost(query, gallery, (True,)),
        "queries_without_a_match_in_other_clothes": _lost(query, gallery, (False,)),
        "frames_on_disk": sum(walk.spec.frames for walk in whole),
    }


def _lost(query: Sequence[Walk], gallery: Sequence[Walk], alike: Sequence[bool]) -> int:
    """Queries that no other camera's walk in the gallery matches, in clothes that are `alike` or not."""
    return sum(
        not any(g.pid == q.pid and g.camera != q.camera and (g.outfit == q.outfit) in alike for g in gallery)
        for q in query
    )
