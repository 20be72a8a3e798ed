"""The synthetic pedestrians: what is rendered, what is true about it, and the trees it is written to."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import simplejpeg
from scipy.io import loadmat

from vreid_bench.system.errors import InputError
from vreid_plugins.datasets.ilids_vid import IlidsVid
from vreid_plugins.datasets.prid2011 import Prid2011
from vreid_plugins.synthetic import (
    FLAGS,
    WORLDS,
    TrackletSpec,
    World,
    plan_ilids_vid,
    plan_mars,
    plan_prid2011,
    render,
    write_mars,
    writer,
)
from vreid_plugins.synthetic.body import Placement
from vreid_plugins.synthetic.figure import draw_person
from vreid_plugins.synthetic.identity import identity
from vreid_plugins.synthetic.plan import Job, Plan
from vreid_plugins.synthetic.raster import Canvas
from vreid_plugins.synthetic.two_cameras import two_cameras

PLAIN = {f"p_{kind}": 0.0 for kind in ("object", "pedestrian", "switch", "miss", "drift", "blur")}
TINY = {"size": (32, 16), "progress": False}


def contents(root: Path) -> dict[str, bytes]:
    """Every file of a tree by its path."""
    return {str(path.relative_to(root)): path.read_bytes() for path in sorted(root.rglob("*")) if path.is_file()}


def index(root: Path, name: str, key: str) -> np.ndarray:
    return loadmat(root / "info" / f"{name}.mat")[key]


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small twin of MARS, rendered by two processes."""
    root = tmp_path_factory.mktemp("synthetic") / "mars"
    write_mars(root, ids=8, workers=2, **TINY)
    return root


# the renderer


def test_a_tracklet_depends_on_its_world_and_itself_alone() -> None:
    world, spec = World(height=32, width=16), TrackletSpec(3, 1, 0, 12, (0, 40))
    alone = render(world, spec)
    for number in (5, 4, 3):
        again = render(world, TrackletSpec(number, 1, 0, 12, (0, 40)))
    assert np.array_equal(alone.frames, again.frames)
    assert np.array_equal(alone.visibility, again.visibility)
    assert not np.array_equal(alone.frames, render(replace(world, seed=1), spec).frames)
    assert not np.array_equal(alone.frames, render(world, replace(spec, take=1)).frames)


def test_shapes_ranges_and_a_tracklet_of_one_frame() -> None:
    world = World(height=48, width=20)
    for frames in (1, 2, 9):
        rendered = render(world, TrackletSpec(0, 5, 2, frames))
        assert rendered.frames.shape == (frames, 48, 20, 3)
        assert rendered.frames.dtype == np.uint8
        assert rendered.visibility.dtype == np.float32
        assert rendered.visibility.min() >= 0
        assert rendered.visibility.max() <= 1
        assert rendered.flags.shape == (frames, len(FLAGS))


def test_an_undisturbed_walker_is_wholly_visible() -> None:
    for camera in range(6):
        rendered = render(World(**PLAIN), TrackletSpec(camera, camera, 0, 24))
        assert rendered.visibility.min() > 0.9
        assert not rendered.flags.any()
        assert np.abs(np.diff(rendered.frames.astype(int), axis=0)).mean(axis=(1, 2, 3)).min() > 0.5


@pytest.mark.parametrize("yaw", [0.0, np.pi / 2, np.pi])
def test_legs_and_arms_swing_with_the_phase_and_return_after_a_cycle(yaw: float) -> None:
    phase = np.linspace(0, 2 * np.pi, 9, dtype=np.float32)
    x, y, scale = (np.full(9, value, np.float32) for value in (32, 119, 110))
    canvas = Canvas(9, 128, 64)
    inside = draw_person(canvas, identity(World(), 1), Placement(np.full(9, yaw, np.float32), x, y, scale, 0.1), phase)
    assert np.allclose(inside, 1)
    area = canvas.cover.sum(axis=(1, 2))
    assert np.all((area > 0.08 * 128 * 64) & (area < 0.5 * 128 * 64))
    moved = np.abs(canvas.cover - canvas.cover[:1]).sum(axis=(1, 2)) / area
    assert moved[[1, 2, 3, 5, 6, 7]].min() > 0.05  # after half a cycle left and right have changed places
    assert moved[8] < 0.01


