"""Reads the frames of clips from disk, ahead of their use."""

from __future__ import annotations

import io
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from vreid_bench.contracts.dataset import Tracklet
from vreid_bench.modeling.clips import Indices
from vreid_bench.system.errors import InputError

JPEG, JPEG_END = b"\xff\xd8\xff", b"\xff\xd9"
PNG, PNG_END = b"\x89PNG\r\n\x1a\n", b"\0\0\0\0IEND\xaeB`\x82"

FORMATS = ("JPEG", "PNG", "BMP", "TIFF", "WEBP")  # of Pillow's; others call programs, as EPS calls Ghostscript
LARGEST = 1 << 26  # pixels of a frame: 8,192 x 8,192; what claims more is refused before memory is taken for it

Frame = npt.NDArray[np.uint8]  # [H, W, 3] RGB
J = TypeVar("J")
R = TypeVar("R")


def advise(dataset: str = "DATASET", root: Path | str = "FOLDER") -> str:
    """What to do about a damaged frame of a data set."""
    command = f"vreid-bench data verify {dataset} --data {root} --decode"
    return f"run `{command}` to list every such file, then copy those files again."


def find_cut(data: bytes) -> str:
    """What shows, without decoding, that an image was cut short, in words; empty if nothing does."""
    if not data:
        return "is empty (0 bytes)"
    for title, start, end in (("JPEG", JPEG, JPEG_END), ("PNG", PNG, PNG_END)):
        if data.startswith(start) and data.rfind(end) < 0:
            return f"cannot be decoded (truncated: the end of the {title} is missing)"
    return ""


def read_clips(
    root: Path, tracklet: Tracklet, indices: Sequence[Indices], size: tuple[int, int]
) -> npt.NDArray[np.uint8]:
    """The clips [C, T, H, W, 3] (uint8, RGB) at the frame numbers `indices` (C arrays [T]) of `tracklet`.

    `size` is (H, W) in pixels. Each distinct frame is decoded once, and resized (bilinear, antialiased) only
    if its size differs. Raises InputError, naming the file, if a frame is missing, empty or corrupt.
    """
    stacked = np.stack(indices)  # [C, T]
    numbers, position = np.unique(stacked, return_inverse=True)
    frames = np.empty((len(numbers), *size, 3), np.uint8)  # [distinct, H, W, 3]
    for row, number in enumerate(numbers):
        frames[row] = resize(read_frame(root / tracklet.frames[number], root), size)
    return frames[position.reshape(stacked.shape)]


def read_frame(path: Path, root: Path | str = "FOLDER") -> Frame:
    """One image file below `root` as RGB [H, W, 3]. Raises InputError if it is missing, empty, cut or no image."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise InputError(f"frame {path} cannot be read ({error.strerror}); {advise(root=root)}") from None
    if not data:
        raise InputError(f"frame {path} is empty (0 bytes); {advise(root=root)}")
    try:
        return decode(data)
    except Exception as error:  # Pillow's codecs raise nearly anything on corrupt data
        raise InputError(f"frame {path} cannot be decoded ({error}); {advise(root=root)}") from None


def decode(data: bytes) -> Frame:
    """An encoded image as RGB [H, W, 3]. A damaged image raises the error of the codec, even where the codec could
    replace the damage with grey pixels."""
    import simplejpeg

    if simplejpeg.is_jpeg(data):
        height, width, colours, _ = simplejpeg.decode_jpeg_header(data)
        _check_size(width, height)
        if colours.upper() not in ("CMYK", "YCCK"):
            return np.asarray(simplejpeg.decode_jpeg(data, "RGB"))
    return _pillow(data)


def _pillow(data: bytes) -> Frame:
    """RGB [H, W, 3] of images that libjpeg-turbo does not decode to RGB: other formats, CMYK, 16-bit grey."""
    from PIL import Image, UnidentifiedImageError

    try:
        image = Image.open(io.BytesIO(data), formats=FORMATS)
    except UnidentifiedImageError:
        raise ValueError("unknown image format") from None
    with image:
        _check_size(*image.size)
        if image.format == "PNG":
            _check_png(data)
        image.load()
        if image.mode in ("I", "F"):
            raise ValueError(f"32-bit pixels (Pillow mode {image.mode}) have no standard range")
        if image.mode.startswith("I;16"):  # Pillow's own conversion would clip at 255
            grey = (np.asarray(image) >> 8).astype(np.uint8)
            return np.repeat(grey[:, :, None], 3, axis=2)
        return np.array(image.convert("RGB"))


def _check_size(width: int, height: int) -> None:
    """Raise ValueError for a frame of more than `LARGEST` pixels: a few bytes can claim gigabytes."""
    if width * height > LARGEST:
        raise ValueError(f"it claims {width:,} x {height:,} pixels, more than {LARGEST:,}")


def _check_png(data: bytes) -> None:
    """Raise ValueError, or the error of Pillow, for a PNG that is cut short or changed.

    Decoding alone accepts a file without its last bytes, and ignores the checksums."""
    from PIL import Image

    with Image.open(io.BytesIO(data), formats=FORMATS) as image:
        image.verify()
    if PNG_END not in data:
        raise ValueError("truncated: the end of the PNG is missing")


def resize(frame: Frame, size: tuple[int, int]) -> Frame:
    """Scale `frame`, [H0, W0, 3] or [H0, W0], to `size` (H, W): bilinear, antialiased."""
    if frame.shape[:2] == size:
        return frame
    from PIL import Image

    return np.asarray(Image.fromarray(frame).resize((size[1], size[0]), Image.Resampling.BILINEAR))


def prefetch(jobs: Iterable[J], work: Callable[[J], R], threads: int, ahead: int) -> Iterator[R]:
    """`work(job)` for each job, in order, computed on `threads` threads up to `ahead` jobs in advance.

    Only the consumer's thread advances `jobs`, so random draws made there are repeatable. An exception of `work`
    or `jobs` is raised in the place of its result. The threads end when the iterator is exhausted,
    raises, is closed or is no longer referenced.
    """
    if threads < 1 or ahead < 1:
        raise ValueError(f"prefetch needs threads >= 1 and ahead >= 1, got threads={threads}, ahead={ahead}")
    return _prefetch(iter(jobs), work, threads, ahead)


def _prefetch(jobs: Iterator[J], work: Callable[[J], R], threads: int, ahead: int) -> Iterator[R]:
    """The generator of `prefetch`: a function of its own, so that `prefetch` checks its arguments at the call."""
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
                except Exception as error:  # raised after the results before it
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
