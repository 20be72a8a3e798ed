"""The frames of any data set on disk: which are missing, empty or not decodable."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

from vreid_bench.contracts.dataset import Dataset
from vreid_bench.modeling.frames import decode, prefetch
from vreid_bench.planning.content import find_misplacement
from vreid_bench.system.progress import bar

THREADS = min(8, 2 * (os.cpu_count() or 1))  # more than cores: a network disk makes threads wait
R = TypeVar("R")


def find_frame_faults(dataset: Dataset, decoding: bool) -> tuple[int, list[str]]:
    """How many listed frames are on disk with content, and every fault as a sentence.

    With `decoding`, each frame is decoded. Progress goes to stderr.
    """
    every = (tracklet for split in dataset.splits for tracklet in (*split.train, *split.test))
    frames = list(dict.fromkeys(frame for tracklet in every for frame in tracklet.frames))
    if sentence := find_misplacement(dataset.root, frames):
        return 0, [sentence]
    good, faults = _measure(dataset.root, frames)
    if decoding:
        faults += _decode(dataset.root, good)
    return len(good), faults


def _measure(root: Path, frames: list[str]) -> tuple[list[str], list[str]]:
    """The frames that are there with content, and the faults of the others."""

    def measure(frame: str) -> int:
        path = root / frame
        return path.stat().st_size if path.is_file() else -1

    good, faults = [], []
    for frame, size in _each(frames, measure, "frames listed"):
        if size > 0:
            good.append(frame)
        elif size == 0:
            faults.append(f"{root / frame} is empty (0 bytes); copy it from the original data")
        else:
            faults.append(f"{root / frame} is listed but missing; copy it from the original data")
    return good, faults


def _decode(root: Path, frames: list[str]) -> list[str]:
    def attempt(frame: str) -> str:
        try:
            decode((root / frame).read_bytes())
        except Exception as fault:  # whatever a codec or the disk raises is a fault of the frame
            return str(fault) or type(fault).__name__
        return ""

    return [
        f"{root / frame} cannot be decoded ({fault}); copy it again"
        for frame, fault in _each(frames, attempt, "frames decoded")
        if fault
    ]


def _each(frames: list[str], work: Callable[[str], R], title: str) -> Iterator[tuple[str, R]]:
    """Each frame with what `work` returns for it, on several threads."""
    with bar(len(frames), title, "frame") as progress:
        for frame, result in zip(frames, prefetch(frames, work, THREADS, 64 * THREADS), strict=True):
            yield frame, result
            progress.update()