def test_visibility_drops_exactly_where_an_obstacle_changes_the_picture() -> None:
    clear, blocked = (World(noise=0.0, **(PLAIN | {"p_object": p})) for p in (0.0, 1.0))
    dropped = 0
    for number in range(12):
        spec = TrackletSpec(number, number % 6, 0, 24)
        free, behind = render(clear, spec), render(blocked, spec)
        changed = np.abs(free.frames.astype(int) - behind.frames).max(axis=(1, 2, 3)) > 8
        covered = behind.flags[:, FLAGS.index("obj")]
        assert covered.any()
        assert not changed[~covered].any()
        drop = free.visibility - behind.visibility
        assert np.all(drop >= -1e-6)
        assert np.all(drop[~changed] < 0.02)
        dropped += int((drop > 0.3).sum())
    assert dropped >= 20


def test_a_passer_hides_and_a_switch_or_miss_leaves_nothing_of_the_person() -> None:
    for kind, flag in (("p_switch", "switch"), ("p_miss", "miss")):
        rendered = render(World(**(PLAIN | {kind: 1.0})), TrackletSpec(1, 0, 0, 24))
        window = rendered.flags[:, FLAGS.index(flag)]
        assert 0 < window.sum() < 24
        assert np.all(rendered.visibility[window] == 0)
        assert np.all(rendered.visibility[~window] > 0.9)
    hidden = [
        render(World(**(PLAIN | {"p_pedestrian": 1.0})), TrackletSpec(i, 2, 0, 24)).visibility.min() for i in range(6)
    ]
    assert min(hidden) < 0.6


def test_a_drifting_box_loses_part_of_the_body() -> None:
    world = World(**(PLAIN | {"p_drift": 1.0}))
    shares = np.concatenate([render(world, TrackletSpec(i, 1, 0, 24)).visibility for i in range(8)])
    assert shares.min() < 0.85
    assert np.median(shares) > 0.9


def test_a_person_looks_more_alike_in_two_cameras_than_two_persons_do() -> None:
    world = World(**PLAIN)

    def colours(number: int, camera: int) -> np.ndarray:
        """Mean colour of upper and of lower body."""
        frames = render(world, TrackletSpec(number, camera, 0, 8)).frames.astype(float)
        return np.concatenate([frames[:, 16:30, 12:20].mean((0, 1, 2)), frames[:, 36:50, 12:20].mean((0, 1, 2))])

    people = range(0, 96, 4)  # one of each look-alike group
    first, second = (np.stack([colours(i, camera) for i in people]) for camera in (1, 2))
    first, second = first - first.mean(0), second - second.mean(0)
    distance = np.linalg.norm(first[:, None] - second[None], axis=2)
    rank = (distance < np.diag(distance)[:, None]).sum(axis=1)
    assert rank.mean() < 0.2 * len(rank)  # 0.5 by chance


def test_look_alikes_share_colours_and_twins_share_all_clothes() -> None:
    twins = World(twins=0.5)
    pairs = [(identity(twins, number), identity(twins, number + 1)) for number in range(0, 8, 2)]
    assert all(np.array_equal(a.outfit.torso, b.outfit.torso) for a, b in pairs)
    assert all(a.build != b.build for a, b in pairs)
    motion = WORLDS["motion"]()
    worn = {identity(motion, number).outfit.torso.tobytes() for number in range(24)}
    assert len(worn) == motion.clothes == 6


def test_the_hash_of_a_world_changes_with_every_parameter() -> None:
    world = World()
    assert world.hash == World.appearance().hash
    assert world.hash != World.motion().hash
    changed = {name: "x" if name == "name" else value + 1 for name, value in world.parameters().items()}
    hashes = {replace(world, **{name: value}).hash for name, value in changed.items()}
    assert len(hashes | {world.hash}) == len(changed) + 1


