"""The lists of P-DESTRE's divisions: which sequences train, ask and are ranked."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from vreid_plugins.datasets.fault_report import Report, is_leftover, one_of
from vreid_plugins.datasets.folders import ORIGIN, check_root
from vreid_plugins.datasets.p_destre.names import EXAMPLE, SEQUENCE
from vreid_plugins.datasets.text_lines import read_lines

CROPS = "jpg_Extracted_PIDS"  # the folder of the archive of crops
PARTS = ("Train", "Query", "Gallery")
PLACES = ("pedestrian_reid_splits/Splits", "Splits", "")  # of the lists, below the root
LIST = re.compile(rf"({'|'.join(PARTS)})_(\d+)\.txt", re.ASCII)


@dataclass(frozen=True)
class Division:
    """The sequences of one division, each once in a list."""

    number: int  # in the names of its files
    lists: Mapping[str, tuple[str, ...]]  # by part

    @property
    def sequences(self) -> tuple[str, ...]:
        """All its sequences."""
        return tuple(dict.fromkeys(name for names in self.lists.values() for name in names))


def find_crops(root: Path) -> str:
    """The folder of the sequences below the root: that of the archive if it is there, else the root itself."""
    return CROPS if (root / CROPS).is_dir() else ""


def load_divisions(root: Path, report: Report) -> tuple[Division, ...]:
    """All divisions, in order of their numbers; every fault goes to `report`.

    The number of divisions is what is there: the published loader reads five, the paper averages ten.
    """
    if not check_root(root, (f"{PLACES[1]}/Train_0.txt", "the folders of the sequences"), report):
        return ()
    found = {place: numbers for place in PLACES if (numbers := list_numbers(root / place))}
    if not found:
        inner = next((path for path in sorted(root.iterdir()) if any(list_numbers(path / p) for p in PLACES)), None)
        hint = f"did you mean {inner}?" if inner else f"{ORIGIN}."
        report(
            f"{root} holds no list of a division, expected Train_0.txt and others in {PLACES[0]}, in {PLACES[1]} or in "
            f"the folder itself; {hint}"
        )
        return ()
    place, numbers = next(iter(found.items()))
    if len(found) > 1:
        other = root / [*found][1]
        report(f"{root / place} and {other} both hold lists of divisions, expected one place; remove one of them.")
    missing = [n for n in range(max(numbers)) if n not in numbers]
    if missing:
        report(
            f"{root / place} has no list of division {missing[0]}{one_of(missing, 'divisions')}, expected all from 0 "
            f"to {max(numbers)}; {ORIGIN}."
        )
    divisions = [load_division(root / place, number, report) for number in sorted(numbers)]
    return tuple(division for division in divisions if all(division.lists.values()))


def list_numbers(folder: Path) -> set[int]:
    """The numbers of the divisions that a folder has a list of."""
    names = [path.name for path in folder.iterdir()] if folder.is_dir() else []
    return {int(match[2]) for name in names if (match := LIST.fullmatch(name))}


def load_division(folder: Path, number: int, report: Report) -> Division:
    """One division; a list that cannot be used is empty."""
    paths = {part: folder / f"{part}_{number}.txt" for part in PARTS}
    lists = {part: read_names(path, report) for part, path in paths.items()}
    both = [name for name in lists["Train"] if name in {*lists["Query"], *lists["Gallery"]}]
    if both:
        report(
            f"{paths['Train']}: sequence {both[0]} is also in a test list of division {number}"
            f"{one_of(both, 'sequences')}, expected it in one part; restore the published lists."
        )
    return Division(number, lists)


def read_names(path: Path, report: Report) -> tuple[str, ...]:
    """The sequences of one list, in order; empty if it cannot be used.

    Windows line endings, a byte order mark, blank lines at the end and a slash behind a name do not matter.
    """
    if not path.is_file():
        state = "is a folder, expected a file" if path.exists() else "is missing, expected a list of sequences"
        report(f"{path} {state}; {ORIGIN}.")
        return ()
    lines = read_lines(path, f"a sequence such as {EXAMPLE} in each line; copy it again", report)
    names = [line.strip().rstrip("/") for line in lines]
    good = [name for number, name in enumerate(names, start=1) if check_name(f"{path}, line {number}", name, report)]
    check_twice(path, good, report)
    return tuple(dict.fromkeys(good))


def check_name(where: str, name: str, report: Report) -> bool:
    """Check that a line names a sequence."""
    if SEQUENCE.fullmatch(name):
        return True
    if not name:
        what = "is blank, which the published loader takes for the whole data set"
    elif is_leftover(name):
        what = f"names {name!r}, which a file manager left behind"
    elif "/" in name or "\\" in name:
        what = f"names the path {name!r}"
    else:
        what = f"names {name!r}"
    report(f"{where}: {what}, expected the name of a sequence such as {EXAMPLE}; restore the published list.")
    return False


def check_twice(path: Path, names: Sequence[str], report: Report) -> None:
    """Check that a list names no sequence twice."""
    twice = [name for name, many in Counter(names).items() if many > 1]
    if twice:
        report(
            f"{path}: sequence {twice[0]} is listed twice{one_of(twice, 'sequences')}, expected once; delete one line."
        )
