"""The list `tracklets.csv`: parsing its rows and finding their frames, and every check that opens no frame."""

from __future__ import annotations

import csv
import glob
import io
import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, NamedTuple

from vreid_bench import DISTRACTOR, JUNK
from vreid_plugins.datasets.fault_report import Report, is_leftover, one_of
from vreid_plugins.datasets.folders import size_of

if TYPE_CHECKING:
    from _csv import Reader as Lines

LIST = "tracklets.csv"
MARKS = {";": "semicolons", "\t": "tabs", "|": "bars"}  # between the cells of other tables
COLUMNS = ("split", "pid", "camid", "frames")
RATE = "fps"  # a further column: how many numbers of frames pass in a second, for gaps in seconds
TESTED = ("query", "gallery")
SPLITS = ("train", *TESTED)
NO_ATTRIBUTES = (*COLUMNS, "person", "camera")  # columns that say nothing more of a tracklet
SPECIAL = {"-1": JUNK, "0": DISTRACTOR}  # labels with a meaning of their own
# the parts that may have rows with them; in the training part, a distractor is somebody without a label
PLACES = {JUNK: ("gallery",), DISTRACTOR: ("train", "gallery")}
IMAGES = (".jpg", ".jpeg", ".png", ".bmp", ".tif", ".tiff", ".webp")


class Row(NamedTuple):
    """One line of the list, as it was written, with the frames it names."""

    line: int  # of the file, counted from 1
    split: str
    pid: str
    camid: str
    frames: tuple[str, ...]  # relative to the root, in order of time
    attributes: tuple[tuple[str, str], ...] = ()  # of the further columns, those with a text


def load(root: Path, report: Report, *, roles: bool = True) -> list[Row]:
    """The rows of the list that have frames; every fault goes to `report`.

    roles: must there be queries and a gallery of other people than those who are trained on?
    """
    path = root / LIST
    if not path.is_file():
        report(describe_missing(root))
        return []
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        report(f"{path} cannot be read as UTF-8 text ({error}); save it as UTF-8.")
        return []
    if "\0" in text:  # no path has one, and the system refuses to look for it
        line = text[: text.index("\0")].count("\n") + 1
        report(f"{path}, line {line}: holds a NUL character, expected text; save it again.")
        return []
    reader = csv.reader(io.StringIO(text), strict=True)
    header = read_header(path, reader, report)
    if not header:
        return []
    rows = [row for row in parse(path, header, reader, report) if row.frames]
    check_uses(path, rows, report)
    if roles:
        check_splits(path, rows, report)
    return rows


def describe_missing(root: Path) -> str:
    """Where the list is instead, if it is near, or that one is to be written."""
    path, above = root / LIST, Path(os.path.normpath(root / ".."))
    if root.is_file():
        return f"{root} is a file, expected the folder of {LIST}; name its folder, {str(root.parent)!r}."
    state = "is a folder, expected a file" if path.is_dir() else "is missing"
    if (above / LIST).is_file():
        return f"{path} {state}, but there is one in the folder above; name that, {str(above)!r}."
    return f"{path} {state}; write one with the header {','.join(COLUMNS)} and a row for every tracklet."


def read_header(path: Path, reader: Lines, report: Report) -> list[str]:
    """The names of the columns; none if one is missing, which goes to `report`."""
    try:
        header = [name.strip() for name in next(reader, [])]
    except csv.Error as error:
        report_csv(path, reader, error, report)
        return []
    twice = next((name for name in header if name and header.count(name) > 1), None)
    if twice is not None:
        places = " and ".join(str(place) for place, name in enumerate(header, 1) if name == twice)
        report(f"{path}, line 1: column {twice!r} stands at {places}, expected each name once; rename or remove one.")
        return []
    missing = [name for name in COLUMNS if name not in header]
    if not missing:
        return header
    found = ", ".join(header) or "nothing"
    mark = next((mark for mark in MARKS if len(header) == 1 and mark in header[0]), "")
    advice = f"the cells have {MARKS[mark]} between them: separate them with commas" if mark else "add it"
    report(f"{path}, line 1: no column {' and '.join(missing)}, found {found}, expected {','.join(COLUMNS)}; {advice}.")
    return []


def parse(path: Path, header: Sequence[str], reader: Lines, report: Report) -> Iterator[Row]:
    """The rows below the header with their frames; every fault goes to `report`."""
    try:
        for cells in reader:
            if not any(cell.strip() for cell in cells):
                continue
            where = f"{path}, line {reader.line_num}"
            if len(cells) != len(header):
                report(
                    f"{where}: {len(cells)} cells, expected {len(header)} as in the header; quote cells with commas."
                )
                continue
            cell = dict(zip(header, (cell.strip() for cell in cells), strict=True))
            if check_cells(where, cell, report):
                frames = find_frames(path.parent, cell["frames"])
                if not frames:
                    slash = " (with / between folders)" if "\\" in cell["frames"] else ""
                    report(f"{where}: no image matches {cell['frames']!r} in {path.parent}; correct the path{slash}.")
                known = tuple(
                    (name, text) for name, text in cell.items() if name not in NO_ATTRIBUTES and name and text
                )
                yield Row(reader.line_num, cell["split"], cell["pid"], cell["camid"], frames, known)
    except csv.Error as error:
        report_csv(path, reader, error, report)