# the MARS layout


def test_mars_index_files_have_the_types_and_rules_of_the_original(tree: Path) -> None:
    train = index(tree, "tracks_train_info", "track_train_info")
    test = index(tree, "tracks_test_info", "track_test_info")
    query = index(tree, "query_IDX", "query_IDX")
    assert (train.dtype, test.dtype, query.dtype) == (np.int32, np.int32, np.uint16)
    assert query.shape[0] == 1
    for part, rows in (("train", train), ("test", test)):
        names = (tree / "info" / f"{part}_name.txt").read_text().split()
        assert np.array_equal(rows[1:, 0], rows[:-1, 1] + 1)
        assert (rows[0, 0], rows[-1, 1]) == (1, len(names))
        for first, last, pid, camera in rows.tolist():
            person = "00-1" if pid == -1 else f"{pid:04d}"
            track = names[first - 1][6:11]
            wanted = [f"{person}C{camera}{track}F{frame:03d}.jpg" for frame in range(1, last - first + 2)]
            assert names[first - 1 : last] == wanted
        on_disk = {path.name for path in (tree / f"bbox_{part}").rglob("*") if path.is_file()}
        assert on_disk == set(names)
        assert len(names) == len(on_disk)
        assert all((tree / f"bbox_{part}" / name[:4] / name).is_file() for name in names)
    assert not set(train[:, 2]) & set(test[:, 2])
    assert {-1, 0} <= set(test[:, 2])
    assert train[:, 2].min() > 0


def test_mars_asks_once_for_each_person_and_camera_that_another_camera_can_answer(tree: Path) -> None:
    test = index(tree, "tracks_test_info", "track_test_info")
    query = index(tree, "query_IDX", "query_IDX")[0].astype(int)
    assert np.all(np.diff(query) > 0)
    asked = [tuple(row) for row in test[query - 1, 2:].tolist()]
    people = {tuple(row) for row in test[:, 2:].tolist() if row[0] > 0}
    cameras = {pid: sum(p == pid for p, _ in people) for pid, _ in people}
    assert len(asked) == len(set(asked))
    assert set(asked) == {(pid, camera) for pid, camera in people if cameras[pid] > 1}


def test_the_default_twin_has_the_quirks_of_mars() -> None:
    plan = plan_mars(World())
    specs = [job.spec for job in plan.jobs]
    assert sum(spec.frames for spec in specs) <= 25_000
    lengths = np.array([spec.frames for spec in specs])
    assert lengths.min() == 1
    assert (lengths < 4).sum() == 3
    assert 0 < (lengths < 8).mean() < 0.1
    expected = plan.expected
    assert expected["query_identities"] < expected["test_identities"] == 60
    assert expected["cameras"] == 6
    assert 0.2 < expected["distractors"] / expected["test_tracklets"] < 0.3
    assert 0.05 < expected["junk"] / expected["test_tracklets"] < 0.09
    assert expected["train_identities"] == 60


def test_some_mars_queries_lose_their_match_with_the_queries_out_of_the_gallery(tmp_path: Path) -> None:
    plan = plan_mars(World())
    for name in ("tracks_test_info", "query_IDX"):
        (tmp_path / f"{name}.mat").write_bytes(plan.files[f"info/{name}.mat"])
    rows = loadmat(tmp_path / "tracks_test_info.mat")["track_test_info"]
    query = loadmat(tmp_path / "query_IDX.mat")["query_IDX"][0].astype(int) - 1
    left = np.delete(rows, query, axis=0)
    matched = [((left[:, 2] == pid) & (left[:, 3] != camera)).any() for pid, camera in rows[query, 2:]]
    assert 0.03 < 1 - np.mean(matched) < 0.2
    whole = [((rows[:, 2] == pid) & (rows[:, 3] != camera)).any() for pid, camera in rows[query, 2:]]
    assert all(whole)


