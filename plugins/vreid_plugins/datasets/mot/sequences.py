"""The sequences of a folder: the text of each with its tracks, its frames, and how many of them pass in a second."""

from __future__ import annotations

import configparser
import os
import re
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path, PurePosixPath

from vreid_plugins.datasets.fault_report import Report, is_leftover
from vreid_plugins.datasets.folders import IMAGES, number_key

VIDEOS = (".avi", ".mp4", ".mkv", ".mov", ".webm", ".m4v", ".mpg", ".mpeg", ".ts")
INFO = "seqinfo.ini"
RATE = re.compile(r"\d{1,9}(\.\d{1,15})?(/\d{1,9})?", re.ASCII)  # an exponent could ask for a number without end
EXPECTED = (
    "expected NAME.txt, or NAME/gt/gt.txt, with the frames in NAME/img1 or in a video NAME.mp4 (or another format) "
    "beside it"
)


@dataclass(frozen=True)
class Sequence:
    """One video of one camera, and the tracks in it."""

    name: str
    text: Path  # of the tracks
    frames: Path  # a folder of images, or a video
    fps: Fraction | None  # of seqinfo.ini; None if there is none

    @property
    def is_video(self) -> bool:
        """Are the frames in one file?"""
        return not self.frames.is_dir()


def find_sequences(root: Path, tracks: Path | None, report: Report) -> list[Sequence]:
    """All sequences below `root`, or `root` itself, in order of their names; every fault goes to `report`.

    tracks: a folder with NAME.txt of each sequence, such as the output of a tracker, instead of the texts in `root`.
    """
    for folder in (root, *([tracks] if tracks else [])):
        if not folder.is_dir():
            state = "is a file, expected a folder" if folder.exists() else "does not exist; name a folder"
            report(f"{folder} {state} with tracks.")
            return []
    if tracks is None and (root / "gt" / "gt.txt").is_file():
        texts = {root.resolve().name: root / "gt" / "gt.txt"}
        places: dict[str, tuple[Path, ...]] = {root.resolve().name: (root,)}
    else:
        texts = list_texts(tracks or root, annotations=tracks is None)
        places = {name: (root / name, root) for name in texts}
    if not texts:
        report(f"{tracks or root} has no tracks, {EXPECTED}; name the folder that holds them.")
    found = (read_sequence(name, texts[name], places[name], report) for name in sorted(texts, key=number_key))
    return [sequence for sequence in found if sequence is not None]


def list_texts(folder: Path, *, annotations: bool) -> dict[str, Path]:
    """The text of each sequence, by its name: NAME.txt; with `annotations`, else NAME/gt/gt.txt."""
    inner = sorted(path for path in folder.iterdir() if path.is_dir()) if annotations else []
    texts = {path.name: path / "gt" / "gt.txt" for path in inner if (path / "gt" / "gt.txt").is_file()}
    texts |= {
        path.stem: path
        for path in sorted(folder.glob("*.txt"))
        if not is_leftover(path.name) and (not annotations or has_frames(folder, path.stem))
    }
    return texts


def has_frames(root: Path, name: str) -> bool:
    """Is there a folder or a video of that name? Other texts, such as a README, are no tracks."""
    return (root / name).is_dir() or any((root / f"{name}{ending}").is_file() for ending in VIDEOS)


def read_sequence(name: str, text: Path, places: tuple[Path, ...], report: Report) -> Sequence | None:
    """The sequence of a text; `places`: its own folder, then the folder of its video."""
    own = places[0]
    info = read_info(own / INFO, report) if (own / INFO).is_file() else {}
    inner = info.get("imdir", "img1")
    if inner.startswith("/") or ".." in PurePosixPath(inner).parts:
        report(f"{own / INFO}: imDir is {inner!r}, expected the name of a folder in {own}; correct it.")
        return None
    folders = [own / inner, own]
    videos = [place / f"{name}{ending}" for place in places for ending in VIDEOS]
    inside = sorted(path for path in own.iterdir() if path.suffix.lower() in VIDEOS) if own.is_dir() else []
    if len(inside) == 1:  # the only video in the sequence's own folder may have any name
        videos += inside
    frames = next((path for path in folders if os.path.isdir(path) and holds_images(path)), None)
    frames = frames or next((path for path in videos if path.is_file()), None)
    if frames is None:
        report(f"{text}: its frames are neither in {folders[0]} nor in a video {name}.* beside it; {EXPECTED}.")
        return None
    return Sequence(name, text, frames, parse_rate(own / INFO, info.get("framerate", ""), report))


def read_info(path: Path, report: Report) -> dict[str, str]:
    """What seqinfo.ini says, with keys in small letters."""
    parser = configparser.ConfigParser(interpolation=None)
    try:
        parser.read_string(path.read_text(encoding="utf-8-sig"))
        return dict(parser["Sequence"])
    except (OSError, UnicodeDecodeError, configparser.Error, KeyError) as error:
        report(f"{path} cannot be read as the description of a sequence ({error}); copy it again, or remove it.")
        return {}


def parse_rate(where: Path, text: str, report: Report) -> Fraction | None:
    """Frames per second; None if nothing is said."""
    if not text:
        return None
    try:
        rate = Fraction(text) if RATE.fullmatch(text) else Fraction(0)
    except (ValueError, ZeroDivisionError):
        rate = Fraction(0)
    if rate <= 0:
        report(f"{where}: frameRate is {text!r}, expected frames per second, for instance 25; correct it.")
        return None
    return rate


def holds_images(folder: Path) -> bool:
    """Does a folder hold an image itself?"""
    return any(path.suffix.lower() in IMAGES and not is_leftover(path.name) for path in folder.iterdir())


def list_images(folder: Path, report: Report) -> dict[int, Path]:
    """The images of a folder by frame number: the last number in their names."""
    found: dict[int, Path] = {}
    for path in sorted(folder.iterdir()):
        numbers = re.findall(r"\d+", path.stem)
        if path.suffix.lower() not in IMAGES or is_leftover(path.name):
            continue
        if not numbers:
            report(f"{path} has no frame number in its name; name frames by their numbers, for instance 000001.jpg.")
        elif (other := found.setdefault(int(numbers[-1]), path)) != path:
            report(f"{path} and {other.name} have the same frame number {int(numbers[-1])}; remove one of them.")
    return found
