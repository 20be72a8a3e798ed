"""A small tree in the layout of LS-VID, made by hand to be damaged."""

import json
from pathlib import Path

import h5py
import numpy as np
import simplejpeg

JPEG = simplejpeg.encode_jpeg(np.full((16, 8, 3), 90, np.uint8))


# beginning of names, person, frames; `0002_1_1` begins the names of `0002_1_12`, as a glob understands it
TRAIN = [("0001/0001_1_3", 1, 2), ("0001/0001_1_15", 1, 1), ("0003/0003_1_2", 3, 3)]


VAL = [("0005/0005_1_1", 5, 2)]


TEST = [("0002/0002_1_1", 2, 2), ("0002/0002_1_12", 2, 3), ("0004/0004_1_4", 4, 1), ("0004/0004_2_5", 4, 2)]


QUERY = [1, 3]


class Tree:
    """An LS-VID tree, its lists in memory to be damaged."""

    def __init__(self, root: Path) -> None:
        self.root = root
        rows = {"train": TRAIN, "val": VAL, "test": TEST}
        self.lists = {
            part: [f"tracklet_{part}/{stem} {pid}" for stem, pid, _ in tracklets] for part, tracklets in rows.items()
        }
        self.query: np.ndarray = np.array([QUERY], np.float64)
        for part, tracklets in rows.items():
            for stem, _, frames in tracklets:
                for number in range(1, frames + 1):
                    self.frame(f"tracklet_{part}/{stem}_{number:04d}.jpg")

    def frame(self, path: str) -> None:
        """Put a frame there."""
        (self.root / path).parent.mkdir(parents=True, exist_ok=True)
        (self.root / path).write_bytes(JPEG)

    def write(self, ending: str = "\n") -> "Tree":
        """Write lists and query file anew; the frames stay as they are."""
        (self.root / "list_sequence").mkdir(exist_ok=True)
        (self.root / "test/data").mkdir(parents=True, exist_ok=True)
        for part, lines in self.lists.items():
            text = "".join(line + ending for line in lines)
            (self.root / f"list_sequence/list_seq_{part}.txt").write_bytes(text.encode())
        with h5py.File(self.root / "test/data/info_test.mat", "w") as file:
            file["query"] = self.query
        return self

    def synthetic(self, **expected: int) -> Path:
        """With a renderer's description, so that a whole tree verifies without any problem."""
        (self.root / "synthetic.json").write_text(json.dumps({"expected": expected}))
        return self.root
