"""The pictures of a data set: a hash over all, and which are shared by tracklets that should not share any.

Both are computed once for each copy, and again only where a file changed.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from vreid_bench.contracts.dataset import Dataset
from vreid_bench.modeling.frames import FORMATS, advise, find_cut
from vreid_bench.planning.dataset_lists import RELATIVE
from vreid_bench.planning.shared_pictures import SharedPictures, find_shared_pictures
from vreid_bench.system.cache_folder import cache_folder
from vreid_bench.system.errors import InputError
from vreid_bench.system.files import write_atomic
from vreid_bench.system.fingerprint import sha256
from vreid_bench.system.plain_json import load_json
from vreid_bench.system.progress import bar
from vreid_bench.system.terminal import echo

CHUNK = 256  # files that a thread takes at a time
PREFIX = 16  # bytes that Pillow tells a format by
THREADS = 8  # they wait for the disk most of the time


class Content(NamedTuple):
    """What is known of the pictures of a data set."""

    sha256: str  # over the path and the bytes of every frame, the same for every copy
    shared: tuple[str, ...]  # a sentence for each kind of tracklets that share pictures and should not
    repeated: tuple[str, ...] = ()  # a sentence on pictures that repeat within a tracklet


def add_content(datasets: Mapping[str, Dataset], quiet: bool = False) -> dict[str, Dataset]:
    """The same data sets, by name, with the hash of their content, and a note for each kind of shared pictures.

    Warnings tell what is shared, and notes what repeats within a tracklet, which is no fault. Raises InputError as
    `read_content` does.
    """
    found = {}
    for name, dataset in datasets.items():
        content = read_content(dataset, cache_folder(), quiet)
        for sentence in content.shared:
            echo(f"warning: {sentence}", err=True)
        for sentence in content.repeated:
            echo(f"note: {sentence}", err=True)
        found[name] = replace(dataset, content=content.sha256, notes=(*dataset.notes, *content.shared))
    return found


def read_content(dataset: Dataset, kept: Path, quiet: bool = False) -> Content:
    """A hash over the path and the bytes of every frame of a data set, and the pictures that tracklets share.

    It is kept in a file below `kept`, and is good as long as no size and no modification time of a frame differs.
    MARS has 1.2 million frames: reading them once takes minutes, which a bar shows. Raises InputError for a frame that
    cannot be read, is empty or was cut short: it would stop a run only after training.
    """
    frames, file = _list_frames(dataset), _name_file(dataset, kept)
    state = _hash_state(dataset.root, frames)
    known = _read_known(file).get(state)
    if known is not None:
        return known
    sha256_of_all, digests = _hash_frames(dataset, frames, quiet)
    content = Content(sha256_of_all, *find_shared_pictures(dataset, frames, digests))
    file.parent.mkdir(parents=True, exist_ok=True)
    write_atomic(file, json.dumps({state: content}).encode())
    return content


def find_decay(dataset: Dataset, kept: Path, quiet: bool = False) -> str:
    """A sentence if frames have changed though no size and no modification time has, as damage on a disk leaves them.

    All frames are read again. Empty if they are as they were, or if nothing is known of before. Raises InputError as
    `read_content` does.
    """
    frames = _list_frames(dataset)
    known = _read_known(_name_file(dataset, kept)).get(_hash_state(dataset.root, frames))
    if known is None or known.sha256 == _hash_frames(dataset, frames, quiet)[0]:
        return ""
    return (
        f"{dataset.root}: frames have changed since they were first read, though no size and no time of a file has, so "
        "the disk or a copy damaged them; copy the frames again"
    )


def _name_file(dataset: Dataset, kept: Path) -> Path:
    """Where the content of a copy is kept."""
    return kept / "content" / f"{sha256(os.fsencode(dataset.root.resolve()))[:16]}-{dataset.name}.json"


def find_pictures(dataset: Dataset) -> SharedPictures:
    """The pictures that tracklets share or repeat; of frames that cannot be read nothing is said."""
    try:
        content = read_content(dataset, cache_folder())
    except InputError:
        frames, digests = [], []
        for frame in _list_frames(dataset):
            with suppress(InputError):
                digests.append(int.from_bytes(_digest_frame(dataset, frame)[:8]))
                frames.append(frame)
        return find_shared_pictures(dataset, frames, np.array(digests, np.uint64))
    return SharedPictures(content.shared, content.repeated)


def _list_frames(dataset: Dataset) -> list[str]:
    """Every frame of every split once, in order."""
    parts = (part for split in dataset.splits for part in (split.train, split.test))
    return sorted({frame for part in parts for tracklet in part for frame in tracklet.frames})


def _read_known(file: Path) -> dict[str, Content]:
    """State of the files -> their content; empty without a readable file, which is written again."""
    try:
        known = load_json(file.read_bytes())
        return {
            state: Content(str(content), tuple(map(str, shared)), tuple(map(str, repeated)))
            for state, (content, shared, repeated) in known.items()
        }
    except (OSError, ValueError, AttributeError, TypeError):
        return {}


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
    return [_digest_frame(dataset, frame) for frame in frames]


def _digest_frame(dataset: Dataset, frame: str) -> bytes:
    root = dataset.root
    try:
        with open(f"{root}/{frame}", "rb", buffering=0) as file:
            data = file.read()
    except OSError as fault:
        raise InputError(_describe(root, frame, fault)) from fault
    if damage := find_cut(data) or _find_strange(data):
        raise InputError(f"frame {root / frame} {damage}; {advise(dataset.name, root)}")
    return hashlib.sha256(data).digest()


def _find_strange(data: bytes) -> str:
    """What shows, without decoding, that a file is no image of a format that frames have; empty if nothing does."""
    from PIL import Image

    Image.init()
    accepts = (Image.OPEN[name][1] for name in FORMATS)
    if any(accept is None or accept(data[:PREFIX]) for accept in accepts):
        return ""
    return f"cannot be decoded (no image: expected {', '.join(FORMATS[:-1])} or {FORMATS[-1]})"


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
