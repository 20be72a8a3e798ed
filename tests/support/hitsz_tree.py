"""A small tree in the layout of HITSZ-VCM, made by hand to be damaged."""

import json
from pathlib import Path

import numpy as np
import simplejpeg

JPEG = simplejpeg.encode_jpeg(np.full((16, 8, 3), 90, np.uint8))

# modality (1 infrared, 2 visible), pid, camera, tracklet, number of the first frame, frames
TRAIN = [(2, 1, 3, 1, 1, 12), (1, 1, 3, 1, 1, 13), (1, 2, 12, 1, 1, 3)]
TEST = [
    (2, 503, 3, 1, 1, 14),  # row 1
    (2, 503, 4, 1, 1, 12),
    (2, 503, 4, 2, 101, 5),  # too short
    (1, 503, 3, 1, 1, 12),  # row 4: query, in the camera of row 1
    (1, 503, 5, 1, 1, 11),  # row 5: query that is too short
    (2, 504, 4, 1, 1, 20),
    (1, 504, 4, 1, 1, 12),  # row 7: query without a match: only its camera saw the person
    (2, 505, 6, 1, 1, 12),
    (1, 505, 7, 1, 1, 12),  # row 9: query
]
QUERY = [4, 5, 7, 9]
STEP = 5  # of the frame numbers
FOLDERS = {1: "ir", 2: "rgb"}


class Tree:
    """A HITSZ-VCM tree, its files in memory to be damaged; lists at the root, people beside them."""

    def __init__(self, root: Path, lists: str = "", parts: bool = False) -> None:
        """lists: the folder of the lists; parts: do people lie in `Train` and `Test`?"""
        self.root, self.lists = root, root / lists
        self.below = {"train": "Train/", "test": "Test/"} if parts else {"train": "", "test": ""}
        self.names: dict[str, list[str]] = {}
        self.rows: dict[str, list[list[int]]] = {}
        for part, tracklets in (("train", TRAIN), ("test", TEST)):
            self.names[part], self.rows[part] = [], []
            for modality, pid, camera, track, start, frames in tracklets:
                first = len(self.names[part]) + 1
                self.rows[part].append([modality, first, first + frames - 1, pid, camera])
                for frame in range(start, start + STEP * frames, STEP):
                    self.names[part].append(f"{pid:04d}M{modality}D{camera}T{track}F{frame}.jpg")
                    self.frame(f"{self.below[part]}{pid:04d}/{FOLDERS[modality]}/D{camera}/{frame}.jpg")
        self.query = " ".join(map(str, QUERY)) + "\n"

    def frame(self, path: str) -> None:
        """Put a frame there."""
        (self.root / path).parent.mkdir(parents=True, exist_ok=True)
        (self.root / path).write_bytes(JPEG)

    def write(self) -> "Tree":
        """Write the index files anew; the frames stay as they are."""
        self.lists.mkdir(exist_ok=True)
        for part in ("train", "test"):
            self.put(f"{part}_name.txt", self.names[part])
            rows = [f"{m} {first} {last} {pid:04d} {camera}" for m, first, last, pid, camera in self.rows[part]]
            self.put(f"track_{part}_info.txt", rows)
        (self.lists / "query_IDX.txt").write_text(self.query)
        return self

    def put(self, file: str, lines: list[str]) -> None:
        """Write one list."""
        (self.lists / file).write_text("".join(f"{line}\n" for line in lines))

    def rename(self, part: str, lines: range, old: str, new: str) -> None:
        """Change the names of some lines, counted from 0."""
        for line in lines:
            self.names[part][line] = self.names[part][line].replace(old, new)

    def synthetic(self, **expected: int) -> Path:
        """With a renderer's description, so that a whole tree verifies without any problem."""
        (self.root / "synthetic.json").write_text(json.dumps({"expected": expected}))
        return self.root
