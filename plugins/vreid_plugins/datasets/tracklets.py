"""One's own data: tracklets listed in `tracklets.csv`, one row each, wherever their frames lie below it."""

from __future__ import annotations

import csv
import glob
import io
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from vreid_bench import (
    DISTRACTOR,
    JUNK,
    Count,
    Dataset,
    Protocol,
    Split,
    Tracklet,
    Verification,
    hookimpl,
)
from vreid_plugins.datasets.faults import Report, also, is_leftover, stop
from vreid_plugins.datasets.frames import check_frames

LIST = "tracklets.csv"
COLUMNS = ("split", "pid", "camid", "frames")
SPLITS = ("train", "query", "gallery")
SPECIAL = {"-1": JUNK, "0": DISTRACTOR}  # labels with a meaning of their own
IMAGES = (".jpg", ".jpeg", ".png", ".bmp", ".tif", ".tiff", ".webp")


class Row(NamedTuple):
    """One line of the list, as it was written, with the frames it names."""

    line: int  # of the file, counted from 1
    split: str
    pid: str
    camid: str
    frames: tuple[str, ...]  # relative to the root, in order of time


class Tracklets:
    """Reads `<root>/tracklets.csv` with the header `split,pid,camid,frames`.

    `split` is train, query or gallery. `pid` and `camid` are any labels; the same label is the same person or
    camera, `-1` is junk and `0` a distractor. `frames` is a folder or a glob, relative to the file. Frames are put
    in the order of the last number in their names.
    """

    def read(self, root: Path) -> Dataset:
        """One split: test is query and gallery rows in file order. Raises InputError at the first fault."""
        root = Path(root)
        return Dataset("tracklets", root, (split(load(root, stop)),), "unverified")

    def verify(self, root: Path, decode: bool = False) -> Verification:
        """What the list holds, and every fault of it and of its frames."""
        root, problems = Path(root), list[str]()
        rows = load(root, problems.append)
        listed = (frame for row in rows for frame in row.frames)
        whole = check_frames(root, listed, problems.append, decode)
        lines = [Count(what, found, None) for what, found in counts(rows)]
        lines.append(Count("frames on disk", whole, None))
        return Verification("unverified", tuple(lines), tuple(problems))


def load(root: Path, report: Report) -> list[Row]:
    """The rows of the list that have frames; every fault goes to `report`."""
    path = root / LIST
    if not path.is_file():
        state = "is a folder, wanted a file" if path.is_dir() else "is missing"
        report(f"{path} {state}; write one with the header {','.join(COLUMNS)} and a row for every tracklet.")
        return []
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        report(f"{path} cannot be read as UTF-8 text ({error}); save it as UTF-8.")
        return []
    rows = [row for row in parse(path, text, report) if row.frames]
    check_uses(path, rows, report)
    check_splits(path, rows, report)
    return rows


def parse(path: Path, text: str, report: Report) -> Iterator[Row]:
    """The rows of the list, with their frames looked up."""
    reader = csv.reader(io.StringIO(text), strict=True)
    try:
        header = [name.strip() for name in next(reader, [])]
        missing = [name for name in COLUMNS if name not in header]
        if missing:
            found = ", ".join(header) or "nothing"
            report(f"{path}, line 1: no column {' and '.join(missing)}, found {found}; wanted {','.join(COLUMNS)}.")
            return
        for cells in reader:
            if not any(cell.strip() for cell in cells):
                continue
            where = f"{path}, line {reader.line_num}"
            if len(cells) != len(header):
                report(f"{where}: {len(cells)} cells, wanted {len(header)} as in the header; quote cells with commas.")
                continue
            cell = dict(zip(header, (cell.strip() for cell in cells), strict=True))
            if check_cells(where, cell, report):
                frames = find_frames(path.parent, cell["frames"])
                if not frames:
                    slash = " (with / between folders)" if "\\" in cell["frames"] else ""
                    report(f"{where}: no image matches {cell['frames']!r} in {path.parent}; correct the path{slash}.")
                yield Row(reader.line_num, cell["split"], cell["pid"], cell["camid"], frames)
    except csv.Error as error:
        report(f"{path}, line {reader.line_num}: {error}; quote cells as CSV does.")


def check_cells(where: str, cell: Mapping[str, str], report: Report) -> bool:
    """Does each cell of a row hold what its column asks for?"""
    empty = [name for name in COLUMNS if not cell[name]]
    if empty:
        report(f"{where}: {' and '.join(empty)} is empty; every tracklet needs {', '.join(COLUMNS)}.")
        return False
    if cell["split"] not in SPLITS:
        report(f"{where}: unknown split {cell['split']!r}, wanted {', '.join(SPLITS)}.")
        return False
    if cell["pid"] in SPECIAL and cell["split"] != "gallery":
        what = "junk" if SPECIAL[cell["pid"]] == JUNK else "a distractor"
        report(f"{where}: pid {cell['pid']} is {what}, which only gallery rows can be; use another label for a person.")
        return False
    frames = PurePosixPath(cell["frames"])
    if frames.is_absolute() or ".." in frames.parts:
        report(f"{where}: {cell['frames']!r} leaves the folder of {LIST}; wanted a path relative to it and below it.")
        return False
    return True


