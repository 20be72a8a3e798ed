"""The sequences of P-DESTRE and its divisions: reading them, and every check that opens no frame."""

from __future__ import annotations

import os
from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path

from vreid_bench import Split, Tracklet
from vreid_plugins.datasets.count_check import check_disjoint
from vreid_plugins.datasets.fault_report import Report, is_leftover, one_of
from vreid_plugins.datasets.folders import ORIGIN, is_folder
from vreid_plugins.datasets.p_destre.lists import PARTS, Division, find_crops, load_divisions
from vreid_plugins.datasets.p_destre.names import (
    ENDING,
    EXAMPLE,
    SEQUENCE,
    SequenceName,
    frame_key,
    is_misplaced,
    name_person,
    number_camera,
    order_frames,
)


@dataclass(frozen=True)
class Folder:
    """The frames of one person in one sequence, as a folder holds them."""

    sequence: SequenceName
    number: int  # of the person
    path: str  # below the root
    frames: tuple[str, ...]  # names, in order of their numbers
    empty: tuple[str, ...]  # frames of 0 bytes
    foreign: tuple[str, ...]  # what else lies there

    @property
    def person(self) -> tuple[str, int]:
        """Who it shows: a number tells the people of one session apart."""
        return self.sequence.session, self.number


@dataclass(frozen=True)
class Index:
    """All sequences that a division names, and the splits; what cannot be used is left out."""

    divisions: tuple[Division, ...] = ()
    folders: tuple[Folder, ...] = ()  # of people, in order of their sequences and numbers
    nobody: tuple[str, ...] = ()  # paths of folders that show nobody: numbers of 0 or less
    tracklets: tuple[Tracklet, ...] = ()
    splits: tuple[Split, ...] = ()
    unlisted: tuple[str, ...] = ()  # sequences on disk that no division names
    notes: tuple[str, ...] = ()


def load(root: Path, report: Report) -> Index:
    """Read and check all lists and folders under `root`; no frame is opened, but the size of each is asked for."""
    divisions = load_divisions(root, report)
    if not divisions:
        return Index()
    names = sorted({SequenceName(name) for d in divisions for name in d.sequences}, key=lambda name: name.order)
    crops = find_crops(root)
    folders: list[Folder] = []
    nobody: list[str] = []
    for name in names:
        people, others = list_sequence(root, f"{crops}/{name.text}".lstrip("/"), name, report)
        folders += people
        nobody += others
    tracklets = make_tracklets(folders)
    by_sequence: dict[str, list[Tracklet]] = {name.text: [] for name in names}
    for folder, tracklet in tracklets:
        by_sequence[folder.sequence.text].append(tracklet)
    splits = tuple(make_split(division, by_sequence) for division in divisions)
    for split in splits:
        check_disjoint(split.train, split.test, root, report)
    unlisted = tuple(find_unlisted(root / crops, by_sequence))
    index = Index(divisions, tuple(folders), tuple(nobody), tuple(t for _, t in tracklets), splits, unlisted)
    return replace(index, notes=tuple(write_notes(index, names)))


def list_sequence(root: Path, path: str, name: SequenceName, report: Report) -> tuple[list[Folder], list[str]]:
    """The folders of people in one sequence, in order of their numbers, and those of nobody."""
    entries = scan(root / path)
    if entries is None:
        state = "is not a folder" if os.path.exists(root / path) else "is missing"
        report(
            f"{root / path} {state}, but a division names the sequence, expected a folder for each person; {ORIGIN}."
        )
        return [], []
    numbers: dict[int, str] = {}
    nobody, strange, again = [], [], []
    for entry in entries:
        number = whole_number(entry.name)
        if number is None or not is_folder(entry):
            strange.append(entry.name)
        elif number <= 0:
            nobody.append(f"{path}/{entry.name}")
        elif numbers.setdefault(number, entry.name) != entry.name:
            again.append(entry.name)
    if strange:
        report(
            f"{root / path} holds {strange[0]}{one_of(strange, 'names')}, expected folders named by the numbers of "
            "people, such as 105 or -1; delete or rename it."
        )
    if again:
        report(
            f"{root / path} holds {again[0]} and {numbers[int(again[0])]}{one_of(again, 'pairs')}, expected one folder "
            f"for each number; {ORIGIN}."
        )
    if not numbers:
        report(f"{root / path} holds nobody, expected a folder for each person, such as {EXAMPLE}/105; {ORIGIN}.")
    return [list_folder(root, f"{path}/{numbers[n]}", name, n, report) for n in sorted(numbers)], nobody


def scan(folder: Path) -> list[os.DirEntry[str]] | None:
    """What lies in a folder, sorted by name, without what a file manager left behind; None if it cannot be listed."""
    try:
        found = [entry for entry in os.scandir(folder) if not is_leftover(entry.name)]
    except OSError:
        return None
    return sorted(found, key=lambda entry: entry.name)


