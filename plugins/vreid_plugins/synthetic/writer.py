"""Writing a planned tree to disk: in parallel, resumable, and never half-finished under its final name."""

import fcntl
import io
import multiprocessing
import os
import shutil
import signal
import threading
import zlib
from collections.abc import Generator, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import closing, contextmanager
from multiprocessing.connection import wait
from pathlib import Path

import numpy as np
import simplejpeg
from PIL import Image

from vreid_bench import SYNTHETIC, InputError, bar, is_pinned, pin_children

from .nuisance import FLAGS
from .plan import Job, Plan
from .tracklet import render
from .world import World

JPEG_QUALITY = 90
JOURNAL = ".journal"  # inside the unfinished tree: its plan, and one entry per finished tracklet
ANNOTATIONS = "annotations.npz"  # visibility and mishaps of each frame
_BATCH = 4  # tracklets a worker takes at a time

Batch = Sequence[tuple[int, Job]]  # jobs with their numbers in the plan


def write_tree(root: Path, plan: Plan, *, workers: int | None = None, progress: bool = True) -> None:
    """Render a plan into `root`, which must not exist or be empty; a killed run continues where it stopped.

    A tree of this very plan is left as it is: a run can be killed after its last file and before it says so.

    The tree grows in `<root>.partial` beside it and gets its name when it is complete. `workers` = processes, by
    default one per core; neither their number nor the kind of an x86-64 processor with AVX2 changes a byte.
    """
    root = Path(root).absolute()
    if _is_finished(root, plan):
        return
    if root.exists() and (not root.is_dir() or any(root.iterdir())):
        raise InputError(f"{root} is not an empty folder; name a new one for the synthetic data")
    partial = root.with_name(root.name + ".partial")
    with locked(partial):
        if not _is_finished(partial, plan):
            _prepare(partial, plan)
            _render_missing(partial, plan, workers, progress)
            _finish(partial, plan)
        shutil.rmtree(partial / JOURNAL, ignore_errors=True)
        os.replace(partial, root)


@contextmanager
def locked(partial: Path) -> Iterator[None]:
    """Keep a second writer out of an unfinished tree; the lock ends with its process."""
    partial.mkdir(parents=True, exist_ok=True)
    handle = os.open(partial, os.O_RDONLY)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise InputError(f"{partial} is being written by another process; wait for it") from None
        yield
    finally:
        os.close(handle)


def _is_finished(partial: Path, plan: Plan) -> bool:
    """Whether this very tree is complete and only has to get its name."""
    description = partial / SYNTHETIC  # written last
    return description.exists() and description.read_bytes() == plan.description()


def _read_plan(partial: Path) -> str | None:
    """The hash of the plan of an unfinished tree."""
    note = partial / JOURNAL / "plan"
    return note.read_text(errors="replace") if note.exists() else None


def _prepare(partial: Path, plan: Plan) -> None:
    """Prepare the unfinished tree for this plan: keep the files of an equal plan, remove those of another plan."""
    planned = _read_plan(partial)
    if planned is None and any(path.name != JOURNAL for path in partial.iterdir()):
        raise InputError(f"{partial} holds files of unknown origin; remove it, or name another folder")
    if planned not in (None, plan.hash):
        # the journal is removed last: after another kill it still says whose tree this is
        for path in sorted(partial.iterdir(), key=lambda path: path.name == JOURNAL):
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    (partial / JOURNAL).mkdir(exist_ok=True)
    write_atomically(partial / JOURNAL / "plan", plan.hash.encode())
    for folder in sorted({Path(path).parent for job in plan.jobs for path in job.paths}):
        (partial / folder).mkdir(parents=True, exist_ok=True)


def _render_missing(partial: Path, plan: Plan, workers: int | None, progress: bool) -> None:
    missing = [(number, job) for number, job in enumerate(plan.jobs) if not _is_complete(partial, number, job)]
    frames, left = (sum(len(job.paths) for _, job in jobs) for jobs in (enumerate(plan.jobs), missing))
    batches = [missing[first : first + _BATCH] for first in range(0, len(missing), _BATCH)]
    workers = min(workers or len(os.sched_getaffinity(0)), len(batches))
    with (
        bar(frames, plan.layout, "frame", done=frames - left, quiet=not progress) as shown,
        closing(_render_batches(partial, plan.world, batches, workers)) as counts,
    ):
        for count in counts:
            shown.update(count)