def find_frames(root: Path, pattern: str) -> tuple[str, ...]:
    """The images of a folder or glob below `root`, in order of time; other files are passed over."""
    folder = PurePosixPath(pattern)
    if (root / folder).is_dir():  # first, for a folder may have brackets in its name
        found: Iterable[str] = (str(folder / path.name) for path in (root / folder).iterdir())
    else:
        found = (PurePosixPath(path).as_posix() for path in glob.glob(pattern, root_dir=root, recursive=True))
    return in_time(path for path in set(found) if path.lower().endswith(IMAGES) and not is_leftover(Path(path).name))


def in_time(paths: Iterable[str]) -> tuple[str, ...]:
    """Paths by the last number in their file names; equal numbers, or a name without one, in natural order."""
    numbered = [(re.findall(r"\d+", PurePosixPath(path).stem), path) for path in paths]
    if all(numbers for numbers, _ in numbered):
        return tuple(path for _, path in sorted(numbered, key=lambda item: (int(item[0][-1]), natural(item[1]))))
    return tuple(sorted((path for _, path in numbered), key=natural))


def natural(text: str) -> tuple[list[tuple[int, int, str]], str]:
    """A sort key that puts f10 after f9; the text itself decides between 01 and 1."""
    pieces = re.split(r"(\d+)", text)  # texts and numbers in turn
    return [(0, int(p), "") if i % 2 else (1, 0, p) for i, p in enumerate(pieces) if p], text


def check_uses(path: Path, rows: list[Row], report: Report) -> None:
    """Is every frame used once?"""
    used: dict[str, Row] = {}
    for row in rows:
        again = [frame for frame in row.frames if frame in used]
        if again:
            first = used[again[0]]
            hint = "a query is a test tracklet already; " if {first.split, row.split} == {"query", "gallery"} else ""
            report(
                f"{path}, line {row.line}: {again[0]} was used in line {first.line}{also(again, 'frames')}; "
                f"{hint}give each tracklet one row."
            )
        used |= dict.fromkeys(row.frames, row)


def check_splits(path: Path, rows: list[Row], report: Report) -> None:
    """Has every split a row, and is nobody in both training and test?"""
    for name in SPLITS:
        if not any(row.split == name for row in rows):
            report(f"{path} has no usable {name} row; wanted at least one tracklet of each split.")
    tested = {row.pid: row.line for row in reversed(rows) if row.split != "train"}
    both = {row.pid: row.line for row in reversed(rows) if row.split == "train" and row.pid in tested}
    if both:
        pid, line = min(both.items(), key=lambda item: item[1])
        report(
            f"{path}, line {line}: person {pid!r} is trained on and tested too, in line {tested[pid]}"
            f"{also(both, 'persons')}; train and test on different people, and label them differently."
        )


def split(rows: list[Row]) -> Split:
    """Rows as tracklets: persons 1..n and cameras 1..n in the order of their labels."""
    pids = SPECIAL | numbering({row.pid for row in rows} - set(SPECIAL))
    cameras = numbering({row.camid for row in rows})

    def tracklet(row: Row) -> Tracklet:
        return Tracklet(row.frames, pids[row.pid], cameras[row.camid])

    test = [row for row in rows if row.split != "train"]
    query = tuple(i for i, row in enumerate(test) if row.split == "query")
    train = tuple(tracklet(row) for row in rows if row.split == "train")
    return Split(train, tuple(map(tracklet, test)), query, tuple(range(len(test))))


def numbering(labels: Iterable[str]) -> dict[str, int]:
    """1..n by sorted label, numbers before texts and by their size."""
    return {label: number for number, label in enumerate(sorted(labels, key=natural), start=1)}


def counts(rows: list[Row]) -> Iterator[tuple[str, int]]:
    """What the list holds."""
    for name in SPLITS:
        chosen = [row for row in rows if row.split == name]
        yield f"{name} tracklets", len(chosen)
        yield f"{name} identities", len({row.pid for row in chosen} - set(SPECIAL))
        yield f"{name} frames", sum(len(row.frames) for row in chosen)
    yield "junk", sum(row.pid == "-1" for row in rows)
    yield "distractors", sum(row.pid == "0" for row in rows)
    yield "cameras", len({row.camid for row in rows})
    lengths = [len(row.frames) for row in rows]
    yield "shortest tracklet", min(lengths, default=0)
    yield "longest tracklet", max(lengths, default=0)
    seen = {(row.pid, row.camid) for row in rows if row.split == "gallery"}
    queries = [row for row in rows if row.split == "query"]
    yield (
        "queries without a match among the gallery rows",
        sum(not any(pid == row.pid and camid != row.camid for pid, camid in seen) for row in queries),
    )


@hookimpl
def vreid_datasets() -> Mapping[str, Tracklets]:
    """The dataset `tracklets`."""
    return {"tracklets": Tracklets()}


@hookimpl
def vreid_protocols() -> Mapping[str, Protocol]:
    """`custom`: train and test on one's own list."""
    custom = Protocol(
        name="custom",
        version="1",
        dataset="tracklets",
        headline="torchreid",
        conventions=("torchreid", "queries-in-gallery"),
        summary="Train and test on the rows of tracklets.csv. Headlined with the queries out of the gallery, because "
        "who labels rows query and gallery has said what is to be ranked.",
        source="this project",
    )
    return {custom.name: custom}