def test_the_description_counts_what_is_on_disk(tree: Path) -> None:
    facts = json.loads((tree / "synthetic.json").read_text())
    train = index(tree, "tracks_train_info", "track_train_info")
    test = index(tree, "tracks_test_info", "track_test_info")
    query = index(tree, "query_IDX", "query_IDX")[0].astype(int)
    assert facts["expected"] == {
        "cameras": len(set(train[:, 3]) | set(test[:, 3])),
        "distractors": int((test[:, 2] == 0).sum()),
        "junk": int((test[:, 2] == -1).sum()),
        "queries": len(query),
        "query_identities": len(set(test[query - 1, 2])),
        "test_frames": len(list((tree / "bbox_test").rglob("*.jpg"))),
        "test_identities": len(set(test[test[:, 2] > 0, 2])),
        "test_tracklets": len(test),
        "train_frames": len(list((tree / "bbox_train").rglob("*.jpg"))),
        "train_identities": len(set(train[:, 2])),
        "train_tracklets": len(train),
    }
    assert (facts["schema"], facts["layout"]) == (1, "mars")
    assert facts["world_hash"] == World(**facts["world"]).hash


def test_annotations_and_frames_follow_the_order_of_the_names(tree: Path) -> None:
    facts = json.loads((tree / "synthetic.json").read_text())
    world = World(**facts["world"])
    plan = plan_mars(world, ids=8)
    with np.load(tree / "annotations.npz") as stored:
        visibility, flags, names = stored["visibility"], stored["flags"], stored["flag_names"].tolist()
    frames = facts["expected"]["train_frames"] + facts["expected"]["test_frames"]
    assert visibility.shape == (frames,)
    assert flags.shape == (frames, 6)
    assert tuple(names) == FLAGS
    job = plan.jobs[20]
    start = sum(len(earlier.paths) for earlier in plan.jobs[:20])
    rendered = render(world, job.spec)
    assert np.array_equal(visibility[start : start + len(job.paths)], rendered.visibility)
    decoded = simplejpeg.decode_jpeg((tree / job.paths[0]).read_bytes())
    assert decoded.shape == (32, 16, 3)
    assert np.abs(decoded.astype(int) - rendered.frames[0]).mean() < 6


# writing


@pytest.mark.slow
def test_the_number_of_workers_changes_no_byte(tree: Path, tmp_path: Path) -> None:
    write_mars(tmp_path / "one", ids=8, workers=1, **TINY)
    assert contents(tmp_path / "one") == contents(tree)
    assert not (tmp_path / "one.partial").exists()


@pytest.mark.slow
def test_a_run_killed_in_the_middle_continues_to_the_same_tree(tree: Path, tmp_path: Path) -> None:
    root, partial = tmp_path / "mars", tmp_path / "mars.partial"
    script = (
        "from pathlib import Path; from vreid_plugins.synthetic import write_mars\n"
        f"write_mars(Path({str(root)!r}), ids=8, workers=2, size=(32, 16), progress=False)"
    )
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    process = subprocess.Popen([sys.executable, "-c", script], env=environment)
    deadline = time.monotonic() + 20
    while len(list((partial / writer.JOURNAL).glob("*.npz"))) < 8 and time.monotonic() < deadline:
        time.sleep(0.005)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert not root.exists()
    before = {path: path.stat().st_mtime_ns for path in (partial / writer.JOURNAL).glob("*.npz")}
    assert len(before) >= 8
    last = sorted(before)[0]
    plan = plan_mars(World(height=32, width=16), ids=8)
    cut = partial / plan.jobs[int(last.stem)].paths[0]
    cut.write_bytes(cut.read_bytes()[:40])  # what a power cut may leave
    write_mars(root, ids=8, workers=2, **TINY)
    assert contents(root) == contents(tree)
    assert not partial.exists()


def test_complete_tracklets_are_not_rendered_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rendered: list[TrackletSpec] = []
    original = writer.render

    def stops_at_the_third(world: World, spec: TrackletSpec) -> object:
        rendered.append(spec)
        if len(rendered) == 3:
            raise KeyboardInterrupt
        return original(world, spec)

    monkeypatch.setattr(writer, "render", stops_at_the_third)
    plan = small_plan()
    with pytest.raises(KeyboardInterrupt):
        writer.write_tree(tmp_path / "tree", plan, workers=1, progress=False)
    writer.write_tree(tmp_path / "tree", plan, workers=1, progress=False)
    assert rendered == [job.spec for job in (*plan.jobs[:3], *plan.jobs[2:])]


