"""The lists of BUPTCampus, such as train.txt: a row names one tracklet, or the aligned two of both modalities."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

from vreid_plugins.datasets.fault_report import Report, one_of
from vreid_plugins.datasets.text_lines import read_lines

RGB, IR, FAKE, BOTH = "RGB", "IR", "FakeIR", "RGB/IR"
MODALITIES = (RGB, IR)  # that a test row may name; a training row names both at once
CAMERAS: Mapping[str, int] = {"LS3": 0, "G25": 1, "CQ1": 2, "W4": 3, "TSG1": 4, "TSG2": 5}  # numbered as published
TRAINED = {"train": "train.txt", "auxiliary": "train_auxiliary.txt"}
TESTED = {"query": "query.txt", "gallery": "gallery.txt"}
LISTS = TRAINED | TESTED
EXAMPLES = dict.fromkeys(TRAINED, "1746 RGB/IR TSG2 1") | dict.fromkeys(TESTED, "1911 RGB G25 1")
ORIGIN = "copy it again from where BUPTCampus is published (repository dyhBUPT/BUPTCampus)"


class Key(NamedTuple):
    """What names one tracklet; each is a key of `data_paths.json`, in this order."""

    person: str
    modality: str
    camera: str
    tracklet: str

    @property
    def aligned(self) -> Key:
        """The tracklet of the other modality, pixel by pixel the same scene."""
        return self._replace(modality=IR if self.modality == RGB else RGB)

    def __str__(self) -> str:
        """As a row writes it."""
        return " ".join(self)


class Row(NamedTuple):
    """One line of a list."""

    where: str  # the file and the line, for the beginning of a message
    keys: tuple[Key, ...]  # one, or those of both modalities


def read_rows(root: Path, part: str, report: Report) -> list[Row]:
    """The rows of one list, in order; every fault goes to `report`.

    Windows line endings, a byte order mark and blank lines at the end do not matter.
    """
    path, example = root / LISTS[part], EXAMPLES[part]
    lines = read_lines(path, f"a row such as {example!r} for every tracklet; {ORIGIN}", report)
    found = (read_row(f"{path}, line {n}", line, part, report) for n, line in enumerate(lines, start=1))
    rows = [row for row in found if row is not None]
    check_repeats(rows, report)
    return rows


def read_row(where: str, line: str, part: str, report: Report) -> Row | None:
    """The tracklets that a line names; None if it cannot be used."""
    cells, example = line.split(), EXAMPLES[part]
    if len(cells) != len(example.split()):
        report(
            f"{where}: found {line!r}, expected person, modality, camera and tracklet as in {example!r}; restore the "
            "list."
        )
        return None
    person, modality, camera, tracklet = cells
    if not is_person(person):
        report(
            f"{where}: {person!r} is not the number of a person, expected 1 or more without a leading zero as in "
            f"{example!r}; restore the list."
        )
        return None
    allowed = (BOTH,) if part in TRAINED else MODALITIES
    if modality not in allowed:
        report(f"{where}: the modality is {modality!r}, expected {' or '.join(allowed)} here; restore the list.")
        return None
    if camera not in CAMERAS:
        report(f"{where}: the camera is {camera!r}, expected one of {', '.join(CAMERAS)}; restore the list.")
        return None
    return Row(where, tuple(Key(person, each, camera, tracklet) for each in modality.split("/")))


def is_person(text: str) -> bool:
    """Whether a text is the number of a person, written in the only way that means it."""
    return text.isascii() and text.isdecimal() and not text.startswith("0")


def check_repeats(rows: Iterable[Row], report: Report) -> None:
    """Check that a list names every tracklet once."""
    first: dict[tuple[Key, ...], Row] = {}
    again = [row for row in rows if first.setdefault(row.keys, row) is not row]
    if again:
        line = first[again[0].keys].where.rpartition(" ")[2]
        report(
            f"{again[0].where}: names the same as line {line}{one_of(again, 'rows')}, expected each tracklet once; "
            "delete one of the two rows."
        )
