"""A twin of P-DESTRE: its folders, file names and lists, with synthetic people who come again on another day."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from vreid_plugins.datasets.p_destre.lists import CROPS, PARTS, PLACES
from vreid_plugins.synthetic import Job, Plan, TrackletSpec, World, check_size
from vreid_plugins.synthetic.identity import CHANGE
from vreid_plugins.synthetic.population import draw_length

# numbers of identities and cameras that no other twin has
FIRST, FIRST_CAMERA = 1_300_000, 1_300
FIRST_NOBODY = 1_310_000
PEOPLE = 150  # to train on in each split; as many others are tested on
CLIPS = 4  # of a session, each from a view of its own
DAYS = 6  # of two sessions each
SPLITS = 5
SEEN = 0.8  # share of the clips of a session that somebody is in
SHORT = (1, 2, 3)  # frames of a few tracklets
STEP = 10  # from a frame's number to the next
EMPTY = 40  # every so many tracklets, one has a frame of 0 bytes


@dataclass(frozen=True)
class Session:
    """Two sessions are flown on a day; of each day, one trains and one tests in every split."""

    place: int  # among all sessions, in order of time
    people: tuple[int, ...]  # numbers of human beings, from 0

    @property
    def day(self) -> str:
        """Its day."""
        return f"{8 + self.place // 2:02d}-11-2019"

    @property
    def name(self) -> str:
        """Its day and its number on that day."""
        return f"{self.day}-{1 + self.place % 2}"

    def clip(self, number: int) -> str:
        """The name of a sequence; clips count from 0."""
        return f"{self.name}-{1 + number}"


@dataclass(frozen=True)
class Sighting:
    """One person in one sequence."""

    session: Session
    clip: int
    view: int  # of the sequence, among all
    number: int  # of the person
    start: int  # number of the first frame
    spec: TrackletSpec

    @property
    def folder(self) -> str:
        """Where its frames are."""
        return f"{CROPS}/{self.session.clip(self.clip)}/{self.number}"

    @property
    def person(self) -> tuple[str, int]:
        """Whom a reader must find in it."""
        return self.session.name, self.number

    def frame(self, place: int) -> str:
        """The path of a frame; frames count from 0."""
        day = self.session.day.replace("-", "")
        return f"{self.folder}/{self.number}_{self.start + STEP * place}_{day}_{self.view}.jpg"

    @property
    def job(self) -> Job:
        """What is to be rendered."""
        return Job(self.spec, tuple(self.frame(place) for place in range(self.spec.frames)))


def plan(world: World | None = None, ids: int = PEOPLE) -> Plan:
    """The tree of a twin with `ids` people to train on in each split and as many others to test on.

    A quarter of the people of a session came on the day before as well, in other clothes: as in the original they have
    the same number and are other people. Each clip is seen from a view of its own.
    """
    world = world or World.appearance(cameras=CLIPS, typical_frames=14)
    check_size("a P-DESTRE twin", ids, range(2, 1000), world, range(2, 9))
    sessions = _draw_sessions(ids)
    seen = _draw_sightings(world, sessions)
    nobody = _draw_nobody(world, sessions)
    empty = [sighting.frame(sighting.spec.frames) for sighting in seen[EMPTY // 2 :: EMPTY]]
    divisions = [_divide(world, sessions, number) for number in range(SPLITS)]
    files = {
        f"{PLACES[0]}/{part}_{number}.txt": "".join(f"{name}\n" for name in lists[part]).encode()
        for number, lists in enumerate(divisions)
        for part in PARTS
    }
    files |= dict.fromkeys(empty, b"")
    counts = _count(seen, divisions) | {"folders_of_nobody": len(nobody), "frames_of_0_bytes": len(empty)}
    return Plan("p-destre", world, tuple(each.job for each in [*seen, *nobody]), files, counts)


def _draw_sessions(ids: int) -> list[Session]:
    """Two sessions on each day, of equally many people, so that every split trains on `ids` of them."""
    days = min(DAYS, ids // 2)
    sizes = [ids // days + (day < ids % days) for day in range(days)]
    sessions: list[Session] = []
    humans = 0
    for place, size in enumerate(np.repeat(sizes, 2).tolist()):
        before = sessions[place - 2].people if place > 1 else ()
        again = before[len(before) - size // 4 :] if before else ()
        new = range(humans, humans + size - len(again))
        humans = new.stop
        sessions.append(Session(place, (*again, *new)))
    return sessions


def _draw_sightings(world: World, sessions: Sequence[Session]) -> list[Sighting]:
    """The people of each sequence, in order of their numbers: everybody is in two clips of the session or more."""
    humans = 1 + max(human for session in sessions for human in session.people)
    numbers = world.stream("p-destre numbers").choice(np.arange(1, 2 * humans + 1), humans, replace=False).tolist()
    crowd, found, visits = (FIRST, FIRST + humans), list[Sighting](), dict.fromkeys(range(humans), 0)
    for session in sessions:
        for human in sorted(session.people, key=lambda human: numbers[human]):
            rng = world.stream("p-destre sightings", session.place, human)
            present = rng.random(world.cameras) < SEEN
            present[rng.choice(world.cameras, 2, replace=False)] = True
            for clip in np.flatnonzero(present).tolist():
                view = world.cameras * session.place + clip
                frames, start = draw_length(world, rng), STEP * int(rng.integers(1, 100))
                if len(found) % 50 == 7:
                    frames = SHORT[len(found) // 50 % len(SHORT)]
                spec = TrackletSpec(FIRST + human + CHANGE * visits[human], FIRST_CAMERA + view, 0, frames, crowd)
                found.append(Sighting(session, clip, view, numbers[human], start, spec))
            visits[human] += 1
    return found


def _draw_nobody(world: World, sessions: Sequence[Session]) -> list[Sighting]:
    """In the first clip of each session, somebody whom nobody knows: the number is -1, and now and then 0."""
    found = []
    for session in sessions:
        view = world.cameras * session.place
        spec = TrackletSpec(FIRST_NOBODY + session.place, FIRST_CAMERA + view, 0, 4, (FIRST_NOBODY, FIRST_NOBODY + 12))
        found.append(Sighting(session, 0, view, -int(session.place % 3 != 2), STEP, spec))
    return found


def _divide(world: World, sessions: Sequence[Session], number: int) -> Mapping[str, list[str]]:
    """The lists of one split: of each day one session trains; of the other, one clip asks and the others are ranked."""
    lists: dict[str, list[str]] = {part: [] for part in PARTS}
    rng = world.stream("p-destre splits", number)
    chosen = rng.integers(2, size=len(sessions) // 2).tolist()
    for session in sessions:
        asked = int(rng.integers(world.cameras))
        trains = session.place % 2 == chosen[session.place // 2]
        for clip in range(world.cameras):
            part = "Train" if trains else "Query" if clip == asked else "Gallery"
            lists[part].append(session.clip(clip))
    return lists


def _count(seen: Sequence[Sighting], divisions: Sequence[Mapping[str, list[str]]]) -> dict[str, int]:
    lengths = [sighting.spec.frames for sighting in seen]
    days: dict[int, set[str]] = {}
    for sighting in seen:
        days.setdefault(sighting.number, set()).add(sighting.session.day)
    counts = {
        "splits": len(divisions),
        "sequences": len({sighting.view for sighting in seen}),
        "sessions": len({sighting.session.name for sighting in seen}),
        "days": len({sighting.session.day for sighting in seen}),
        "cameras": len({sighting.clip for sighting in seen}),
        "identities": len({sighting.person for sighting in seen}),
        "numbers_of_people": len(days),
        "numbers_of_people_on_several_days": sum(len(each) > 1 for each in days.values()),
        "numbers_of_people_in_several_sessions_of_a_day": 0,
        "tracklets": len(seen),
        "frames": sum(lengths),
        "shortest_tracklet": min(lengths),
        "longest_tracklet": max(lengths),
        "frames_on_disk": sum(lengths),
    }
    for number, lists in enumerate(divisions):
        train, query, gallery = (
            [sighting.person for sighting in seen if sighting.session.clip(sighting.clip) in lists[part]]
            for part in PARTS
        )
        counts |= {
            f"train_identities_of_split_{number}": len(set(train)),
            f"train_tracklets_of_split_{number}": len(train),
            f"queries_of_split_{number}": len(query),
            f"query_identities_of_split_{number}": len(set(query)),
            f"gallery_of_split_{number}": len(gallery),
            f"queries_without_a_match_of_split_{number}": sum(person not in gallery for person in query),
        }
    return counts
