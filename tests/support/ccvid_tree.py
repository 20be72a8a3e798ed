"""A small tree in the layout of CCVID, made by hand to be damaged."""

import json
from pathlib import Path

import numpy as np
import simplejpeg

JPEG = simplejpeg.encode_jpeg(np.full((16, 8, 3), 90, np.uint8))


OLD, NEW = "u0_l0_s0_c0_a0", "u1_l0_s0_c0_a0"


# folder, person, clothes, frames
TRAIN = [("session1/001_01", 1, OLD, 2), ("session1/001_12", 1, NEW, 1), ("session2/150_03", 150, OLD, 3)]


QUERY = [("session1/002_01", 2, OLD, 2), ("session2/148_02", 148, OLD, 1)]


GALLERY = [
    ("session1/002_02", 2, OLD, 2),
    ("session3/002_01", 2, NEW, 3),
    ("session2/148_05", 148, OLD, 1),
    ("session2/148_04", 148, NEW, 1),
]


class Tree:
    """A CCVID tree, its lists in memory to be damaged."""

    def __init__(self, root: Path) -> None:
        self.root = root
        rows = {"train": TRAIN, "query": QUERY, "gallery": GALLERY}
        self.lists = {
            part: [f"{folder}\t{pid:03d}\t{clothes}" for folder, pid, clothes, _ in walks]
            for part, walks in rows.items()
        }
        for walks in rows.values():
            for folder, _, _, frames in walks:
                for number in range(1, frames + 1):
                    self.frame(f"{folder}/{number:05d}.jpg")

    def frame(self, path: str) -> None:
        """Put a frame there."""
        (self.root / path).parent.mkdir(parents=True, exist_ok=True)
        (self.root / path).write_bytes(JPEG)

    def write(self) -> "Tree":
        """Write the lists anew; the frames stay as they are."""
        for part, lines in self.lists.items():
            (self.root / f"{part}.txt").write_text("".join(f"{line}\n" for line in lines))
        return self

    def synthetic(self, **expected: int) -> Path:
        """With a renderer's description, so that a whole tree verifies without any problem."""
        (self.root / "synthetic.json").write_text(json.dumps({"expected": expected}))
        return self.root