def test_a_renaming_missed_by_a_kill_is_made_up_for(tmp_path: Path) -> None:
    plan = small_plan()
    writer.write_tree(tmp_path / "tree", plan, workers=1, progress=False)
    whole = contents(tmp_path / "tree")
    (tmp_path / "tree").rename(tmp_path / "tree.partial")
    writer.write_tree(tmp_path / "tree", plan, workers=1, progress=False)
    assert contents(tmp_path / "tree") == whole


def test_what_another_plan_left_is_dropped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(writer, "_finish", killed)
        with pytest.raises(KeyboardInterrupt):
            writer.write_tree(tmp_path / "tree", small_plan(seed=1), workers=1, progress=False)
    for name in ("tree", "fresh"):
        writer.write_tree(tmp_path / name, small_plan(), workers=1, progress=False)
    assert contents(tmp_path / "tree") == contents(tmp_path / "fresh")


def test_png_frames_keep_every_pixel(tmp_path: Path) -> None:
    from PIL import Image

    plan = small_plan(suffix="png")
    writer.write_tree(tmp_path / "tree", plan, workers=1, progress=False)
    job = plan.jobs[0]
    with Image.open(tmp_path / "tree" / job.paths[1]) as image:
        assert np.array_equal(np.asarray(image), render(plan.world, job.spec).frames[1])


def test_a_folder_with_files_is_refused_and_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mars").mkdir()
    (tmp_path / "mars" / "precious").write_text("data")
    with pytest.raises(InputError, match="not an empty folder"):
        write_mars(tmp_path / "mars", ids=2, **TINY)
    assert contents(tmp_path) == {"mars/precious": b"data"}
    (tmp_path / "other.partial").mkdir()
    (tmp_path / "other.partial" / "precious").write_text("data")
    with pytest.raises(InputError, match="unknown origin"):
        write_mars(tmp_path / "other", ids=2, **TINY)
    assert (tmp_path / "other.partial" / "precious").read_text() == "data"


def test_two_writers_of_one_tree_do_not_mix(tmp_path: Path) -> None:
    with writer._locked(tmp_path / "tree.partial"), pytest.raises(InputError, match="another process"):
        writer.write_tree(tmp_path / "tree", small_plan(), workers=1, progress=False)


@pytest.mark.parametrize(("ids", "cameras"), [(1, 6), (2000, 6), (4, 1), (4, 10)])
def test_numbers_that_do_not_fit_into_mars_names_are_refused(tmp_path: Path, ids: int, cameras: int) -> None:
    with pytest.raises(InputError, match="identities"):
        write_mars(tmp_path / "mars", ids=ids, cameras=cameras, **TINY)
    assert not any(tmp_path.iterdir())


def small_plan(seed: int = 0, suffix: str = "jpg") -> Plan:
    """A plan of five tracklets in a layout of its own."""
    specs = [TrackletSpec(number, number % 2, 0, 3 + number) for number in range(5)]
    jobs = [Job(s, tuple(f"person{s.identity}/{n:02d}.{suffix}" for n in range(s.frames))) for s in specs]
    world = World(seed=seed, height=32, width=16)
    return Plan("small", world, tuple(jobs), {"list.txt": b"five\n"}, {"tracklets": 5})


# the layouts of two cameras


def test_the_twin_of_ilids_vid_has_gaps_in_its_numbers_and_unequal_lengths() -> None:
    plan = plan_ilids_vid()
    people = sorted({int(Path(path).parent.name.removeprefix("person")) for job in plan.jobs for path in job.paths})
    assert len(people) == 100
    assert people != list(range(people[0], people[0] + 100))
    lengths = [job.spec.frames for job in plan.jobs]
    assert (min(lengths), max(lengths)) == (23, 192)
    assert 60 < np.mean(lengths) < 80
    assert len({job.paths[0][-9:] for job in plan.jobs}) > 100  # sequences begin anywhere
    assert len({(job.spec.identity, job.spec.camera) for job in plan.jobs}) == len(plan.jobs) == 200


