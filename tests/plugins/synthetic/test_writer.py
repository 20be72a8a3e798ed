"""Writing trees: in parallel, resumed after a kill, and never over what is there."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import Future
from concurrent.futures.process import BrokenProcessPool
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from vreid_bench import InputError, is_pinned
from vreid_bench.system.arithmetic import explain_processor
from vreid_plugins.datasets.mars.reader import Mars
from vreid_plugins.datasets.mars.twin import plan as plan_mars
from vreid_plugins.synthetic import RENDERER_VERSION, Job, Plan, TrackletSpec, World, render, writer

TINY = {"size": (32, 16), "progress": False}


def contents(root: Path) -> dict[str, bytes]:
    """Every file of a tree by its path."""
    return {str(path.relative_to(root)): path.read_bytes() for path in sorted(root.rglob("*")) if path.is_file()}


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small twin of MARS, rendered by two processes."""
    root = tmp_path_factory.mktemp("synthetic") / "mars"
    Mars().synthesize(root, ids=8, workers=2, **TINY)
    return root


def small_plan(seed: int = 0, suffix: str = "jpg") -> Plan:
    """A plan of five tracklets in a layout of its own."""
    specs = [TrackletSpec(number, number % 2, 0, 3 + number) for number in range(5)]
    jobs = [Job(s, tuple(f"person{s.identity}/{n:02d}.{suffix}" for n in range(s.frames))) for s in specs]
    world = World(seed=seed, height=32, width=16)
    return Plan("small", world, tuple(jobs), {"list.txt": b"five\n"}, {"tracklets": 5})


@pytest.mark.slow
def test_the_number_of_workers_changes_no_byte(tree: Path, tmp_path: Path) -> None:
    Mars().synthesize(tmp_path / "one", ids=8, workers=1, **TINY)
    assert contents(tmp_path / "one") == contents(tree)
    assert not (tmp_path / "one.partial").exists()


@pytest.mark.slow
def test_a_run_killed_in_the_middle_continues_to_the_same_tree(tree: Path, tmp_path: Path) -> None:
    root, partial = tmp_path / "mars", tmp_path / "mars.partial"
    script = (
        "from pathlib import Path; from vreid_plugins.datasets.mars.reader import Mars\n"
        f"Mars().synthesize(Path({str(root)!r}), ids=8, workers=2, size=(32, 16), progress=False)"
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
    Mars().synthesize(root, ids=8, workers=2, **TINY)
    assert contents(root) == contents(tree)
    assert not partial.exists()


@pytest.fixture
def in_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """One worker renders in this process, as if its libraries were held to AVX2."""
    monkeypatch.setattr(writer, "is_pinned", lambda: True)


def test_the_processes_that_render_are_held_to_avx2(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    held: list[bool] = []

    class Pool:
        """Renders here, and notes what a process that is started for a batch would be held to."""

        def __init__(self, workers: int, **_: object) -> None:
            assert workers == 1

        def __enter__(self) -> Pool:
            return self

        def __exit__(self, *_: object) -> None: ...

        def shutdown(self, **_: object) -> None: ...

        def submit(self, work: Callable[..., int], *given: object) -> Future[int]:
            held.append(is_pinned())
            done: Future[int] = Future()
            done.set_result(work(*given))
            return done

    monkeypatch.setattr(writer, "ProcessPoolExecutor", Pool)
    before = is_pinned()
    writer.write_tree(tmp_path / "tree", small_plan(), workers=1, progress=False)
    assert held
    assert all(held) or explain_processor()
    assert is_pinned() == before


@pytest.mark.usefixtures("in_process")
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


@pytest.mark.usefixtures("in_process")
def test_png_frames_keep_every_pixel(tmp_path: Path) -> None:
    from PIL import Image

    plan = small_plan(suffix="png")
    writer.write_tree(tmp_path / "tree", plan, workers=1, progress=False)
    job = plan.jobs[0]
    with Image.open(tmp_path / "tree" / job.paths[1]) as image:
        assert np.array_equal(np.asarray(image), render(plan.world, job.spec).frames[1])


@pytest.mark.slow
def test_pixels_of_version_2_stay_as_they_are(tmp_path: Path) -> None:
    """Committed scores are of these pixels: whoever changes them has to raise RENDERER_VERSION."""
    from hashlib import sha256

    from PIL import Image

    plan = small_plan(suffix="png")
    things = {f"p_{kind}": 0.7 for kind in ("object", "pedestrian", "switch", "miss", "drift", "blur")}
    writer.write_tree(tmp_path / "tree", replace(plan, world=replace(plan.world, **things)), progress=False)
    digest = sha256()
    for job in plan.jobs:
        for path in job.paths:
            with Image.open(tmp_path / "tree" / path) as image:
                digest.update(image.tobytes())
    assert RENDERER_VERSION == "2"
    assert digest.hexdigest() == "29905c12fc0228b15b8d211c1623deeca233d4856be3a463bf3f7abf19650609"


def test_a_complete_tree_of_the_same_plan_is_left_as_it_is(tmp_path: Path) -> None:
    """A run can be killed after its last file; another plan is another matter."""
    writer.write_tree(tmp_path / "tree", small_plan(), workers=1, progress=False)
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "tree").rglob("*")}
    writer.write_tree(tmp_path / "tree", small_plan(), workers=1, progress=False)
    assert {path: path.stat().st_mtime_ns for path in (tmp_path / "tree").rglob("*")} == before
    with pytest.raises(InputError, match="not an empty folder"):
        writer.write_tree(tmp_path / "tree", small_plan(seed=1), workers=1, progress=False)


def test_a_folder_with_files_is_refused_and_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mars").mkdir()
    (tmp_path / "mars" / "precious").write_text("data")
    with pytest.raises(InputError, match="not an empty folder"):
        Mars().synthesize(tmp_path / "mars", ids=2, **TINY)
    assert contents(tmp_path) == {"mars/precious": b"data"}
    (tmp_path / "other.partial").mkdir()
    (tmp_path / "other.partial" / "precious").write_text("data")
    with pytest.raises(InputError, match="unknown origin"):
        Mars().synthesize(tmp_path / "other", ids=2, **TINY)
    assert (tmp_path / "other.partial" / "precious").read_text() == "data"


def test_two_writers_of_one_tree_do_not_mix(tmp_path: Path) -> None:
    with writer.locked(tmp_path / "tree.partial"), pytest.raises(InputError, match="another process"):
        writer.write_tree(tmp_path / "tree", small_plan(), workers=1, progress=False)


@pytest.mark.slow
def test_a_worker_that_is_killed_is_a_sentence_and_the_rest_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(*_: object, **__: object) -> object:
        future: Future[int] = Future()
        future.set_exception(BrokenProcessPool("A process in the process pool was terminated abruptly"))
        return future

    with monkeypatch.context() as patch:
        patch.setattr(writer.ProcessPoolExecutor, "submit", killed)
        with pytest.raises(InputError, match=r"a process that renders was killed.*repeat the command"):
            writer.write_tree(tmp_path / "tree", small_plan(), workers=2, progress=False)
    writer.write_tree(tmp_path / "tree", small_plan(), workers=1, progress=False)
    assert not (tmp_path / "tree.partial").exists()
