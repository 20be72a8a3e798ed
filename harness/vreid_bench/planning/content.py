"""A hash over the pictures of a data set: computed once for each copy, and again only where a file changed."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path, PurePosixPath

from vreid_bench.contracts.dataset import Dataset
from vreid_bench.modeling.frames import advise, find_cut
from vreid_bench.planning.dataset_lists import RELATIVE
from vreid_bench.system.cache_folder import cache_folder
from vreid_bench.system.errors import InputError
from vreid_bench.system.files import write_atomic
from vreid_bench.system.fingerprint import sha256
from vreid_bench.system.progress import bar

CHUNK = 256  # files that a thread takes at a time
THREADS = 8  # they wait for the disk most of the time


def add_content(datasets: Mapping[str, Dataset], quiet: bool = False) -> dict[str, Dataset]:
    """The same data sets, by name, with the hash of their content. Raises InputError as `hash_content` does."""
    return {name: replace(each, content=hash_content(each, cache_folder(), quiet)) for name, each in datasets.items()}


def hash_content(dataset: Dataset, kept: Path, quiet: bool = False) -> str:
    """sha256 over the path and the bytes of every frame of a data set, the same for every copy of it.

    The hash is kept in a file below `kept`, and is good as long as no size and no modification time of a frame differs.
    MARS has 1.2 million frames: reading them once takes minutes, which a bar shows. Raises InputError for a frame that
    cannot be read, is empty or was cut short: it would stop a run only after training.
    """
    parts = (part for split in dataset.splits for part in (split.train, split.test))
    frames = sorted({frame for part in parts for tracklet in part for frame in tracklet.frames})
    file = kept / "content" / f"{sha256(str(dataset.root.resolve()).encode())[:16]}-{dataset.name}.json"
    state = _hash_state(dataset.root, frames)
    known = _read_known(file)
    if state not in known:
        known = {state: _hash_frames(dataset, frames, quiet)}
        file.parent.mkdir(parents=True, exist_ok=True)
        write_atomic(file, json.dumps(known).encode())
    return known[state]


def _read_known(file: Path) -> dict[str, str]:
    """State of the files -> hash of their content; empty without a readable file, which is written again."""
    try:
        known = json.loads(file.read_bytes())
    except (OSError, ValueError):
        return {}
    return known if isinstance(known, dict) else {}


def _hash_state(root: Path, frames: Sequence[str]) -> str:
    """A hash over the path, size and modification time of every frame."""
    hasher, folder = hashlib.sha256(), str(root)
    for frame in frames:
        try:
            state = os.stat(f"{folder}/{frame}")
        except OSError as fault:
            raise InputError(find_misplacement(root, frames) or _describe(root, frame, fault)) from fault
        hasher.update(f"{frame}\0{state.st_size} {state.st_mtime_ns}\n".encode())
    return hasher.hexdigest()


def _hash_frames(dataset: Dataset, frames: Sequence[str], quiet: bool) -> str:
    hasher, chunks = hashlib.sha256(), [frames[at : at + CHUNK] for at in range(0, len(frames), CHUNK)]
    with bar(len(frames), "hash frames", "frame", quiet=quiet) as progress, ThreadPoolExecutor(THREADS) as pool:
        for chunk, digests in zip(chunks, pool.map(lambda chunk: _digest(dataset, chunk), chunks), strict=True):
            for frame, digest in zip(chunk, digests, strict=True):
                hasher.update(f"{frame}\0".encode() + digest)
            progress.update(len(chunk))
    return hasher.hexdigest()


def _digest(dataset: Dataset, frames: Sequence[str]) -> list[bytes]:
    found, root = [], dataset.root
    for frame in frames:
        try:
            with open(f"{root}/{frame}", "rb", buffering=0) as file:
                data = file.read()
        except OSError as fault:
            raise InputError(_describe(root, frame, fault)) from fault
        if cut := find_cut(data):
            raise InputError(f"frame {root / frame} {cut}; {advise(dataset.name, root)}")
        found.append(hashlib.sha256(data).digest())
    return found


def _describe(root: Path, frame: str, fault: OSError) -> str:
    return f"{root / frame}: cannot be read ({fault.strerror}); restore the file, or correct its list"


def find_misplacement(root: Path, frames: Sequence[str]) -> str:
    """What is wrong if no frame at all is where its list says, as a sentence; empty if one is there.

    Then no file is lost, but the reader names them from another folder.
    """
    if not frames or any((root / frame).exists() for frame in frames):
        return ""
    parts = PurePosixPath(frames[0]).parts
    ends = ("/".join(parts[at:]) for at in range(1, len(parts)))
    known = next((end for end in ends if (root / end).exists()), "")
    return (
        f"{root}: none of the {len(frames):,} listed frames is in this folder, such as {frames[0]!r}"
        f"{f', which is there as {known!r}' if known else ''}; expected paths relative to the folder that `read(root)` "
        f"is given; {RELATIVE}"
    )