def test_the_twin_of_prid2011_has_short_sequences_and_strangers_in_each_camera() -> None:
    plan = plan_prid2011()
    seen: dict[tuple[str, int], TrackletSpec] = {}
    for job in plan.jobs:
        camera, person = Path(job.paths[0]).parts[-3:-1]
        seen[camera, int(person.removeprefix("person_"))] = job.spec
    first, second = ({n: s for (camera, n), s in seen.items() if camera == c} for c in ("cam_a", "cam_b"))
    assert {n for n in first if n <= 200} == {n for n in second if n <= 200} == set(range(1, 91))
    assert all(first[n].identity == second[n].identity for n in range(1, 91))
    strangers = [view[n].identity for view in (first, second) for n in view if n > 200]
    assert len(strangers) == len(set(strangers)) == 40
    assert not set(strangers) & {first[n].identity for n in range(1, 91)}
    shortest = [min(first[n].frames, second[n].frames) for n in range(1, 91)]
    assert sum(frames >= 27 for frames in shortest) == 80
    assert sum(21 <= frames < 27 for frames in shortest) == 5
    assert min(shortest) < 21


def test_no_person_and_no_camera_is_in_two_twins() -> None:
    plans = plan_mars(World()), plan_ilids_vid(), plan_prid2011()
    for part in ("identity", "camera"):
        each = [{getattr(job.spec, part) for job in plan.jobs} for plan in plans]
        assert sum(map(len, each)) == len(set.union(*each))
    crowds = [{range(*job.spec.crowd) for job in plan.jobs} for plan in plans]  # who walks by
    walkers = [{number for crowd in each for number in crowd} for each in crowds]
    assert sum(map(len, walkers)) == len(set.union(*walkers))


@pytest.mark.parametrize(("plan", "reader"), [(plan_ilids_vid, IlidsVid()), (plan_prid2011, Prid2011())])
def test_a_twin_of_two_cameras_is_read_back_and_verifies(
    plan: Callable[..., Plan], reader: Any, tmp_path: Path
) -> None:
    reader.synthesize(tmp_path / "twin", ids=3, size=(32, 16), workers=1, progress=False)
    dataset = reader.read(tmp_path / "twin")
    assert (dataset.source, dataset.notes, len(dataset.splits)) == ("synthetic", (), 10)
    assert all(len(split.query) == len(split.gallery) == 3 for split in dataset.splits)
    assert all(len(split.train) == 6 for split in dataset.splits)
    verification = reader.verify(tmp_path / "twin", decode=True)
    assert verification.problems == ()
    assert all(count.found == count.published for count in verification.counts)
    assert reader.twin() == plan().hash


@pytest.mark.parametrize(("plan", "ids"), [(plan_ilids_vid, 1), (plan_ilids_vid, 470), (plan_prid2011, 90)])
def test_numbers_that_do_not_fit_two_cameras_are_refused(plan: Callable[..., Plan], ids: int) -> None:
    with pytest.raises(InputError, match=f"identities in each half, not {ids}"):
        plan(ids=ids)


@pytest.mark.parametrize("reader", [IlidsVid(), Prid2011()])
def test_a_third_camera_is_refused(reader: Any, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="has 2 cameras; leave out cameras"):
        reader.synthesize(tmp_path / "new", cameras=3)
    assert not any(tmp_path.iterdir())


@pytest.mark.parametrize("plan", [plan_ilids_vid, plan_prid2011])
def test_a_seed_gives_another_world_and_a_size_other_frames(plan: Callable[..., Plan]) -> None:
    worlds = [replace(two_cameras(), **change) for change in ({}, {"seed": 1}, {"height": 32})]
    assert len({plan(world).hash for world in worlds}) == 3
    assert plan(worlds[0]).hash == plan().hash