def is_empty(entry: os.DirEntry[str]) -> bool:
    """Is it a file of 0 bytes? A link to itself is none."""
    try:
        return entry.is_file() and not entry.stat().st_size
    except OSError:
        return False


def whole_number(name: str) -> int | None:
    """The number that a folder's name is; None for another name."""
    return int(name) if name.isascii() and name.removeprefix("-").isdigit() else None


def list_folder(root: Path, path: str, sequence: SequenceName, number: int, report: Report) -> Folder:
    """The frames of one person: files of 0 bytes are none, as the published loader has it."""
    entries = scan(root / path) or []
    frames: list[str] = []
    empty: list[str] = []
    foreign: list[str] = []
    for entry in entries:
        if not entry.name.endswith(ENDING) or is_folder(entry):
            foreign.append(entry.name)
        else:
            (empty if is_empty(entry) else frames).append(entry.name)
    ordered = tuple(order_frames(str(root / path), frames, report))
    return Folder(sequence, number, path, ordered, tuple(empty), tuple(foreign))


def make_tracklets(folders: Sequence[Folder]) -> list[tuple[Folder, Tracklet]]:
    """The tracklet of each folder with a frame: people 1 to n in order of their sessions and numbers."""
    shown = [folder for folder in folders if folder.frames]
    ordered = sorted(shown, key=lambda folder: (folder.sequence.order[0], folder.person))
    pids = {person: pid for pid, person in enumerate(dict.fromkeys(f.person for f in ordered), start=1)}
    return [(folder, make_tracklet(folder, pids[folder.person])) for folder in shown]


def make_tracklet(folder: Folder, pid: int) -> Tracklet:
    """What one folder shows."""
    name = folder.sequence
    return Tracklet(
        tuple(f"{folder.path}/{frame}" for frame in folder.frames),
        pid,
        number_camera(name.camera),
        (("day", name.day), ("session", name.session)),
        person=name_person(*folder.person),
        camera=name.camera,
    )


def make_split(division: Division, by_sequence: Mapping[str, list[Tracklet]]) -> Split:
    """The split of one division: test is the queries, then what else the gallery lists; a row may be both."""
    lists = division.lists
    train = tuple(tracklet for name in lists["Train"] for tracklet in by_sequence[name])
    test: list[Tracklet] = []
    rows: dict[str, range] = {}
    for name in dict.fromkeys((*lists["Query"], *lists["Gallery"])):
        rows[name] = range(len(test), len(test) + len(by_sequence[name]))
        test += by_sequence[name]
    query, gallery = (tuple(chain.from_iterable(rows[name] for name in lists[part])) for part in PARTS[1:])
    return Split(train, tuple(test), query, gallery)


def find_unlisted(folder: Path, listed: Container[str]) -> Iterator[str]:
    """The sequences in a folder that are not listed."""
    for entry in scan(folder) or ():
        if is_folder(entry) and SEQUENCE.fullmatch(entry.name) and entry.name not in listed:
            yield entry.name


def write_notes(index: Index, names: Sequence[SequenceName]) -> Iterator[str]:
    """What is no fault, and what whoever reads a result should know."""
    empty = sum(len(folder.empty) for folder in index.folders)
    bare = sum(not folder.frames for folder in index.folders)
    if index.nobody:
        yield f"Folders of nobody (numbers of 0 or less), which are left out: {len(index.nobody):,}."
    if empty:
        yield f"Frames of 0 bytes, which are left out: {empty:,}."
    alike = sum(len(numbers) - len(set(numbers)) for numbers in map(frame_numbers, index.folders))
    if alike:
        yield f"Frames with the number of another frame of their folder, which stay: {alike:,}."
    if bare:
        yield f"Folders of people without any frame, which are left out: {bare:,}."
    if index.unlisted:
        yield f"Sequences that no division names: {len(index.unlisted):,}, such as {index.unlisted[0]}."
    short = [name for name in names if name.is_cut_short]
    if short:
        yield (
            f"The published rule cuts the last two characters, so {short[0].text}{one_of(short, 'sequences')} has "
            f"camera {short[0].camera} of session {short[0].session}."
        )
    both = [d for d in index.divisions if set(d.lists["Query"]) & set(d.lists["Gallery"])]
    if both:
        yield (
            f"Division {both[0].number}{one_of(both, 'divisions')} lists sequences as query and as gallery; what is "
            "ranked for a query is as listed, and its own sequence takes no rank."
        )


def frame_numbers(folder: Folder) -> list[int]:
    """The numbers of the frames of one folder, ascending."""
    keys = map(frame_key, folder.frames)
    return [key[0] for key in keys if key is not None]


def misplaced_frames(index: Index) -> Iterator[str]:
    """Paths of the frames whose names tell another person or day than their folders."""
    for folder in index.folders:
        for name in folder.frames:
            if is_misplaced(name, folder.number, folder.sequence.day):
                yield f"{folder.path}/{name}"
