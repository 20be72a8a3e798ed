"""The index of BUPTCampus: which frames each row of a list names, and every check that opens no frame."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

from vreid_bench import Tracklet
from vreid_plugins.datasets.buptcampus.paths import (
    FRAMES,
    PATHS,
    Paths,
    describe_path,
    fake_path,
    frame_number,
    read_paths,
)
from vreid_plugins.datasets.buptcampus.rows import CAMERAS, FAKE, LISTS, ORIGIN, RGB, TRAINED, Key, Row, read_rows
from vreid_plugins.datasets.count_check import check_disjoint
from vreid_plugins.datasets.fault_report import Report, one_of
from vreid_plugins.datasets.folders import check_layout


@dataclass(frozen=True)
class Index:
    """All tracklets of `data_paths.json`; a part that cannot be used is empty."""

    parts: Mapping[str, tuple[Tracklet, ...]]  # those of each list, in its order
    others: tuple[Tracklet, ...] = ()  # those of no list, visible or infrared
    fakes: tuple[str, ...] = ()  # frames that are fake infrared
    own: int = 0  # queries that are in the gallery
    aligned: int = 0  # queries whose aligned tracklet of the other modality is in the gallery
    notes: tuple[str, ...] = ()


@dataclass
class Reading:
    """What is met while the tracklets are made."""

    root: Path
    paths: Paths
    report: Report
    made: dict[Key, Tracklet | None] = field(default_factory=dict)
    unsorted: int = 0  # tracklets whose frames are not listed in order of number
    shifted: int = 0  # aligned tracklets whose frames have other numbers


def load(root: Path, report: Report, *, whole: bool = False) -> Index:
    """Read and check the lists and `data_paths.json` under `root`; no frame is opened, no folder listed.

    whole: also what no list names.
    """
    if not check_layout(root, [FRAMES], [PATHS, *LISTS.values()], ORIGIN, report):
        return Index(dict.fromkeys(LISTS, ()))
    rows = {part: read_rows(root, part, report) for part in LISTS}
    paths = read_paths(root, report)
    if paths is None:
        return Index(dict.fromkeys(LISTS, ()))
    reading = Reading(root, paths, report)
    parts = {part: tuple(make_tracklets(listed, reading)) for part, listed in rows.items()}
    check_aligned(rows, reading)
    check_people(root, parts, report)
    asked, ranked = ({key for row in rows[part] for key in row.keys} for part in ("query", "gallery"))
    own, aligned = len(asked & ranked), len({key.aligned for key in asked} & ranked)
    others = tuple(find_others(reading)) if whole else ()
    fakes = tuple(find_fakes(reading)) if whole else ()
    return Index(parts, others, fakes, own, aligned, tuple(find_notes(reading, own, aligned)))


def make_tracklets(rows: Iterable[Row], reading: Reading) -> Iterator[Tracklet]:
    """The tracklets that rows name, in order; faults are reported, and what cannot be used is left out."""
    for row in rows:
        for key in row.keys:
            if key not in reading.made:
                reading.made[key] = make_tracklet(key, row.where, reading)
            tracklet = reading.made[key]
            if tracklet is not None:
                yield tracklet


def make_tracklet(key: Key, where: str, reading: Reading) -> Tracklet | None:
    """The tracklet of a key, its frames in order of number; None if it cannot be used."""
    listed = reading.paths.get(key)
    if listed is None:
        reading.report(f"{where}: tracklet {key} is not in {PATHS}, expected its frames there; {ORIGIN}.")
        return None
    bad = [(path, fault) for path in listed if (fault := describe_path(path, key))]
    if bad:
        path, fault = bad[0]
        reading.report(f"{reading.root / PATHS}, tracklet {key}: {path!r} {fault}{one_of(bad, 'paths')}; {ORIGIN}.")
        return None
    ordered = sorted(listed, key=frame_number)
    again = [b for a, b in pairwise(ordered) if frame_number(a) == frame_number(b)]
    if again:
        reading.report(
            f"{reading.root / PATHS}, tracklet {key}: {again[0]!r} has the number of another frame"
            f"{one_of(again, 'frames')}, expected each number once; {ORIGIN}."
        )
        return None
    reading.unsorted += ordered != list(listed)
    frames = tuple(f"{FRAMES}/{path}" for path in ordered)
    return Tracklet(frames, int(key.person), CAMERAS[key.camera], (("modality", key.modality),), camera=key.camera)


def check_aligned(rows: Mapping[str, Sequence[Row]], reading: Reading) -> None:
    """Check that the two tracklets of a training row have equally many frames: they are read side by side."""
    for row in (row for part in TRAINED for row in rows[part]):
        visible, infrared = (reading.made[key] for key in row.keys)
        if visible is None or infrared is None:
            continue
        if len(visible.frames) != len(infrared.frames):
            reading.report(
                f"{row.where}: {len(visible.frames):,} RGB and {len(infrared.frames):,} IR frames, expected equally "
                f"many, as the two are aligned; {ORIGIN}."
            )
        reading.shifted += frame_numbers(visible) != frame_numbers(infrared)


def check_people(root: Path, parts: Mapping[str, tuple[Tracklet, ...]], report: Report) -> None:
    """Check that nobody is both trained on and tested, and nobody in both training lists."""
    test = (*parts["query"], *parts["gallery"])
    for part in TRAINED:
        check_disjoint(parts[part], test, root, report)
    both = sorted({t.pid for t in parts["train"]} & {t.pid for t in parts["auxiliary"]})
    if both:
        report(
            f"{root / TRAINED['auxiliary']}: person {both[0]} is in {TRAINED['train']}, too{one_of(both, 'persons')}, "
            "expected nobody in both; restore the lists."
        )


def find_others(reading: Reading) -> Iterator[Tracklet]:
    """The tracklets that no list names."""
    for key in reading.paths:
        if key.modality != FAKE and key not in reading.made:
            tracklet = make_tracklet(key, f"{reading.root / PATHS}", reading)
            if tracklet is not None:
                yield tracklet


def find_fakes(reading: Reading) -> Iterator[str]:
    """The fake infrared frames that are listed: each belongs to a visible one."""
    for key, listed in reading.paths.items():
        if key.modality != FAKE:
            continue
        visible = {fake_path(path) for path in reading.paths.get(key._replace(modality=RGB), ())}
        alone = [path for path in listed if path not in visible]
        if alone:
            reading.report(
                f"{reading.root / PATHS}, tracklet {key}: {alone[0]!r} belongs to no {RGB} frame"
                f"{one_of(alone, 'paths')}, expected the path of one with {FAKE} for its folder; {ORIGIN}."
            )
        yield from (f"{FRAMES}/{path}" for path in listed if path in visible)


def find_notes(reading: Reading, own: int, aligned: int) -> Iterator[str]:
    """What the reader of a result must know and what is no fault."""
    if reading.unsorted:
        many = f"{reading.unsorted:,} tracklets of {PATHS}"
        yield f"{many} are not listed in order of frame number; they were sorted by it."
    if reading.shifted:
        yield f"{reading.shifted:,} training rows have frames of other numbers in {RGB} than in IR."
    if own:
        yield f"{own:,} queries are in the gallery, too; they take no rank for themselves."
    if aligned:
        yield (
            f"{aligned:,} queries have their aligned tracklet of the other modality in the gallery: the same walk, "
            "recorded at the same time, counts as a match."
        )


def frame_numbers(tracklet: Tracklet) -> list[int]:
    """The numbers of the frames, ascending."""
    return [frame_number(frame) for frame in tracklet.frames]
