"""From a tracklet to clips: which frames a clip holds, and reading them from disk ahead of their use."""

from __future__ import annotations

import difflib
import io
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from vreid_bench.contracts.dataset import Tracklet
from vreid_bench.contracts.recipe import Clipping
from vreid_bench.system.errors import InputError

ADVICE = "run `vreid-bench data verify` on the data to list every such file, then copy those again."
DRAWS_CLIPS = ("consecutive", "random", "uniform")  # samplers that read `Clipping.clips`

PNG, PNG_END = b"\x89PNG\r\n\x1a\n", b"\0\0\0\0IEND\xaeB`\x82"

Indices = npt.NDArray[np.int64]  # [T] frame numbers of one clip, 0-based
Frame = npt.NDArray[np.uint8]  # [H, W, 3] RGB
Draws = np.random.Generator | None
J = TypeVar("J")
R = TypeVar("R")


def clip_indices(clipping: Clipping, length: int, generator: Draws) -> list[Indices]:
    """Frame numbers of the clips of a tracklet of `length` frames: a list of C arrays [T].

    `generator` None means evaluation: the result depends on `clipping` and `length` alone. Frames of a clip
    are in order of time, except where padding repeats them. Raises InputError for an unusable clipping.
    """
    check_clipping(clipping)
    if length < 1:
        raise InputError(f"no clip can be cut from a tracklet of {length} frames; it needs at least one.")
    return SAMPLERS[clipping.sampler](clipping, length, generator)


def check_clipping(clipping: Clipping) -> None:
    """Raises InputError if a field of `clipping` is unknown, out of range or would be ignored."""
    name = clipping.sampler
    if name not in SAMPLERS:
        near = difflib.get_close_matches(name, SAMPLERS, n=1)
        hint = f" Did you mean {near[0]!r}?" if near else ""
        raise InputError(f"unknown clip sampler {name!r}; there are {', '.join(SAMPLERS)}.{hint}")
    if clipping.padding not in ("cycle", "last", "drop"):
        raise InputError(f"clip padding must be cycle, last or drop, got {clipping.padding!r}.")
    if name == "all" and clipping.T != 0:
        raise InputError(f"the clip sampler 'all' takes every frame, so T must be 0, got T={clipping.T}.")
    if name != "all" and clipping.T < 1:
        raise InputError(f"the clip sampler {name!r} needs T >= 1 frames per clip, got T={clipping.T}.")
    if clipping.clips < 1 or (clipping.clips > 1 and name not in DRAWS_CLIPS):
        raise InputError(
            f"clips={clipping.clips} does not fit the clip sampler {name!r}: "
            f"{', '.join(DRAWS_CLIPS)} take 1 or more, the others exactly 1."
        )
    if clipping.step < 0 or (clipping.step > 0 and name != "dense"):
        raise InputError(
            f"step={clipping.step} does not fit the clip sampler {name!r}: "
            "only 'dense' takes a step, of 0 (= T) or more."
        )


def _consecutive(clipping: Clipping, length: int, generator: Draws) -> list[Indices]:
    """`clips` clips of T consecutive frames, every start 0..n-T equally likely (Gao & Nevatia 2018, whose
    code leaves out the last start). In evaluation the starts are the middles of `clips` equal parts of 0..n-T:
    people enter and leave at the ends of a tracklet, so a single clip comes from its middle."""
    last = max(length - clipping.T, 0)
    if generator is not None:
        starts = generator.integers(0, last, size=clipping.clips, endpoint=True)
    else:
        starts = (2 * np.arange(clipping.clips) + 1) * last // (2 * clipping.clips)
    return [_run(int(start), clipping, length) for start in starts]


def _random(clipping: Clipping, length: int, generator: Draws) -> list[Indices]:
    """T frames drawn without replacement, with replacement where the tracklet is shorter, in order of time
    (torchreid's `random`). In evaluation the draw is frozen: the same for every tracklet of that length."""
    return [np.sort(_draw(clipping.T, length, generator, clip)) for clip in range(clipping.clips)]


