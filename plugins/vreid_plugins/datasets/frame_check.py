"""Checking the frames of a tree: whether each listed frame is there and whole, and whether there are others."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from vreid_bench import bar, decode, prefetch
from vreid_plugins.datasets.fault_report import Report, is_leftover
from vreid_plugins.datasets.folders import is_folder

THREADS = min(8, 2 * (os.cpu_count() or 1))  # more than cores: a network disk makes threads wait


class FolderCheck(NamedTuple):
    """What was found in one folder; file names relative to the root."""

    listed: int  # frames
    good: list[str]
    faults: list[str]


def check_frames(
    root: Path,
    listed: Iterable[str],
    report: Report,
    decoding: bool,
    *,
    exclusive: Sequence[str] = (),
    same_size: bool | None = None,
) -> int:
    """Report every listed frame that is missing or empty; return how many are there with content.

    With `decoding`, each frame is decoded too. The folders `exclusive` belong to the data set alone: there, files that
    are not listed and frames of unusual size are reported as well; `same_size` decides about the latter by itself.
    Progress goes to stderr.
    """
    folders: dict[str, list[str]] = defaultdict(list)
    for path in dict.fromkeys(listed):
        folder, _, name = path.rpartition("/")
        folders[folder].append(name)
    for top in exclusive:
        for sentence in find_unlisted(root, top, folders):
            report(sentence)

    def check(folder: str) -> FolderCheck:
        alone = any(folder == top or folder.startswith(f"{top}/") for top in exclusive)
        return check_folder(root, folder, folders[folder], alone)

    good: list[str] = []
    total = sum(map(len, folders.values()))
    with bar(total, "frames listed", "frame") as progress:
        for found in prefetch(sorted(folders), check, THREADS, 4 * THREADS):
            progress.update(found.listed)
            good += found.good
            for sentence in found.faults:
                report(sentence)
    if decoding:
        check_images(root, good, report, same_size=bool(exclusive) if same_size is None else same_size)
    return len(good)


def find_unlisted(root: Path, top: str, folders: Iterable[str]) -> Iterable[str]:
    """The faults of what lies in `top` or below it, above the frames, and leads to no listed frame."""
    known = {folder for folder in folders if folder == top or folder.startswith(f"{top}/")}  # checked one by one
    between = {top} | {str(parent) for folder in known for parent in PurePosixPath(folder).parents}
    between = {folder for folder in between if folder == top or folder.startswith(f"{top}/")} - known
    for folder in sorted(between):
        entries = os.scandir(root / folder) if (root / folder).is_dir() else ()
        for entry in sorted(entries, key=lambda entry: entry.name):
            path = f"{folder}/{entry.name}"
            if path not in known and path not in between:
                yield describe_unlisted(root, path, "folder" if is_folder(entry) else "file")


def describe_unlisted(root: Path, path: str, what: str) -> str:
    """The fault of a file or folder that no list names."""
    if is_leftover(path.rpartition("/")[2]):
        return f"{root / path} was left by a file manager; delete it."
    return f"{root / path} is a {what} that no list names; delete it or restore the lists."


def check_folder(root: Path, folder: str, names: list[str], alone: bool) -> FolderCheck:
    """Compare one folder with the `names` listed for it; with `alone`, report what else it holds."""
    try:
        entries = {entry.name: entry for entry in os.scandir(root / folder)}
    except OSError as error:
        sentence = (
            f"{root / folder} cannot be listed ({error.strerror}): its {len(names):,} frames are missing; copy it."
        )
        return FolderCheck(len(names), [], [sentence])
    good, faults = [], []
    for name in names:
        entry, path = entries.pop(name, None), f"{folder}/{name}" if folder else name
        if entry is None or not os.path.exists(entry.path):  # a link may lead nowhere
            faults.append(f"{root / path} is listed but missing; copy it from the original data.")
        elif not entry.is_file():
            faults.append(f"{root / path} is not a file, expected a frame; copy it again.")
        elif entry.stat().st_size == 0:
            faults.append(f"{root / path} is empty (0 bytes); copy it from the original data.")
        else:
            good.append(path)
    if alone:
        for name in sorted(entries):
            faults.append(describe_unlisted(root, f"{folder}/{name}", "folder" if is_folder(entries[name]) else "file"))
    return FolderCheck(len(names), good, faults)


def check_images(root: Path, paths: list[str], report: Report, *, same_size: bool) -> None:
    """Decode all `paths`; report those that fail and, with `same_size`, those of another size than most."""
    sizes: dict[str, list[str]] = defaultdict(list)  # paths by size

    def attempt(path: str) -> tuple[str, str]:
        try:
            return " x ".join(map(str, decode((root / path).read_bytes()).shape[:2])), ""
        except Exception as error:  # whatever a codec or the disk raises is a fault of the frame
            return "", str(error) or type(error).__name__

    with bar(len(paths), "frames decoded", "frame") as progress:
        for path, (size, error) in zip(paths, prefetch(paths, attempt, THREADS, 64 * THREADS), strict=True):
            progress.update()
            if error:
                report(f"{root / path} cannot be decoded ({error}); copy it again.")
            else:
                sizes[size].append(path)
    usual = max(sizes, key=lambda size: len(sizes[size]), default="")
    for size in sorted(sizes):
        for path in sizes[size] if same_size and size != usual else ():
            sentence = f"{root / path} is {size} pixels (height x width), expected {usual} as most are; copy it again."
            report(sentence)
