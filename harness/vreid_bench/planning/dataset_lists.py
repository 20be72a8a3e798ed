"""What a reader returned: a data set whose lists can be used, or every fault of them as a sentence.

Alike faults are one sentence, about the first of them and with their number.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from numbers import Integral
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple, get_args

import numpy as np

from vreid_bench.contracts.dataset import Dataset, RankingForm, Source, Split, Tracklet, Unscored
from vreid_bench.contracts.people import DISTRACTOR, JUNK
from vreid_bench.planning.split_names import name_split
from vreid_bench.registry.value_checks import describe_value
from vreid_bench.system.errors import InputError

SOURCES = get_args(Source)
FORMS = get_args(RankingForm)
RESERVED = ("pid", "camid", "person", "camera", "frames")  # what every tracklet has besides attributes
ROWS = "row numbers of the test tracklets, from 0; `Split.apart` makes them from tracklets"

LARGEST = 2**63 - 1  # of an array of labels

RELATIVE = "write str(path.relative_to(root)) for a path"


class Fault(NamedTuple):
    """One fault of a list; alike faults differ in `place` and `found` alone."""

    place: str
    found: str
    expected: str  # and what to do


def check_dataset_lists(found: Any, who: str, variant: str = "") -> Dataset:
    """The data set that a reader returned. Raises InputError that names the reader, `who`, if it cannot be used.

    variant: how it is divided, if a protocol chooses it.
    """
    for sentence in find_list_faults(found, variant):
        raise InputError(f"{who}: {sentence}")
    dataset: Dataset = found
    return dataset


def find_list_faults(found: Any, variant: str = "") -> Iterator[str]:
    """Everything in what a reader returned that cannot be used, a sentence for each kind of fault."""
    if not isinstance(found, Dataset):
        yield f"`read` returned {describe_value(found)}, expected a Dataset; correct the reader"
        return
    whole = list(_find_field_faults(found))
    if whole:
        yield from whole
        return
    splits = [(name_split(number, variant), split) for number, split in enumerate(found.splits)]
    faults = [fault for where, split in splits for fault in _find_split_faults(split, where)]
    faults = faults or [fault for where, split in splits for fault in _find_repeats(split, where)]
    faults = faults or list(_find_name_faults(splits))
    alike = Counter(fault.expected for fault in faults)
    for expected, number in alike.items():
        first = next(fault for fault in faults if fault.expected == expected)
        others = f" (one of {number:,} alike)" if number > 1 else ""
        yield f"{first.place} {first.found}{others}, expected {expected}"


def _find_field_faults(dataset: Dataset) -> Iterator[str]:
    if not isinstance(dataset.name, str) or not dataset.name:
        yield f"the Dataset has the name {dataset.name!r}, expected a text"
    if not isinstance(dataset.root, Path):
        yield f"the Dataset has the root {dataset.root!r}, expected the Path that `read` was given"
    if dataset.source not in SOURCES:
        yield f"the Dataset has the source {dataset.source!r}, expected one of {', '.join(SOURCES)}"
    if not _is_list(dataset.notes) or not all(isinstance(note, str) for note in dataset.notes):
        yield f"the Dataset has the notes {dataset.notes!r}, expected a tuple of texts"
    unscored: Any = dataset.unscored
    if unscored is not None:
        if not isinstance(unscored, Unscored) or not isinstance(unscored.reason, str) or not unscored.reason:
            yield f"the Dataset has the unscored {unscored!r}, expected None or Unscored(reason, form)"
        elif unscored.form not in FORMS:
            yield f"the Dataset is unscored with the form {unscored.form!r}, expected one of {', '.join(FORMS)}"
    if not _is_list(dataset.splits) or not all(isinstance(split, Split) for split in dataset.splits):
        kind = describe_value(dataset.splits)
        yield f"the Dataset has splits that are {kind}, expected a tuple of Split; write (split,) if there is one"
    elif not dataset.splits:
        yield "the Dataset has no splits, expected at least one"


def _find_split_faults(split: Split, where: str) -> Iterator[Fault]:
    usable = True
    for part in ("train", "test"):
        tracklets: Any = getattr(split, part)
        if not _is_list(tracklets):
            usable = False
            yield Fault(f"{where}: {part}", f"is {describe_value(tracklets)}", "a tuple of Tracklets")
            continue
        for row, tracklet in enumerate(tracklets):
            fault = _find_tracklet_fault(tracklet)
            if fault is None and part == "train" and tracklet.pid == JUNK:
                fault = f"is junk (pid {JUNK})", f"a person, or {DISTRACTOR} for one without a label; leave junk out"
            if fault is not None:
                usable = False
                yield Fault(f"{where}, {part} tracklet {row}", *fault)
    for role in ("query", "gallery") if usable else ():
        yield from _find_row_faults(split, role, f"{where}, {role}")
    if usable and split.query and not len(split.gallery):
        yield Fault(f"{where}: the gallery", "is empty", "at least one row")


def _find_tracklet_fault(tracklet: Any) -> tuple[str, str] | None:
    """The first fault of a tracklet, as what it has and what is expected."""
    if not isinstance(tracklet, Tracklet):
        return f"is {describe_value(tracklet)}", "a Tracklet(frames, pid, camid)"
    frames: Any = tracklet.frames
    if not _is_list(frames):
        return f"has {describe_value(frames)} as frames", "a tuple of paths of image files"
    if not frames:
        return "has no frames", "at least one; leave such tracklets out"
    for frame in frames:
        if not isinstance(frame, str):
            return f"has the frame {frame!r}", f"paths as texts, relative to the root; {RELATIVE}"
        if _leaves(frame):
            return (
                f"has the frame {frame!r}",
                f"a path below the root, without / at its start and without `..`; {RELATIVE}",
            )
    for name, value in (("pid", tracklet.pid), ("camid", tracklet.camid)):
        if not _is_whole(value):
            return f"has the {name} {value!r}", f"a whole number as {name}; give each label a number in the reader"
        if abs(int(value)) > LARGEST:
            return f"has the {name} {value}", f"at most {LARGEST} as {name}; give each label a number in the reader"
    if tracklet.pid < JUNK:
        return (
            f"has the pid {tracklet.pid}",
            f"1 or more for a person, {DISTRACTOR} for a distractor, {JUNK} for junk",
        )
    attributes: Any = tracklet.attributes
    if not _is_list(attributes) or not all(_is_list(pair) and len(pair) == 2 for pair in attributes):
        return f"has the attributes {attributes!r}", 'pairs of texts such as (("outfit", "3"),)'
    for name, value in attributes:
        if not isinstance(name, str) or not name or not isinstance(value, str):
            return f"has the attribute {name!r} with the value {value!r}", "a name and a text, empty if it is not known"
        if name in RESERVED:
            return f"has an attribute {name!r}", f"a name that is none of {', '.join(RESERVED)}"
    if len(dict(attributes)) < len(attributes):
        return f"has the attributes {attributes!r}", "each attribute once"
    for field in ("person", "camera"):
        label: Any = getattr(tracklet, field)
        if not isinstance(label, str):
            return f"has the {field} {label!r}", f"a text as {field}, empty where the data set has none"
    return None


def _find_name_faults(splits: Sequence[tuple[str, Split]]) -> Iterator[Fault]:
    """A pid or a camid with two names, and a name of two of them."""
    names: dict[tuple[str, int], str] = {}
    owners: dict[tuple[str, str], int] = {}
    for place, tracklet in _list_tracklets(splits):
        labels = [("camid", tracklet.camid, tracklet.camera_name)]
        if tracklet.pid > DISTRACTOR:
            labels.append(("pid", tracklet.pid, tracklet.person_name))
        for kind, number, name in labels:
            given = f"gives {kind} {number} the name {name!r}"
            if (before := names.setdefault((kind, number), name)) != name:
                yield Fault(place, f"{given}, before it was {before!r}", f"one name for each {kind}")
            elif (owner := owners.setdefault((kind, name), number)) != number:
                yield Fault(place, f"{given}, which {kind} {owner} has", f"another name for each {kind}")


def _find_repeats(split: Split, where: str) -> Iterator[Fault]:
    """Tracklets of one part that begin with the same frame, which is the name of a tracklet."""
    for part in ("train", "test"):
        rows: dict[str, int] = {}
        for row, tracklet in enumerate(getattr(split, part)):
            if (before := rows.setdefault(tracklet.name, row)) != row:
                found = f"begins with {tracklet.name}, as {part} tracklet {before} does"
                yield Fault(f"{where}, {part} tracklet {row}", found, "each tracklet once")


def _list_tracklets(splits: Sequence[tuple[str, Split]]) -> Iterator[tuple[str, Tracklet]]:
    """Every tracklet of every split, with its place."""
    for where, split in splits:
        for part in ("train", "test"):
            for row, tracklet in enumerate(getattr(split, part)):
                yield f"{where}, {part} tracklet {row}", tracklet


def _find_row_faults(split: Split, role: str, where: str) -> Iterator[Fault]:
    rows: Any = getattr(split, role)
    if not _is_list(rows):
        yield Fault(where, f"is {describe_value(rows)}", f"a tuple of {ROWS}")
        return
    size, seen = len(split.test), set()
    for place, row in enumerate(rows):
        here = f"{where} row {place}"
        if not _is_whole(row):
            yield Fault(here, f"is {row!r}" if isinstance(row, str | float) else f"is {describe_value(row)}", ROWS)
        elif not 0 <= row < size:
            yield Fault(here, f"is {row}", f"0 to {size - 1}, as there are {size:,} test tracklets")
        elif row in seen:
            yield Fault(here, f"is {row}, which is there before", "each test tracklet once")
        elif role == "query" and split.test[row].pid <= DISTRACTOR:
            yield Fault(here, f"shows nobody (pid {split.test[row].pid})", "a person, with pid 1 or more")
        else:
            seen.add(row)


def _leaves(frame: str) -> bool:
    """Does the path lead out of the root, or nowhere?"""
    return not frame or frame.startswith("/") or (".." in frame and ".." in PurePosixPath(frame).parts)


def _is_list(value: Any) -> bool:
    return isinstance(value, Sequence) and not isinstance(value, str | bytes | Tracklet)


def _is_whole(value: Any) -> bool:
    return isinstance(value, Integral) and not isinstance(value, bool | np.bool_)