def _evenly(clipping: Clipping, length: int, generator: Draws) -> list[Indices]:
    """Every (n // T)-th frame from the first on, T of them; the last n % T frames are never seen, and a
    shorter tracklet repeats its last frame whatever `padding` says (torchreid's `evenly`)."""
    step = max(length // clipping.T, 1)
    return [np.minimum(np.arange(clipping.T) * step, length - 1)]


def _uniform(clipping: Clipping, length: int, generator: Draws) -> list[Indices]:
    """`clips` clips of T consecutive frames whose starts are evenly spaced over 0..n-T, overlapping where the
    tracklet is short; a single clip starts in the middle (Matiyali & Sharma 2020, their M clips)."""
    last = max(length - clipping.T, 0)
    gaps = clipping.clips - 1
    starts = [i * last // gaps for i in range(clipping.clips)] if gaps else [last // 2]
    return [_run(start, clipping, length) for start in starts]


def _all(clipping: Clipping, length: int, generator: Draws) -> list[Indices]:
    """Every frame, in one clip (torchreid's `all`)."""
    return [np.arange(length)]


def _dense(clipping: Clipping, length: int, generator: Draws) -> list[Indices]:
    """Clips of T consecutive frames every `step` (T by default) until all frames were seen; `padding` fills
    the last or drops it, but a tracklet shorter than T gives one padded clip (Gao & Nevatia 2018 at test)."""
    step = clipping.step or clipping.T
    # a clip that would only repeat frames of the one before it is not cut
    starts = [s for s in range(0, length, step) if s == 0 or s - step + clipping.T < length]
    if clipping.padding == "drop":
        starts = [s for s in starts if s + clipping.T <= length] or [0]
    return [_run(start, clipping, length) for start in starts]


def _chunks(clipping: Clipping, length: int, generator: Draws) -> list[Indices]:
    """T chunks of ceil(n / T) frames, the tracklet prolonged by its last frame: one random frame per chunk,
    in evaluation the first (restricted random sampling as coded by STE-NVAN and TF-CLIP)."""
    chunk = -(-length // clipping.T)
    offset = 0 if generator is None else generator.integers(0, chunk, size=clipping.T)
    return [np.minimum(np.arange(clipping.T) * chunk + offset, length - 1)]


SAMPLERS: dict[str, Callable[[Clipping, int, Draws], list[Indices]]] = {
    "consecutive": _consecutive,
    "random": _random,
    "evenly": _evenly,
    "uniform": _uniform,
    "all": _all,
    "dense": _dense,
    "restricted-random": _chunks,
}


def _run(start: int, clipping: Clipping, length: int) -> Indices:
    """T consecutive frames [T] from `start`; where the tracklet ends early, its frames in the clip are cycled
    (with `drop` too, as it is the only clip) or the last one is repeated."""
    if clipping.padding == "last":
        return np.minimum(np.arange(start, start + clipping.T), length - 1)
    return np.resize(np.arange(start, min(start + clipping.T, length)), clipping.T)


def _draw(count: int, length: int, generator: Draws, clip: int) -> Indices:
    """`count` of `length` frame numbers [count], without replacement if there are enough of them."""
    if generator is not None:
        return generator.choice(length, size=count, replace=count > length).astype(np.int64)
    # numpy keeps a bit generator's raw stream the same in every version; that of `Generator.choice` may change
    raw = np.random.Philox(key=[length, clip]).random_raw(max(count, length))
    if count > length:
        return (raw % np.uint64(length)).astype(np.int64)
    return np.argsort(raw, kind="stable")[:count]


def read_clips(
    root: Path, tracklet: Tracklet, indices: Sequence[Indices], size: tuple[int, int]
) -> npt.NDArray[np.uint8]:
    """The clips [C, T, H, W, 3] (uint8, RGB) at the frame numbers `indices` (C arrays [T]) of `tracklet`.

    `size` is (H, W) in pixels. Each distinct frame is decoded once, and resized (bilinear, antialiased) only
    if its own size differs. Raises InputError, naming the file, if a frame is missing, empty or corrupt.
    """
    wanted = np.stack(indices)  # [C, T]
    numbers, position = np.unique(wanted, return_inverse=True)
    frames = np.empty((len(numbers), *size, 3), np.uint8)  # [distinct, H, W, 3]
    for row, number in enumerate(numbers):
        frames[row] = _resized(read_frame(root / tracklet.frames[number]), size)
    return frames[position.reshape(wanted.shape)]


def read_frame(path: Path) -> Frame:
    """One image file as RGB [H, W, 3]. Raises InputError if it is missing, empty, truncated or no image."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise InputError(f"frame {path} cannot be read ({error.strerror}); {ADVICE}") from None
    if not data:
        raise InputError(f"frame {path} is empty (0 bytes); {ADVICE}")
    try:
        return decode(data)
    except Exception as error:  # Pillow's codecs raise nearly anything on corrupt data
        raise InputError(f"frame {path} cannot be decoded ({error}); {ADVICE}") from None


def decode(data: bytes) -> Frame:
    """An encoded image as RGB [H, W, 3]. Strict: raises what the codec raises on any damage, even where it
    could go on with grey pixels."""
    import simplejpeg

    if simplejpeg.is_jpeg(data):
        colours = simplejpeg.decode_jpeg_header(data)[2]
        if colours.upper() not in ("CMYK", "YCCK"):
            return np.asarray(simplejpeg.decode_jpeg(data, "RGB"))
    return _pillow(data)


def _pillow(data: bytes) -> Frame:
    """RGB [H, W, 3] of what libjpeg-turbo does not decode to RGB: other formats, CMYK, 16-bit grey."""
    from PIL import Image, UnidentifiedImageError

    if data.startswith(PNG):
        _check_png(data)
    try:
        image = Image.open(io.BytesIO(data))
    except UnidentifiedImageError:
        raise ValueError("no known image format") from None
    with image:
        image.load()
        if image.mode in ("I", "F"):
            raise ValueError(f"32-bit pixels (Pillow mode {image.mode}) have no agreed range")
        if image.mode.startswith("I;16"):  # Pillow's own conversion would clip at 255
            grey = (np.asarray(image) >> 8).astype(np.uint8)
            return np.repeat(grey[:, :, None], 3, axis=2)
        return np.array(image.convert("RGB"))


def _check_png(data: bytes) -> None:
    """Raises what Pillow raises, or ValueError, for a PNG that is cut short or changed: decoding alone lets the last
    bytes be lost, and does not look at the checksums."""
    from PIL import Image

    with Image.open(io.BytesIO(data)) as image:
        image.verify()
    if PNG_END not in data:
        raise ValueError("truncated: the end of the PNG is missing")


def _resized(frame: Frame, size: tuple[int, int]) -> Frame:
    """`frame` [H0, W0, 3] at `size` (H, W)."""
    if frame.shape[:2] == size:
        return frame
    from PIL import Image

    return np.asarray(Image.fromarray(frame).resize((size[1], size[0]), Image.Resampling.BILINEAR))


def prefetch(jobs: Iterable[J], work: Callable[[J], R], threads: int, ahead: int) -> Iterator[R]:
    """`work(job)` for each job, in order, computed on `threads` threads up to `ahead` jobs in advance.

    `jobs` is advanced by the consumer's thread alone, so random draws made there stay repeatable. What `work`
    or `jobs` raises is raised in the place of its result. The threads end when the iterator is exhausted,
    raises, is closed or is no longer referenced.
    """
    if threads < 1 or ahead < 1:
        raise ValueError(f"prefetch needs threads >= 1 and ahead >= 1, got threads={threads}, ahead={ahead}")
    return _prefetch(iter(jobs), work, threads, ahead)


def _prefetch(jobs: Iterator[J], work: Callable[[J], R], threads: int, ahead: int) -> Iterator[R]:
    """The generator behind `prefetch`, apart so that wrong arguments fail at the call."""
    waiting: deque[Future[R]] = deque()
    failure: Exception | None = None
    done: Any = object()
    job: Any = None
    pool = ThreadPoolExecutor(threads, thread_name_prefix="prefetch")
    try:
        while True:
            while job is not done and len(waiting) < ahead:
                try:
                    job = next(jobs, done)
                except Exception as error:  # kept until the results before it were handed out
                    failure, job = error, done
                if job is not done:
                    waiting.append(pool.submit(work, job))
            if not waiting:
                break
            yield waiting.popleft().result()
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
    if failure is not None:
        raise failure
