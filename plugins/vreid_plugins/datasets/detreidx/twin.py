"""A twin of DetReIDX: its folders and file names, with synthetic people before a drone and on the ground."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from vreid_plugins.datasets.case_folders import name_part
from vreid_plugins.datasets.detreidx.index import LAYOUT
from vreid_plugins.datasets.detreidx.names import POINTS
from vreid_plugins.synthetic import Job, Plan, TrackletSpec, World, check_size, count_parts
from vreid_plugins.synthetic.identity import CHANGE
from vreid_plugins.synthetic.population import draw_length, draw_pids

# numbers of identities and cameras that no other twin has
TRAIN, TEST, FIRST_CAMERA = 900_000, 910_000, 900
CAMERAS = 3  # as the challenge counts them: on the ground, and in the air by session
VIEWS = ("F", "L")  # from the ground
SESSIONS = (1, 2)
SEEN = 2  # points from which somebody is seen in a session
PEOPLE = (90, 170)  # to train on, to test on
DATES = {1: "23_10_2024", 2: "7_11_2024"}


@dataclass(frozen=True)
class Row:
    """One tracklet of a person."""

    person: int
    number: int  # of the tracklet, among all
    start: int  # number of its first frame
    session: int  # 0 on the ground
    point: int  # from 0, of POINTS; on the ground, of VIEWS
    spec: TrackletSpec

    @property
    def pid(self) -> int:
        """The person whom a reader must find."""
        return self.person + 1

    def job(self, folder: str) -> Job:
        """What is to be rendered."""
        frames = range(self.start, self.start + self.spec.frames)
        path = f"{folder}/{self.person:04d}/{self.person:04d}_{self.number}"
        return Job(self.spec, tuple(f"{path}/{self.name(frame)}.jpg" for frame in frames))

    def name(self, frame: int) -> str:
        """The name of a frame."""
        if not self.session:
            return f"{self.person:04d}_{self.person % 2}_2_1_1_{frame}_{VIEWS[self.point]}"
        height, distance, angle = POINTS[self.point]
        where = f"{height:g}_{distance:g}_{angle:g}"
        worn = "3_0_1_1_0_-1_-1_6_0_0_6"  # place and ten attributes
        return f"{self.person:04d}_{DATES[self.session]}_9_18_{where}_{worn}_152_178_{self.session}_{frame}"


def plan(world: World | None = None, ids: int | None = None) -> Plan:
    """The tree of a twin with `ids` people to train on and as many to test on; without a number, PEOPLE of them.

    Each point of a session has a camera of its own. In the second session every second person wears other clothes.
    Within the air, the first session is searched for in the second. Height, distance and angle are labels alone. Frames
    are numbered across 9, 99 or 999, where the order of texts is another than that of numbers.
    """
    world = world or World.appearance(cameras=CAMERAS, typical_frames=8)
    trained, tested = PEOPLE if ids is None else (ids, ids)
    check_size("a DetReIDX twin", trained, range(2, 2000), world, range(CAMERAS, CAMERAS + 1))
    train_pids, test_pids = draw_pids(world, trained, tested)
    train, test = _draw_rows(world, TRAIN, train_pids), _draw_rows(world, TEST, test_pids)
    ground, first, second = ([row for row in test if row.session == session] for session in (0, *SESSIONS))
    air = [row for row in test if row.session]
    sides = {"ground": (ground, ground), "aerial": (air, air)}
    parts: dict[str, list[Row]] = {"train": train}
    for case in LAYOUT.cases:
        asked, ranked = case.split("-to-")
        both = (first, second) if asked == ranked else (sides[asked][0], sides[ranked][1])
        parts |= {name_part(case, side): rows for side, rows in zip(("query", "gallery"), both, strict=True)}
    jobs = [row.job(LAYOUT.folders[part]) for part, rows in parts.items() for row in rows]
    return Plan("detreidx", world, tuple(jobs), {}, _count(parts))


def _draw_rows(world: World, first: int, pids: Sequence[int]) -> list[Row]:
    """The tracklets of each person, in the order to be found: each view, then SEEN points of each session."""
    crowd, rows = (first, first + len(pids)), []
    for place, pid in enumerate(pids):
        rng = world.stream("detreidx sightings", first + place)
        seen = [(0, point, point) for point in range(len(VIEWS))]
        for session in SESSIONS:
            for point in sorted(rng.choice(len(POINTS), SEEN, replace=False).tolist()):
                seen.append((session, point, len(VIEWS) + len(POINTS) * (session - 1) + point))
        for take, (session, point, camera) in enumerate(seen):
            changed = CHANGE * (session == SESSIONS[1] and place % 2)
            spec = TrackletSpec(first + place + changed, FIRST_CAMERA + camera, take, draw_length(world, rng), crowd)
            number = 10 * (first - TRAIN + place) + take
            rows.append(Row(pid, number, int(rng.choice((1, 5, 95, 995))), session, point, spec))
    return rows


def _count(parts: Mapping[str, Sequence[Row]]) -> dict[str, int]:
    every = [row for rows in parts.values() for row in rows]
    counts = count_parts(parts, CAMERAS)
    counts |= {"identities": len({row.person for row in every}), "tracklets": len(every)}
    for case in LAYOUT.cases:
        counts[f"queries_without_a_match,_{case}"] = 0
    for point in range(len(POINTS)):
        seen = sum(row.session > 0 and row.point == point for row in every)
        counts[f"tracklets_of_flight_point_{point + 1}"] = seen
    counts["tracklets_of_flight_point_other"] = 0
    counts["tracklets_of_flight_point_ground"] = sum(not row.session for row in every)
    return counts
