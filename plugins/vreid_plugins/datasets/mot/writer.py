"""Writes planned tracklets to disk: a folder of crops for each, and the list `tracklets.csv`. Never half of it."""

from __future__ import annotations

import csv
import io
import json
import os
import shutil
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import simplejpeg

from vreid_bench import InputError, bar, prefetch
from vreid_plugins.datasets.mot.plan import NOTE, Crop, Plan, PlannedSequence, read_image
from vreid_plugins.datasets.mot.video import find_decoder, read_frames
from vreid_plugins.datasets.tracklets.index import COLUMNS, LIST, RATE
from vreid_plugins.synthetic.writer import locked, write_atomically

JOURNAL = ".journal"  # inside the unfinished folder: its plan, and an entry for each finished sequence
JPEG_QUALITY = 95
THREADS = 4


def write_tracklets(root: Path, plan: Plan) -> None:
    """Write all tracklets into `root`, which must not exist or be empty.

    The folder grows in `<root>.partial` beside it and gets its name when it is complete. After a kill, finished
    sequences are kept if the plan is the same, and a folder of this very plan is left as it is. After a fault nothing
    is left. Raises InputError for frames that cannot
    be read, and for a folder that cannot be written to.
    """
    root = root.absolute()
    if is_finished(root, plan):
        return
    if root.exists() and (not root.is_dir() or any(root.iterdir())):
        raise InputError(f"{root} is not an empty folder; name a new one for the tracklets")
    partial = root.with_name(root.name + ".partial")
    with locked(partial):
        if not is_finished(partial, plan):
            prepare(partial, plan)
            try:
                fill(partial, plan)
            except InputError:
                shutil.rmtree(partial)
                raise
            write_atomically(partial / LIST, list_rows(plan).encode())
            write_atomically(partial / NOTE, describe(plan))  # last: it says that all is there
        shutil.rmtree(partial / JOURNAL, ignore_errors=True)
        os.replace(partial, root)


def is_finished(folder: Path, plan: Plan) -> bool:
    """Whether this folder is complete and of this plan."""
    note = folder / NOTE
    return note.is_file() and note.read_bytes() == describe(plan)


def prepare(partial: Path, plan: Plan) -> None:
    """Make the unfinished folder that of this plan: what belongs to another plan is removed."""
    note = partial / JOURNAL / "plan"
    known = note.read_text(errors="replace") if note.exists() else None
    if known is None and any(path.name != JOURNAL for path in partial.iterdir()):
        raise InputError(f"{partial} holds files of unknown origin; remove it, or name another folder")
    if known not in (None, plan.hash):
        for path in sorted(partial.iterdir(), key=lambda path: path.name == JOURNAL):  # the journal is removed last
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    (partial / JOURNAL).mkdir(exist_ok=True)
    write_atomically(note, plan.hash.encode())


def fill(partial: Path, plan: Plan) -> None:
    """Write the crops of every sequence that is not finished."""
    done = [(partial / JOURNAL / str(number)).exists() for number in range(len(plan.sequences))]
    sizes = [sequence.counts["crops"] for sequence in plan.sequences]
    kept = sum(size for size, finished in zip(sizes, done, strict=True) if finished)
    with bar(sum(sizes), "crops", "crop", done=kept) as progress:
        for number, sequence in enumerate(plan.sequences):
            if not done[number]:
                for crops in write_sequence(partial, sequence):
                    progress.update(crops)
                write_atomically(partial / JOURNAL / str(number), b"")


def write_sequence(partial: Path, sequence: PlannedSequence) -> Iterator[int]:
    """Write the crops of a sequence, frame by frame; yields how many each frame gave."""
    wanted: dict[int, list[tuple[Crop, Path]]] = {}
    for tracklet in sequence.tracklets:
        (partial / tracklet.folder).mkdir(parents=True, exist_ok=True)
        for crop in tracklet.crops:
            wanted.setdefault(crop.frame, []).append((crop, partial / tracklet.folder / f"{crop.frame:06d}.jpg"))
    last = 0
    for number, frame in number_frames(sequence):
        last = number
        if frame.shape[:2] != sequence.size:
            raise InputError(
                f"{sequence.source.frames}: frame {number} has {frame.shape[0]} x {frame.shape[1]} pixels, expected "
                f"{sequence.size[0]} x {sequence.size[1]} as in the first frame; boxes have one size of frame"
            )
        jobs = wanted.pop(number, [])
        for crop, path in jobs:
            pixels = np.ascontiguousarray(frame[crop.top : crop.bottom, crop.left : crop.right])
            path.write_bytes(simplejpeg.encode_jpeg(pixels, JPEG_QUALITY, "RGB", "444"))
        yield len(jobs)
        if not wanted:
            return
    if wanted:
        raise InputError(
            f"{sequence.source.text}: frame {min(wanted)} has boxes, but {sequence.source.frames} ends after frame "
            f"{last}; name the video that was tracked, or copy it again"
        )


def number_frames(sequence: PlannedSequence) -> Iterator[tuple[int, Any]]:
    """The frames of a sequence with their numbers, from 1: of a video all, of a folder those with crops."""
    if not sequence.images:
        yield from enumerate(read_frames(sequence.source.frames), start=1)
        return
    numbers = sequence.wanted
    paths = [sequence.images[number] for number in numbers]
    yield from zip(numbers, prefetch(paths, read_image, THREADS, 4 * THREADS), strict=True)


def list_rows(plan: Plan) -> str:
    """The text of `tracklets.csv`.

    A person is a track, and a camera a sequence. In a test, the first of several tracklets of a person is a query, and
    everything else is the gallery.
    """
    pieces = Counter(tracklet.person for sequence in plan.sequences for tracklet in sequence.tracklets)
    seen: set[str] = set()
    text = io.StringIO()
    rows = csv.writer(text, lineterminator="\n")
    rows.writerow([*COLUMNS, RATE])
    for sequence in plan.sequences:
        for tracklet in sequence.tracklets:
            asks = pieces[tracklet.person] > 1 and tracklet.person not in seen
            seen.add(tracklet.person)
            split = "train" if plan.cutting.train else "query" if asks else "gallery"
            rows.writerow([split, tracklet.person, sequence.source.name, tracklet.folder, sequence.fps or ""])
    return text.getvalue()


def describe(plan: Plan) -> bytes:
    """The contents of tracks.json."""
    cutting, decoders = plan.cutting, {}
    for sequence in plan.sequences:
        decoders[sequence.source.name] = "images" if sequence.images else find_decoder(sequence.source.frames)
    facts = {
        "schema": 1,
        "plan": plan.hash,
        "min_frames": cutting.least,
        "every": cutting.every,
        "cut_seconds": cutting.seconds,
        "frames_read_by": decoders,
        "counts": plan.counts,
    }
    return (json.dumps(facts, indent=2) + "\n").encode()
