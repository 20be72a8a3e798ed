"""Tracks in videos as a data set: MOTChallenge text with frames, of which crops are made, or crops made before."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

from vreid_bench import Count, Dataset, DatasetCheck, DatasetDescription, InputError, cache_folder, hookimpl
from vreid_plugins.datasets.fault_report import Report, stop
from vreid_plugins.datasets.layout_reader import LayoutReader
from vreid_plugins.datasets.mot.plan import NOTE, Cutting, Plan, plan_tracklets
from vreid_plugins.datasets.synthetic_note import source_of
from vreid_plugins.datasets.tracklets.index import load
from vreid_plugins.datasets.tracklets.reader import make_split


class Mot(LayoutReader):
    """Reads a folder of sequences with MOTChallenge text, or the tracklets that `data from-tracks` cut out of one.

    A sequence is NAME.txt or NAME/gt/gt.txt, with its frames in NAME/img1 or in a video NAME.*. It is a camera, and
    each of its tracks a person. Crops are made when tracks are first read, and kept in the user's cache folder.
    """

    description = DatasetDescription(
        title="tracks of a tracker",
        licence="yours, or that of the footage",
        access="your own folder of sequences in MOTChallenge text",
        citation="none",
    )
    complete = False  # the frames are checked as those of any data set

    def read(self, root: Path) -> Dataset:
        """One split: every test tracklet is in the gallery, and a query. Raises InputError at the first fault."""
        root = Path(root)
        folder = root if (root / NOTE).is_file() else make_crops(plan_tracklets(root, Cutting(), stop), root)
        split = make_split(load(folder, stop, roles=False))
        everyone = tuple(range(len(split.test)))
        return Dataset("mot", folder, (replace(split, query=everyone, gallery=everyone),), "unverified")

    def verify(self, root: Path, decode: bool = False) -> DatasetCheck:
        """What was read from the tracks and what was left out, and every fault of texts, frames and boxes."""
        root, problems = Path(root), list[str]()
        if (root / NOTE).is_file():
            counts = read_counts(root, problems.append)
            check_crops(root, counts, problems.append)
        else:
            counts = plan_tracklets(root, Cutting(), problems.append).counts
        found = tuple(Count(what, number, None) for what, number in counts.items())
        return DatasetCheck(source_of(root), found, tuple(problems))

    def cut(self, root: Path, target: Path, **options: Any) -> Mapping[str, int]:
        """Write the tracklets of `root` into the new folder `target`; returns what was counted.

        options: `tracks`, a folder with the text of each sequence, and the fields of `Cutting`, `fps` as text.
        """
        tracks, rate = options.pop("tracks", None), options.pop("fps", None)
        cutting = Cutting(fps=parse_rate(rate), **options)
        plan = plan_tracklets(Path(root), cutting, stop, tracks)
        write(plan, Path(target))
        return plan.counts


def make_crops(plan: Plan, root: Path) -> Path:
    """The folder in the cache with the crops of a plan, which are made if they are not there."""
    folder = cache_folder().absolute() / "crops" / plan.hash[:16] / (root.resolve().name or "tracks")
    if not folder.exists():
        try:
            folder.parent.mkdir(parents=True, exist_ok=True)
            write(plan, folder)
        except OSError as fault:
            raise InputError(
                f"{folder}: the crops cannot be written ({fault.strerror}); free space there, or name another folder "
                "with VREID_CACHE"
            ) from fault
    return folder


def write(plan: Plan, folder: Path) -> None:
    """Write the tracklets of a plan; the encoder of pictures is loaded here, which listing data sets does not need."""
    from vreid_plugins.datasets.mot.writer import write_tracklets

    write_tracklets(folder, plan)


def parse_rate(text: str | None) -> Fraction | None:
    """Frames per second as a number or a fraction. Raises InputError for another text."""
    try:
        return None if text is None else Fraction(text)
    except (ValueError, ZeroDivisionError):
        raise InputError(f"--fps {text!r}: expected frames per second such as 25, 29.97 or 30000/1001") from None


def read_counts(root: Path, report: Report) -> Mapping[str, int]:
    """What was counted when the crops were made; empty if the note cannot be read."""
    path = root / NOTE
    try:
        return {str(what): int(number) for what, number in json.loads(path.read_bytes())["counts"].items()}
    except (OSError, ValueError, LookupError, TypeError, AttributeError, OverflowError, RecursionError) as error:
        report(f"{path} cannot be read ({type(error).__name__}: {error}); cut the tracklets again.")
        return {}


def check_crops(root: Path, counts: Mapping[str, int], report: Report) -> None:
    """Check that a folder of crops has what was counted when they were made."""
    rows = load(root, report, roles=False)
    for what, number in (("tracklets", len(rows)), ("crops", sum(len(row.frames) for row in rows))):
        if rows and number != counts.get(what, number):
            report(f"{root} has {number:,} {what}, expected {counts[what]:,} as {NOTE} says; cut the tracklets again.")


@hookimpl
def vreid_datasets() -> Mapping[str, Mot]:
    """The data set `mot`."""
    return {"mot": Mot()}
