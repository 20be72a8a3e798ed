"""A twin of G2A-VReID: its folders, file names and index files, with synthetic people."""

from collections.abc import Sequence

from vreid_plugins.datasets.mars.twin import Row, plan_files
from vreid_plugins.synthetic import Plan, TrackletSpec, World, check_size
from vreid_plugins.synthetic.population import draw_length, draw_pids

# numbers of identities and cameras that no other twin has
TRAIN, TEST, FIRST_CAMERA = 700_000, 710_000, 700
PEOPLE = (150, 300)  # to train on, to test on
CAMERAS = 2


def plan(world: World | None = None, ids: int | None = None) -> Plan:
    """The tree of a twin with `ids` people to train on and as many to test on; without a number, PEOPLE of them.

    As in the original, each of two cameras sees everybody once; those of camera 1 are the queries.
    """
    world = world or World.appearance(cameras=CAMERAS, typical_frames=16)
    trained, tested = PEOPLE if ids is None else (ids, ids)
    check_size("a G2A-VReID twin", trained, range(2, 2000), world, range(CAMERAS, CAMERAS + 1))
    train_pids, test_pids = draw_pids(world, trained, tested)
    train, test = _draw_rows(world, TRAIN, train_pids), _draw_rows(world, TEST, test_pids)
    queries = [place for place, row in enumerate(test, start=1) if row.camera == 1]
    return plan_files("g2a-vreid", world, train, test, queries, _count(train, test))


def _draw_rows(world: World, first: int, pids: Sequence[int]) -> list[Row]:
    """One tracklet of each person before each camera, in index order."""
    crowd, rows = (first, first + len(pids)), []
    for number, pid in enumerate(pids):
        rng = world.stream("g2a sightings", first + number)
        for camera in range(FIRST_CAMERA, FIRST_CAMERA + CAMERAS):
            spec = TrackletSpec(first + number, camera, 0, draw_length(world, rng), crowd)
            rows.append(Row(pid, spec, FIRST_CAMERA))
    return rows


def _count(train: Sequence[Row], test: Sequence[Row]) -> dict[str, int]:
    counts = {"cameras": CAMERAS, "queries": len(test) // CAMERAS, "gallery": len(test) // CAMERAS}
    counts["queries_without_a_match"] = 0
    parts = {"train": train, "test": test}
    for part, rows in parts.items():
        counts[f"{part}_tracklets"] = len(rows)
        counts[f"{part}_identities"] = len({row.pid for row in rows})
        counts[f"{part}_frames"] = counts[f"{part}_frames_on_disk"] = sum(row.spec.frames for row in rows)
    return counts | {
        what: sum(counts[f"{part}_{what}"] for part in parts) for what in ("tracklets", "identities", "frames")
    }
