"""A small tree in the layout of MEVID, made by hand to be damaged."""

import json
from pathlib import Path

import numpy as np
import simplejpeg

JPEG = simplejpeg.encode_jpeg(np.full((16, 8, 3), 90, np.uint8))

# pid, outfit, camera, tracklet, frames
TRAIN = [(103, 20, 424, 0, 10), (103, 21, 330, 0, 2), (104, 20, 424, 1, 3)]
# indoors: 329 and 330, outdoors: 336 and 340; large and medium
TEST = [
    (201, 3, 330, 4, 3, "l"),  # 0: query
    (201, 3, 329, 5, 2, "l"),
    (201, 3, 336, 6, 1, "m"),
    (201, 4, 340, 0, 2, "l"),
    (201, 4, 329, 1, 2, "m"),
    (202, 3, 330, 0, 1, "l"),
    (202, 3, 336, 1, 4, "m"),  # 6: query
    (203, 1, 555, 0, 2, ""),  # of a camera and a scale that nobody knows, and the only one of its person
]
QUERY = [0, 6]


class Tree:
    """A MEVID tree, its files in memory to be damaged."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.names: dict[str, list[str]] = {}
        self.rows: dict[str, list[list[float]]] = {}
        for part, tracklets in (("train", TRAIN), ("test", [row[:5] for row in TEST])):
            self.names[part], self.rows[part] = [], []
            for pid, outfit, camera, track, frames in tracklets:
                first = len(self.names[part])
                self.rows[part].append([first, first + frames - 1, pid, outfit, camera])
                stem = f"{pid:04d}O{outfit:03d}C{camera:03d}T{track:03d}F"
                self.names[part] += [f"{stem}{frame:05d}.jpg" for frame in range(frames)]
            for name in self.names[part]:
                self.frame(f"bbox_{part}/{name[:4]}/{name}")
        self.query = [f"{row:.6e}" for row in QUERY]
        self.scales = [
            f"{self.names['test'][int(row[1])]} {scale}"
            for row, (*_, scale) in zip(self.rows["test"], TEST, strict=True)
            if scale
        ]

    def frame(self, path: str) -> None:
        """Put a frame there."""
        (self.root / path).parent.mkdir(parents=True, exist_ok=True)
        (self.root / path).write_bytes(JPEG)

    def write(self) -> "Tree":
        """Write the index files anew; the frames stay as they are."""
        for part in ("train", "test"):
            self.put(f"{part}_name.txt", self.names[part])
            rows = [" ".join(f"{value:.18e}" if value == value else "nan" for value in row) for row in self.rows[part]]
            self.put(f"track_{part}_info.txt", rows)
        self.put("query_IDX.txt", self.query)
        self.put("test_track_scale.txt", self.scales)
        return self

    def put(self, file: str, lines: list[str]) -> None:
        """Write one list."""
        (self.root / file).write_text("".join(f"{line}\n" for line in lines))

    def synthetic(self, **expected: int) -> Path:
        """With a renderer's description, so that a whole tree verifies without any problem."""
        (self.root / "synthetic.json").write_text(json.dumps({"expected": expected}))
        return self.root
