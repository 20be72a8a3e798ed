"""Optical flow between the frames of tracklets: computed once for each data set, and kept in the cache folder."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from vreid_bench.contracts.dataset import Dataset, Tracklet
from vreid_bench.modeling.clips import Indices
from vreid_bench.modeling.frames import Frame, prefetch, read_frame, resize
from vreid_bench.system.cache_folder import cache_folder
from vreid_bench.system.errors import InputError
from vreid_bench.system.files import write_atomic
from vreid_bench.system.fingerprint import digest
from vreid_bench.system.progress import bar

BOUND = 20  # pixels of the frame on disk; a longer displacement is stored as this
STEPS = 127  # a stored byte is `STILL`, plus or minus up to this many steps of BOUND / 127 pixels
STILL = 128  # the byte of no displacement
SMALLEST = 16  # pixels; in smaller frames DIS does not find even a uniform displacement
DAMAGED = (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile)  # what a damaged file of the cache raises

Field = npt.NDArray[np.uint8]  # [H, W, 2] displacement to the next frame: to the right, downwards


def load_opencv() -> Any:
    """OpenCV, which the extra `flow` brings. Raises InputError if it cannot be imported."""
    try:
        import cv2
    except ImportError as fault:
        raise InputError(
            f"optical flow needs OpenCV, which cannot be imported ({fault}); `pip install vreid-bench[flow]` adds it"
        ) from fault
    return cv2


def list_versions(planes: Sequence[str]) -> dict[str, str]:
    """The versions of the packages that compute these planes: OpenCV's for flow, none for colours, which are read.

    Raises InputError for a package that cannot be imported.
    """
    return {"opencv": load_opencv().__version__} if "flow" in planes else {}


def describe_algorithm() -> str:
    """What computes and stores the flow: another version of it may give other numbers."""
    return f"DIS, preset medium, {STEPS} steps to {BOUND} pixels, OpenCV {load_opencv().__version__}"


def describe_sources(planes: Sequence[str]) -> list[str]:
    """What computes those of the planes that are computed, in words. Raises InputError as `list_versions` does."""
    return [describe_algorithm()] if "flow" in planes else []


@dataclass(frozen=True)
class FlowFolder:
    """The flow of the tracklets of one data set, a file for each tracklet, below the cache folder.

    Files are found by the content of the data set and by the algorithm, so that changed frames never get old flow.
    """

    root: Path  # of the frames
    path: Path

    @classmethod
    def of(cls, dataset: Dataset) -> FlowFolder:
        """The folder of this data set; copies with equal frames share it."""
        key = digest([dataset.content or str(dataset.root.resolve()), describe_algorithm()])
        return cls(dataset.root, cache_folder() / "flow" / key[:16])

    def fill(self, tracklets: Iterable[Tracklet], threads: int, quiet: bool) -> None:
        """Compute the flow of the tracklets that have none yet; a bar shows the progress in frames.

        Raises InputError for a frame that cannot be read or is too small, and for a folder that cannot be written.
        """
        missing = [t for t in dict.fromkeys(tracklets) if not self._file(t).exists()]
        if not missing:
            return
        with bar(sum(len(t.frames) for t in missing), "optical flow", "frame", quiet=quiet) as progress:
            for done in prefetch(missing, self._compute, threads, 2 * threads):
                progress.update(len(done))

    def read_clips(self, tracklet: Tracklet, indices: Sequence[Indices], size: tuple[int, int]) -> Field:
        """The flow [C, T, H, W, 2] (uint8) at the frame numbers `indices` (C arrays [T]) of `tracklet`.

        `size` is (H, W) in pixels; a field is resized as frames are, and its values stay those of the frame on disk. A
        file that is missing or damaged is written again.
        """
        stacked = np.stack(indices)  # [C, T]
        numbers, position = np.unique(stacked, return_inverse=True)
        try:
            with np.load(self._file(tracklet)) as kept:
                fields = [kept[str(number)] for number in numbers]
        except DAMAGED:
            every = self._compute(tracklet)
            fields = [every[number] for number in numbers]
        each = np.stack([_resize(field, size) for field in fields])  # [distinct, H, W, 2]
        return each[position.reshape(stacked.shape)]

    def _file(self, tracklet: Tracklet) -> Path:
        return self.path / f"{digest(tracklet.frames)}.npz"

    def _compute(self, tracklet: Tracklet) -> list[Field]:
        """The fields of a tracklet, which are then in its file."""
        fields = compute_flow(self.root, tracklet)
        content = io.BytesIO()
        named: dict[str, Any] = {str(number): field for number, field in enumerate(fields)}
        np.savez_compressed(content, **named)
        try:
            write_atomic(self._file(tracklet), content.getvalue())
        except OSError as fault:
            raise InputError(
                f"{self.path}: optical flow cannot be written there ({fault.strerror}); name another folder in "
                "VREID_CACHE"
            ) from fault
        return fields


def compute_flow(root: Path, tracklet: Tracklet) -> list[Field]:
    """The flow from each frame of a tracklet to the next, by DIS (Kroeger et al. 2016) on grey frames.

    All frames are scaled to the size of the first. The last frame has no next one and repeats the flow before it; a
    tracklet of one frame has none at all. Raises InputError, naming the file, for a frame that cannot be read or is
    smaller than 16 x 16 pixels.
    """
    cv2 = load_opencv()
    cv2.setNumThreads(1)  # the tracklets are computed in parallel
    dis = cv2.DISOpticalFlow_create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    fields: list[Field] = []
    size: tuple[int, int] | None = None
    before: Frame | None = None
    for name in tracklet.frames:
        frame = read_frame(root / name, root)
        if min(frame.shape[:2]) < SMALLEST:
            height, width = frame.shape[:2]
            raise InputError(
                f"frame {root / name} has {height} x {width} pixels, but optical flow needs at least {SMALLEST} x "
                f"{SMALLEST}; use a method without flow for this data set"
            )
        size = size or (frame.shape[0], frame.shape[1])
        grey = cv2.cvtColor(resize(frame, size), cv2.COLOR_RGB2GRAY)
        if before is not None:
            fields.append(quantize(dis.calc(before, grey, None)))
        before = grey
    assert size is not None, "a tracklet has at least one frame"
    fields.append(fields[-1] if fields else np.full((*size, 2), STILL, np.uint8))
    return fields


def quantize(pixels: npt.NDArray[np.float32]) -> Field:
    """Displacements in pixels [H, W, 2] as bytes, 0.16 pixels a step."""
    return np.asarray(STILL + np.rint(np.clip(pixels / BOUND, -1, 1) * STEPS), np.uint8)


def _resize(field: Field, size: tuple[int, int]) -> Field:
    return np.stack([resize(field[:, :, channel], size) for channel in (0, 1)], axis=2)