def report_csv(path: Path, reader: Lines, error: csv.Error, report: Report) -> None:
    """Report a line that is not CSV."""
    report(f"{path}, line {reader.line_num}: {error}; quote cells as CSV does.")


def check_cells(where: str, cell: Mapping[str, str], report: Report) -> bool:
    """Check that each cell of a row fits its column."""
    empty = [name for name in COLUMNS if not cell[name]]
    if empty:
        report(f"{where}: {' and '.join(empty)} is empty; every tracklet needs {', '.join(COLUMNS)}.")
        return False
    if cell["split"] not in SPLITS:
        report(f"{where}: unknown split {cell['split']!r}, expected {', '.join(SPLITS)}; correct it.")
        return False
    special = SPECIAL.get(cell["pid"])
    if special is not None and cell["split"] not in PLACES[special]:
        what = "junk" if special == JUNK else "a distractor"
        rows = " and ".join(PLACES[special])
        report(f"{where}: pid {cell['pid']} is {what}, which only {rows} rows can be; use another label for a person.")
        return False
    frames = PurePosixPath(cell["frames"])
    if frames.is_absolute() or ".." in frames.parts:
        report(
            f"{where}: {cell['frames']!r} leads out of the folder of {LIST}, expected a relative path below it; move "
            "the frames there."
        )
        return False
    return True


def find_frames(root: Path, pattern: str) -> tuple[str, ...]:
    """The images of a folder or glob below `root`, in order of time; other files are left out."""
    folder = PurePosixPath(pattern)
    if _is_folder(root / folder):  # first, for a folder may have brackets in its name
        found: Iterable[str] = (str(folder / path.name) for path in (root / folder).iterdir())
    else:
        found = _find_matches(root, pattern)
    return sort_by_time(
        path for path in set(found) if path.lower().endswith(IMAGES) and not is_leftover(Path(path).name)
    )


def _is_folder(path: Path) -> bool:
    try:
        return path.is_dir()
    except OSError:  # no file has so long a name
        return False


def _find_matches(root: Path, pattern: str) -> Iterator[str]:
    """The paths below `root` that match a pattern. `**` follows no link: one to its own folder has no end."""
    if "**" not in PurePosixPath(pattern).parts:
        yield from (PurePosixPath(path).as_posix() for path in glob.glob(pattern, root_dir=root))
        return
    parts = (part if part == "**" else re.sub(r"\*+", "*", part) for part in PurePosixPath(pattern).parts)
    for path in root.glob("/".join(parts)):
        below = path.relative_to(root)
        if not any(part.startswith(".") for part in below.parts):  # hidden, as for every other pattern
            yield below.as_posix()


def sort_by_time(paths: Iterable[str]) -> tuple[str, ...]:
    """Paths sorted by the last number in their file names; in natural order if numbers are equal or one is missing."""
    numbered = [(re.findall(r"\d+", PurePosixPath(path).stem), path) for path in paths]
    if all(numbers for numbers, _ in numbered):
        return tuple(
            path for _, path in sorted(numbered, key=lambda item: (size_of(item[0][-1]), natural_key(item[1])))
        )
    return tuple(sorted((path for _, path in numbered), key=natural_key))


def natural_key(text: str) -> tuple[list[tuple[int, tuple[int, str], str]], str]:
    """A sort key that puts f10 after f9; the text itself decides between 01 and 1."""
    pieces = re.split(r"(\d+)", text)  # texts and numbers in turn
    return [(0, size_of(p), "") if i % 2 else (1, (0, ""), p) for i, p in enumerate(pieces) if p], text


def check_uses(path: Path, rows: list[Row], report: Report) -> None:
    """Check that every frame is used once."""
    used: dict[str, Row] = {}
    for row in rows:
        again = [frame for frame in row.frames if frame in used]
        if again:
            first = used[again[0]]
            hint = "a query is already a test tracklet; " if {first.split, row.split} == {"query", "gallery"} else ""
            report(
                f"{path}, line {row.line}: {again[0]} is already used in line {first.line}{one_of(again, 'frames')}; "
                f"{hint}give each tracklet one row."
            )
        used |= dict.fromkeys(row.frames, row)


def check_splits(path: Path, rows: list[Row], report: Report) -> None:
    """Check that there are query and gallery rows, and that nobody is in both training and test.

    A list without train rows is for the test of weights that were trained elsewhere.
    """
    for name in TESTED:
        if not any(row.split == name for row in rows):
            report(f"{path} has no usable {name} row, expected query and gallery rows; add a row.")
    tested = {row.pid: row.line for row in reversed(rows) if row.split != "train"}
    people = [row for row in reversed(rows) if row.split == "train" and row.pid not in SPECIAL]
    both = {row.pid: row.line for row in people if row.pid in tested}
    if both:
        pid, line = min(both.items(), key=lambda item: item[1])
        report(
            f"{path}, line {line}: person {pid!r} is trained on, and tested in line {tested[pid]}"
            f"{one_of(both, 'persons')}; train and test on different people, and label them differently."
        )
