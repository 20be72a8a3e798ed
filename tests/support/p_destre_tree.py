"""A small tree in the layout of P-DESTRE, made by hand to be damaged."""

import json
from pathlib import Path

import numpy as np
import simplejpeg

JPEG = simplejpeg.encode_jpeg(np.full((16, 8, 3), 90, np.uint8))

# numbers of frames of each number of a person, in each sequence; -1 and 0 are nobody
SEQUENCES = {
    "08-11-2019-1-1": {1: [5, 15, 25], 2: [90, 100], -1: [5]},
    "08-11-2019-1-2": {1: [980, 990, 1000], 3: [7]},
    "12-11-2019-3-1": {2: [10, 20], 5: [30], 0: [10]},  # its 2 is not the 2 of another day
    "12-11-2019-3-2": {2: [8, 9, 10, 11], 5: [100, 20], 7: [1]},
    "12-11-2019-3-3": {2: [50], 5: [60]},
    "14-11-2019-1-1": {9: [1, 2]},
    "14-11-2019-1-2": {4: [3, 4], 9: [5]},
}
DIVISIONS = [
    {
        "Train": ["08-11-2019-1-1", "08-11-2019-1-2"],
        "Query": ["12-11-2019-3-1", "14-11-2019-1-1"],
        "Gallery": ["12-11-2019-3-2", "12-11-2019-3-3", "14-11-2019-1-2"],
    },
    {
        "Train": ["12-11-2019-3-1", "12-11-2019-3-2", "12-11-2019-3-3"],
        "Query": ["08-11-2019-1-1"],
        "Gallery": ["08-11-2019-1-2"],
    },
]


class Tree:
    """A P-DESTRE tree, its lists in memory to be damaged."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.divisions = [{part: list(names) for part, names in lists.items()} for lists in DIVISIONS]
        for view, (sequence, people) in enumerate(SEQUENCES.items()):
            day = sequence[:10].replace("-", "")
            for number, frames in people.items():
                for frame in frames:
                    self.frame(f"{sequence}/{number}/{number}_{frame}_{day}_{view}.jpg")
        self.frame("08-11-2019-1-1/2/2_95_08112019_0.jpg", b"")

    def frame(self, path: str, content: bytes = JPEG) -> None:
        """Put a frame there."""
        (self.root / path).parent.mkdir(parents=True, exist_ok=True)
        (self.root / path).write_bytes(content)

    def list_path(self, name: str) -> Path:
        """Where a list lies."""
        return self.root / "Splits" / f"{name}.txt"

    def write(self) -> "Tree":
        """Write the lists anew; the frames stay as they are."""
        (self.root / "Splits").mkdir(exist_ok=True)
        for number, lists in enumerate(self.divisions):
            for part, names in lists.items():
                self.list_path(f"{part}_{number}").write_text("".join(f"{name}\n" for name in names))
        return self

    def synthetic(self, **expected: int) -> Path:
        """With a renderer's description, so that a whole tree verifies without any problem."""
        (self.root / "synthetic.json").write_text(json.dumps({"expected": expected}))
        return self.root
