"""A tree of a dataset that is to be damaged, and what its layout calls its files."""

from __future__ import annotations

import re
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import h5py
import numpy as np
from scipy.io import loadmat, savemat

from vreid_plugins.datasets.ccvid import reader as ccvid
from vreid_plugins.datasets.duke_video import reader as duke_video
from vreid_plugins.datasets.ilids_vid import reader as ilids_vid
from vreid_plugins.datasets.ilids_vid.index import SPLIT_FILE
from vreid_plugins.datasets.ls_vid import reader as ls_vid
from vreid_plugins.datasets.mars import reader as mars
from vreid_plugins.datasets.prid2011 import reader as prid2011

READERS = {
    name: reader
    for module in (mars, ilids_vid, prid2011, duke_video, ls_vid, ccvid)
    for name, reader in module.vreid_datasets().items()
}
MARS_ROWS = {
    "info/tracks_train_info.mat": "track_train_info",
    "info/tracks_test_info.mat": "track_test_info",
}
MARS_QUERY, LS_QUERY, PRID_LISTS = "info/query_IDX.mat", "test/data/info_test.mat", "splits_prid2011.json"
MARS_NAMES = ("info/train_name.txt", "info/test_name.txt")
LISTS = {
    "ls-vid": tuple(f"list_sequence/list_seq_{part}.txt" for part in ("train", "val", "test")),
    "ccvid": ("train.txt", "query.txt", "gallery.txt"),
}
INDEX = {
    "mars": (*MARS_NAMES, *MARS_ROWS, MARS_QUERY),
    "ilids-vid": (SPLIT_FILE,),
    "prid2011": (PRID_LISTS,),
    "ls-vid": (*LISTS["ls-vid"], LS_QUERY),
    "ccvid": LISTS["ccvid"],
}
TOPS = {
    "mars": ("bbox_train", "bbox_test"),
    "ilids-vid": ("i-LIDS-VID/sequences/cam1", "i-LIDS-VID/sequences/cam2"),
    "prid2011": ("prid_2011/multi_shot/cam_a", "prid_2011/multi_shot/cam_b"),
    "duke-video": ("train", "query", "gallery"),
    "ls-vid": ("tracklet_train", "tracklet_val", "tracklet_test"),
    "ccvid": ("session1", "session2", "session3"),
}
SHARED = 200  # up to this number, a person of PRID2011 is in both cameras

Random = np.random.Generator
T = TypeVar("T")


@dataclass
class Tree:
    """A tree to be damaged. Its files are links to those of the whole tree: they are replaced, never written into."""

    layout: str
    root: Path

    def frames(self) -> list[str]:
        """Paths of all frames below the root, sorted."""
        found = (path for top in TOPS[self.layout] for path in (self.root / top).rglob("*.*g") if path.is_file())
        return sorted(str(path.relative_to(self.root)) for path in found)

    def tracklets(self, least: int = 1) -> list[list[str]]:
        """The frames of each tracklet of at least so many, in order."""
        found: dict[str, list[str]] = {}
        for frame in self.frames():
            folder, _, name = frame.rpartition("/")
            stem = {"mars": name[:11], "ls-vid": name.rpartition("_")[0]}.get(self.layout, "")
            found.setdefault(f"{folder}/{stem}", []).append(frame)
        return [frames for frames in found.values() if len(frames) >= least]

    def tracklet(self, random: Random, least: int = 2) -> list[str]:
        """One of them; of two frames or more, so that a fault of one frame is not the loss of the tracklet."""
        return choose(random, self.tracklets(least))

    def frame(self, random: Random) -> str:
        """One frame of a tracklet of several."""
        return choose(random, self.tracklet(random))

    def folder(self, random: Random) -> str:
        """A folder of frames; in PRID2011, of a person of both cameras."""
        folders = {parent(frame) for frame in self.frames()}
        if self.layout == "prid2011":
            folders = {folder for folder in folders if person(folder) <= SHARED}
        return choose(random, sorted(folders))

    def write(self, path: str, content: bytes) -> str:
        """Put a file in the place of what is there, if anything is; returns its path."""
        (self.root / path).unlink(missing_ok=True)
        (self.root / path).write_bytes(content)
        return path

    def read(self, path: str) -> bytes:
        """A file's contents."""
        return (self.root / path).read_bytes()

    def rename(self, path: str, new: str) -> str:
        """Move a file or folder; returns its new path."""
        assert not (self.root / new).exists()
        (self.root / path).rename(self.root / new)
        return new

    def remove(self, path: str) -> str:
        """Delete a file or folder; returns its path."""
        shutil.rmtree(self.root / path) if (self.root / path).is_dir() else (self.root / path).unlink()
        return path

    def index(self, random: Random) -> str:
        """One of the index files."""
        return choose(random, INDEX[self.layout])

    def lines(self, file: str) -> list[str]:
        """The lines of a list."""
        return self.read(file).decode().splitlines()

    def write_lines(self, file: str, lines: list[str]) -> str:
        """Write a list anew."""
        return self.write(file, "".join(f"{line}\n" for line in lines).encode())

    def line(self, random: Random) -> tuple[str, list[str], int]:
        """A list of tracklets, its lines, and the place of one of them."""
        file = choose(random, LISTS[self.layout])
        lines = self.lines(file)
        return file, lines, int(random.integers(len(lines)))

    def matrix(self, file: str) -> tuple[str, np.ndarray]:
        """The name and the values of the one matrix in a file."""
        if self.layout == "ls-vid":
            with h5py.File(self.root / file) as opened:
                return "query", opened["query"][:]
        return next((key, values) for key, values in loadmat(self.root / file).items() if not key.startswith("__"))

    def write_matrix(self, file: str, values: np.ndarray, key: str = "") -> str:
        """Write a matrix anew, perhaps under another name."""
        key = key or self.matrix(file)[0]
        self.remove(file)
        if self.layout == "ls-vid":
            with h5py.File(self.root / file, "w") as opened:
                opened[key] = values
        else:
            savemat(self.root / file, {key: values})
        return file


def choose(random: Random, things: Sequence[T]) -> T:
    """One of these."""
    return things[int(random.integers(len(things)))]


def parent(path: str) -> str:
    """The folder of a path."""
    return path.rpartition("/")[0]


def person(folder: str) -> int:
    """The number in the last name of a path."""
    return int(re.sub(r"\D", "", folder.rpartition("/")[2]))


def beside(path: str, name: str) -> str:
    """Another name in the same folder."""
    return f"{parent(path)}/{name}"


def stem_of(frame: str) -> str:
    """A frame's path without its suffix."""
    return frame.rpartition(".")[0]
