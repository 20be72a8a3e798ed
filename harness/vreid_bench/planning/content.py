"""The pictures of a data set: a hash over all, and which are shared by tracklets that should not share any.

Both are computed once for each copy, and again only where a file changed.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import NamedTuple

import click
import numpy as np
from numpy.typing import NDArray

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


class Content(NamedTuple):
    """What is known of the pictures of a data set."""

    sha256: str  # over the path and the bytes of every frame, the same for every copy
    shared: tuple[str, ...]  # a sentence for each kind of tracklets that share pictures


def add_content(datasets: Mapping[str, Dataset], quiet: bool = False) -> dict[str, Dataset]:
    """The same data sets, by name, with the hash of their content, and a note for each kind of shared pictures.

    A warning tells the notes. Raises InputError as `read_content` does.
    """
    found = {}
    for name, dataset in datasets.items():
        content = read_content(dataset, cache_folder(), quiet)
        for sentence in content.shared:
            click.echo(f"warning: {sentence}", err=True)
        found[name] = replace(dataset, content=content.sha256, notes=(*dataset.notes, *content.shared))
    return found


def read_content(dataset: Dataset, kept: Path, quiet: bool = False) -> Content:
    """A hash over the path and the bytes of every frame of a data set, and the pictures that tracklets share.

    It is kept in a file below `kept`, and is good as long as no size and no modification time of a frame differs.
    MARS has 1.2 million frames: reading them once takes minutes, which a bar shows. Raises InputError for a frame that
    cannot be read, is empty or was cut short: it would stop a run only after training.
    """
    parts = (part for split in dataset.splits for part in (split.train, split.test))
    frames = sorted({frame for part in parts for tracklet in part for frame in tracklet.frames})
    file = kept / "content" / f"{sha256(str(dataset.root.resolve()).encode())[:16]}-{dataset.name}.json"
    state = _hash_state(dataset.root, frames)
    known = _read_known(file).get(state)
    if known is not None:
        return known
    sha256_of_all, digests = _hash_frames(dataset, frames, quiet)
    content = Content(sha256_of_all, tuple(_find_shared(dataset, frames, digests)))
    file.parent.mkdir(parents=True, exist_ok=True)
    write_atomic(file, json.dumps({state: content}).encode())
    return content


def _read_known(file: Path) -> dict[str, Content]:
    """State of the files -> their content; empty without a readable file, which is written again."""
    try:
        known = json.loads(file.read_bytes())
        return {state: Content(str(content), tuple(map(str, shared))) for state, (content, shared) in known.items()}
    except (OSError, ValueError, AttributeError, TypeError):
        return {}


def _find_shared(dataset: Dataset, frames: Sequence[str], digests: NDArray[np.uint64]) -> Iterator[str]:
    """Pictures that are in the training and in the test part, and pictures of two test tracklets.

    Two tracklets of one person in one camera may share pictures: they are no match, and DukeMTMC-VideoReID lists its
    query tracklets in the gallery once more. Where identities are masked, one tracklet can have several.
    """
    order = np.argsort(digests, kind="stable")
    equal = np.flatnonzero(digests[order][1:] == digests[order][:-1])
    if not equal.size:
        return
    repeated = {frames[place] for place in np.unique(np.concatenate([order[equal], order[equal + 1]])).tolist()}
    key = {frame: int(digests[place]) for place, frame in enumerate(frames) if frame in repeated}
    for number, split in enumerate(dataset.splits):
        where = f" of split {number}" if len(dataset.splits) > 1 else ""
        trained: dict[int, str] = {}
        for tracklet in split.train:
            trained.update((key[frame], frame) for frame in tracklet.frames if frame in key)
        tested: dict[int, tuple[tuple[int, int], str]] = {}
        leaks, twins = [], []
        for tracklet in split.test:
            seen = tracklet.pid, tracklet.camid
            for frame in tracklet.frames:
                if frame in key:
                    if key[frame] in trained:
                        leaks.append((frame, trained[key[frame]]))
                    first, other = tested.setdefault(key[frame], (seen, frame))
                    if first != seen and not dataset.unscored:
                        twins.append((frame, other))
        for pairs, what in ((leaks, "trained on"), (twins, "in another test tracklet")):
            if pairs:
                yield (
                    f"{dataset.name}: {len(pairs):,} test frames{where} are the same picture as one that is {what}, "
                    f"such as {pairs[0][0]} and {pairs[0][1]}; scores are then too high, so correct the lists"
                )


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


def _hash_frames(dataset: Dataset, frames: Sequence[str], quiet: bool) -> tuple[str, NDArray[np.uint64]]:
    """The hash over all, and the first eight bytes of the hash of each frame: enough to tell a million apart."""
    each = np.empty(len(frames), np.uint64)
    done = 0
    hasher, chunks = hashlib.sha256(), [frames[at : at + CHUNK] for at in range(0, len(frames), CHUNK)]
    with bar(len(frames), "hash frames", "frame", quiet=quiet) as progress, ThreadPoolExecutor(THREADS) as pool:
        for chunk, digests in zip(chunks, pool.map(lambda chunk: _digest(dataset, chunk), chunks), strict=True):
            for frame, digest in zip(chunk, digests, strict=True):
                hasher.update(f"{frame}\0".encode() + digest)
                each[done] = int.from_bytes(digest[:8])
                done += 1
            progress.update(len(chunk))
    return hasher.hexdigest(), each


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