def _render_batches(partial: Path, world: World, batches: Sequence[Batch], workers: int) -> Generator[int, None, None]:
    """Render all batches; yields how many frames each took, in any order.

    They are rendered in processes of their own whose NumPy is held to AVX2: with other instructions a value in some
    hundred frames moves over the edge of rounding.
    """
    if not batches:
        return
    if workers <= 1 and is_pinned():
        for batch in batches:
            yield _render_jobs(partial, world, batch)
        return
    # spawn: a forked child of a process with threads (torch, BLAS) may hang
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(workers, mp_context=context, initializer=_end_with_parent) as pool:
        with _shielded(), pin_children():
            futures = [pool.submit(_render_jobs, partial, world, batch) for batch in batches]
        try:
            for future in as_completed(futures):
                yield future.result()
        except BrokenProcessPool as fault:
            raise InputError(
                f"{partial}: a process that renders was killed, often for lack of memory; repeat the command, which "
                "goes on from the tracklets that are there"
            ) from fault
        except (KeyboardInterrupt, GeneratorExit):  # what they are rendering is rendered again another time
            for worker in multiprocessing.active_children():
                worker.kill()
            raise
        finally:
            pool.shutdown(cancel_futures=True)


@contextmanager
def _shielded() -> Iterator[None]:
    """Start workers in the block with Ctrl-C blocked: one that is still importing would print a traceback."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _end_with_parent() -> None:
    """Let a worker leave Ctrl-C to its parent, and end when the parent was killed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = multiprocessing.parent_process()

    def watch() -> None:
        if parent is not None:
            wait([parent.sentinel])
            os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def _render_jobs(partial: Path, world: World, batch: Batch) -> int:
    """Render some tracklets into the tree; returns how many frames."""
    for number, job in batch:
        rendered = render(world, job.spec)
        codes = [_encode(frame, path) for frame, path in zip(rendered.frames, job.paths, strict=True)]
        for path, code in zip(job.paths, codes, strict=True):
            (partial / path).write_bytes(code)
        # the entry appears after the frames and as a whole: so a frame that a kill cut off is never trusted
        checksums = np.array([zlib.crc32(code) for code in codes], np.uint32)
        entry = _npz(visibility=rendered.visibility, flags=rendered.flags, checksums=checksums)
        write_atomically(_entry(partial, number), entry)
    return sum(len(job.paths) for _, job in batch)


def _encode(frame: np.ndarray, path: str) -> bytes:
    """A frame [H, W, 3] in the format of its file name."""
    if path.endswith(".jpg"):
        # 4:4:4: at 64 rows, halved colour would lose what a real crop of 256 rows keeps
        return bytes(simplejpeg.encode_jpeg(np.ascontiguousarray(frame), JPEG_QUALITY, "RGB", "444"))
    buffer = io.BytesIO()
    Image.fromarray(frame).save(buffer, format="PNG")
    return buffer.getvalue()


def _entry(partial: Path, number: int) -> Path:
    return partial / JOURNAL / f"{number:06d}.npz"


def _is_complete(partial: Path, number: int, job: Job) -> bool:
    """Whether a tracklet's entry is there and whole, and every frame is what was written."""
    frames = len(job.paths)
    expected = {"visibility": ("f", (frames,)), "flags": ("b", (frames, len(FLAGS))), "checksums": ("u", (frames,))}
    try:
        with np.load(_entry(partial, number)) as stored:
            found = {name: (stored[name].dtype.kind, stored[name].shape) for name in stored.files}
            checksums: list[int] = stored["checksums"].tolist()
        sums = [zlib.crc32((partial / path).read_bytes()) for path in job.paths]
        return found == expected and sums == checksums
    except Exception:  # missing, or damaged by a power cut, which makes its reader raise anything: render it again
        return False


def _finish(partial: Path, plan: Plan) -> None:
    """Write the index files and annotations, and last of all the description that marks the tree complete."""
    entries = []
    for number in range(len(plan.jobs)):
        with np.load(_entry(partial, number)) as stored:
            entries.append((stored["visibility"], stored["flags"]))
    visibility, flags = (np.concatenate(column) for column in zip(*entries, strict=True))
    annotations = _npz(visibility=visibility, flags=flags, flag_names=np.array(FLAGS))
    contents = {**plan.files, ANNOTATIONS: annotations, SYNTHETIC: plan.description()}
    for path, content in contents.items():
        (partial / path).parent.mkdir(parents=True, exist_ok=True)
        write_atomically(partial / path, content)


def _npz(**arrays: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    np.savez_compressed(buffer, allow_pickle=False, **arrays)
    return buffer.getvalue()


def write_atomically(path: Path, content: bytes) -> None:
    # a fixed name: what a kill leaves is overwritten when the run continues
    temporary = path.with_name(path.name + ".tmp")
    temporary.write_bytes(content)
    os.replace(temporary, path)
