"""A twin of BUPTCampus: its lists, paths and file names, with synthetic people seen in colour and infrared at once."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from vreid_plugins.datasets.buptcampus.paths import FRAMES, PATHS
from vreid_plugins.datasets.buptcampus.rows import BOTH, CAMERAS, IR, LISTS, MODALITIES, TRAINED, Key
from vreid_plugins.synthetic import Job, Plan, TrackletSpec, World, check_size, count_parts
from vreid_plugins.synthetic.population import draw_length, draw_pids

# numbers of identities and cameras that no other twin has
TRAIN, TEST, AUXILIARY, FIRST_CAMERA = 1_100_000, 1_120_000, 1_130_000, 1_100
PEOPLE = (160, 320)  # to train on, to test on
# Clearer pictures than in other twins, where fewer things go wrong: with the usual noise and clutter, what a network
# learns of one modality finds nobody in the other.
CLEAR = {"noise": 0.004, "lowres": 1.1, "blur": 0.25, "clutter": 0.15, "yaw_spread": 40.0}
RARE = {"p_object": 0.1, "p_pedestrian": 0.1, "p_switch": 0.05, "p_miss": 0.03, "p_drift": 0.1, "p_blur": 0.1}
NAMES = tuple(CAMERAS)
SHORT = (1, 2, 3, 6)  # frames of a few walks that are tested
# Before a number with one digit more: sorted as text, the frames of a walk that begins here are in another order.
TURNS = (95, 995, 9_995)


@dataclass(frozen=True)
class Walk:
    """Somebody walks past a camera, which records them in colour and infrared, pixel by pixel the same scene."""

    pid: int
    spec: TrackletSpec
    first: int  # number of its first frame

    def key(self, modality: str) -> Key:
        """The key of one of its two tracklets."""
        return Key(str(self.pid), modality, NAMES[self.spec.camera - FIRST_CAMERA], str(self.spec.take + 1))

    def row(self, modality: str) -> str:
        """Its row in a list."""
        return f"{self.key(modality)}\n"

    def paths(self, modality: str) -> list[str]:
        """The frames of one of its two tracklets, below `DATA`."""
        key = self.key(modality)
        stem = f"{key.person}/{modality}/{key.camera}/{'_'.join(key)}"
        return [f"{stem}_{self.first + number}.jpg" for number in range(self.spec.frames)]

    def job(self, modality: str) -> Job:
        """What is to be rendered."""
        spec = replace(self.spec, infrared=modality == IR)
        return Job(spec, tuple(f"{FRAMES}/{path}" for path in self.paths(modality)))


@dataclass(frozen=True)
class Person:
    """Somebody in the renderer and in the lists."""

    pid: int
    identity: int
    crowd: tuple[int, int]

    def walk(self, world: World, rng: np.random.Generator, camera: int, take: int = 0) -> Walk:
        """One walk past a camera; a third of them begin at one of TURNS."""
        spec = TrackletSpec(self.identity, FIRST_CAMERA + camera, take, draw_length(world, rng), self.crowd)
        first = int(rng.choice(TURNS)) if rng.random() < 1 / 3 else int(rng.integers(1, 20_000))
        return Walk(self.pid, spec, first)


Seen = tuple[Walk, str]  # one of its two tracklets


@dataclass(frozen=True)
class Tested:
    """The tested people: who asks, and who is ranked."""

    query: list[Seen]
    gallery: list[Seen]


def plan(world: World | None = None, ids: int | None = None) -> Plan:
    """The tree of a twin with `ids` people to train on and as many to test on; without a number, PEOPLE of them.

    Everybody who is tested asks once, in colour or infrared; the aligned tracklet of a query is on disk and in no list.
    Two other cameras see them in both, and the query's camera sees a fifth of them once more, which is a match here.
    There are no fake infrared frames.
    """
    world = world or World.appearance(cameras=len(NAMES), typical_frames=10, **CLEAR, **RARE)
    trained, tested = PEOPLE if ids is None else (ids, ids)
    check_size("a BUPTCampus twin", trained, range(2, 2000), world, range(len(NAMES), len(NAMES) + 1))
    train_pids, test_pids = draw_pids(world, trained, tested)
    first = max(*train_pids, *test_pids) + 1
    auxiliary_pids = range(first, first + (trained + 2) // 3)
    train = _draw_trained(world, _number_people(TRAIN, train_pids), range(2, 4))
    auxiliary = _draw_trained(world, _number_people(AUXILIARY, auxiliary_pids), range(1, 2))
    test = _draw_tested(world, _number_people(TEST, test_pids))
    walks = {"train": train, "auxiliary": auxiliary}
    listed = {part: [walk.row(BOTH) for walk in walks[part]] for part in TRAINED}
    listed |= {part: [walk.row(modality) for walk, modality in rows] for part, rows in vars(test).items()}
    files = {LISTS[part]: "".join(rows).encode() for part, rows in listed.items()}
    everybody = [*train, *auxiliary, *dict.fromkeys(walk for walk, _ in (*test.query, *test.gallery))]
    tracklets = [(walk, modality) for walk in everybody for modality in MODALITIES]
    files[PATHS] = json.dumps(_nest(tracklets)).encode()
    jobs = tuple(walk.job(modality) for walk, modality in tracklets)
    return Plan("buptcampus", world, jobs, files, _count(walks, test, tracklets))


def _number_people(first: int, pids: Sequence[int]) -> list[Person]:
    """People whose identities are numbered from `first`, who walk past each other."""
    return [Person(pid, first + number, (first, first + len(pids))) for number, pid in enumerate(pids)]


def _draw_trained(world: World, people: Sequence[Person], cameras: range) -> list[Walk]:
    """One walk of each person before each of a number of cameras, in an order that is not that of their numbers."""
    walks = []
    for person in people:
        rng = world.stream("bupt trained", person.identity)
        chosen = np.sort(rng.choice(len(NAMES), int(rng.choice(cameras)), replace=False))
        walks += [person.walk(world, rng, camera) for camera in chosen.tolist()]
    order = world.stream("bupt order", people[0].identity).permutation(len(walks))
    return [walks[place] for place in order.tolist()]


def _draw_tested(world: World, people: Sequence[Person]) -> Tested:
    """The query of each person by one camera; by two others, and by that of the query for a fifth, the gallery."""
    query: list[Seen] = []
    gallery: list[Seen] = []
    for number, person in enumerate(people):
        rng = world.stream("bupt tested", person.identity)
        own, *others = rng.choice(len(NAMES), 3, replace=False).tolist()
        asked, *walks = (person.walk(world, rng, camera) for camera in (own, *sorted(others)))
        if number % 5 == 1:
            walks.append(person.walk(world, rng, own, take=1))
        if number % 16 == 15:
            short = SHORT[number // 16 % len(SHORT)]
            walks[0] = replace(walks[0], spec=replace(walks[0].spec, frames=short))
        query.append((asked, MODALITIES[number % 2]))
        gallery += [(walk, modality) for walk in walks for modality in MODALITIES]
    shuffled = []
    for side, rows in enumerate((query, gallery)):
        order = world.stream("bupt order", people[0].identity, side).permutation(len(rows))
        shuffled.append([rows[place] for place in order.tolist()])
    return Tested(*shuffled)


def _nest(tracklets: Iterable[Seen]) -> dict[str, dict[str, dict[str, dict[str, list[str]]]]]:
    """The frames of all tracklets by person, modality, camera and tracklet."""
    tree: dict[str, dict[str, dict[str, dict[str, list[str]]]]] = {}
    for walk, modality in tracklets:
        person, _, camera, tracklet = walk.key(modality)
        tree.setdefault(person, {}).setdefault(modality, {}).setdefault(camera, {})[tracklet] = walk.paths(modality)
    return tree


def _count(walks: Mapping[str, Sequence[Walk]], test: Tested, tracklets: Sequence[Seen]) -> dict[str, int]:
    query, gallery = test.query, test.gallery
    parts = {part: [walk for walk in found for _ in MODALITIES] for part, found in walks.items()}
    parts |= {"query": [walk for walk, _ in query], "gallery": [walk for walk, _ in gallery]}
    counts = count_parts(parts, len({walk.spec.camera for walk, _ in tracklets}))
    counts["identities"] = len({walk.pid for walk, _ in tracklets})
    for modality in MODALITIES:
        counts[f"{modality}_queries"] = sum(each == modality for _, each in query)
        counts[f"{modality}_gallery_tracklets"] = sum(each == modality for _, each in gallery)
    for asked in MODALITIES:
        for ranked in MODALITIES:
            people = {walk.pid for walk, modality in gallery if modality == ranked}
            unmatched = sum(walk.pid not in people for walk, modality in query if modality == asked)
            counts[f"queries_without_a_match,_{asked}_to_{ranked}"] = unmatched
    seen = {(walk.pid, walk.spec.camera) for walk, _ in gallery}
    there = {walk.key(modality) for walk, modality in gallery}
    own = {
        "queries_without_a_match_by_another_camera": sum(
            not any(pid == walk.pid and camera != walk.spec.camera for pid, camera in seen) for walk, _ in query
        ),
        "queries_whose_camera_saw_their_person_in_the_gallery": sum(
            (walk.pid, walk.spec.camera) in seen for walk, _ in query
        ),
        "queries_in_the_gallery": sum(walk.key(modality) in there for walk, modality in query),
        "queries_whose_aligned_tracklet_is_in_the_gallery": sum(
            walk.key(modality).aligned in there for walk, modality in query
        ),
        "tracklets_in_no_list": len(tracklets) - sum(map(len, parts.values())),
        "fake_infrared_frames": 0,
        "frames_on_disk": sum(walk.spec.frames for walk, _ in tracklets),
    }
    return counts | own
