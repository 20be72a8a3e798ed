"""The frames of any data set on disk: which are missing, empty, not decodable, or in two tracklets."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterator
from hashlib import sha256
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

    With `decoding`, each frame is decoded. Content that is in two tracklets is always looked for; only frames of equal
    size are read for that. Progress goes to stderr.
    """
    owners = _find_owners(dataset)
    if sentence := find_misplacement(dataset.root, list(owners)):
        return 0, [sentence]
    sizes, faults = _measure(dataset.root, list(owners))
    if decoding:
        faults += _decode(dataset.root, [frame for frame in owners if frame in sizes])
    faults += _find_listed_twice(dataset)
    faults += _find_equal(dataset.root, owners, sizes)
    return len(sizes), faults


def _find_owners(dataset: Dataset) -> dict[str, tuple[str, ...]]:
    """Every frame, once, with the frames of its tracklet as the tracklet's name."""
    return {
        frame: tracklet.frames
        for split in dataset.splits
        for tracklet in (*split.train, *split.test)
        for frame in tracklet.frames
    }


def _measure(root: Path, frames: list[str]) -> tuple[dict[str, int], list[str]]:
    """The size in bytes of each frame that is there with content, and the faults of the others."""

    def measure(frame: str) -> int:
        path = root / frame
        return path.stat().st_size if path.is_file() else -1

    sizes, faults = {}, []
    for frame, size in _each(frames, measure, "frames listed"):
        if size > 0:
            sizes[frame] = size
        elif size == 0:
            faults.append(f"{root / frame} is empty (0 bytes); copy it from the original data")
        else:
            faults.append(f"{root / frame} is listed but missing; copy it from the original data")
    return sizes, faults


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


def _find_listed_twice(dataset: Dataset) -> list[str]:
    faults = []
    for number, split in enumerate(dataset.splits):
        seen: set[str] = set()
        for tracklet in (*split.train, *split.test):
            twice = seen.intersection(tracklet.frames)
            if twice:
                path = dataset.root / min(twice)
                faults.append(
                    f"{path} is in two tracklets of split {number}, expected each frame in one; correct the lists"
                )
            seen.update(tracklet.frames)
    return faults


def _find_equal(root: Path, owners: dict[str, tuple[str, ...]], sizes: dict[str, int]) -> list[str]:
    """Frames with the same content as a frame of another tracklet."""
    alike = Counter(sizes.values())
    frames = [frame for frame, size in sizes.items() if alike[size] > 1]

    def hash_content(frame: str) -> bytes:
        return sha256((root / frame).read_bytes()).digest()

    first: dict[bytes, str] = {}
    faults = []
    for frame, content in _each(frames, hash_content, "frames of equal size compared"):
        other = first.setdefault(content, frame)
        if owners[other] != owners[frame]:
            faults.append(
                f"{root / frame} has the same content as {root / other} of another tracklet; remove one of them"
            )
    return faults


def _each(frames: list[str], work: Callable[[str], R], title: str) -> Iterator[tuple[str, R]]:
    """Each frame with what `work` returns for it, on several threads."""
    with bar(len(frames), title, "frame") as progress:
        for frame, result in zip(frames, prefetch(frames, work, THREADS, 64 * THREADS), strict=True):
            yield frame, result
            progress.update()
