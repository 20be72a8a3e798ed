"""A small tree in the layout of BUPTCampus, made by hand to be damaged."""

import json
from pathlib import Path

import numpy as np
import simplejpeg

JPEG = simplejpeg.encode_jpeg(np.full((16, 8, 3), 90, np.uint8))

# person, camera, tracklet, first frame, frames; each is there in RGB, in IR and in FakeIR
WALKS = [
    (1, "LS3", 1, 98, 4),  # 98, 99, 100, 101: the order of text is another
    (1, "G25", 1, 1, 3),
    (2, "LS3", 1, 1, 2),
    (2, "LS3", 2, 9998, 3),  # in the folder of the one before
    (30, "TSG1", 1, 5, 1),
    (11, "G25", 1, 1, 3),  # 11 to 13 are tested
    (11, "LS3", 1, 1, 2),
    (11, "G25", 2, 50, 2),
    (12, "CQ1", 1, 1, 1),
    (12, "TSG2", 1, 1, 2),
    (13, "W4", 1, 7, 2),
    (13, "CQ1", 10, 1, 1),
]
ROWS = {
    "train": ["1 RGB/IR LS3 1", "1 RGB/IR G25 1", "2 RGB/IR LS3 1", "2 RGB/IR LS3 2"],
    "train_auxiliary": ["30 RGB/IR TSG1 1"],
    "query": ["11 RGB G25 1", "12 IR CQ1 1", "13 RGB W4 1"],
    # in this order, which decides between equal distances
    "gallery": [
        "12 RGB TSG2 1",
        "11 IR LS3 1",
        "11 RGB LS3 1",
        "11 IR G25 2",
        "11 RGB G25 2",
        "12 IR TSG2 1",
        "13 IR CQ1 10",
    ],
}


class Tree:
    """A BUPTCampus tree, its files in memory to be damaged."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.rows = {part: list(rows) for part, rows in ROWS.items()}
        self.paths: dict[str, dict[str, dict[str, dict[str, list[str]]]]] = {}
        for person, camera, tracklet, first, many in WALKS:
            for modality in ("RGB", "IR", "FakeIR"):
                named = "RGB" if modality == "FakeIR" else modality
                stem = f"{person}/{modality}/{camera}/{person}_{named}_{camera}_{tracklet}"
                frames = [f"{stem}_{number}.jpg" for number in range(first, first + many)]
                self.walks(person, modality, camera)[str(tracklet)] = frames
                for frame in frames:
                    self.frame(frame)

    def walks(self, person: int, modality: str, camera: str) -> dict[str, list[str]]:
        """Tracklet -> its frames."""
        return self.paths.setdefault(str(person), {}).setdefault(modality, {}).setdefault(camera, {})

    def frame(self, path: str, content: bytes = JPEG) -> None:
        """Put a frame there."""
        (self.root / "DATA" / path).parent.mkdir(parents=True, exist_ok=True)
        (self.root / "DATA" / path).write_bytes(content)

    def write(self) -> "Tree":
        """Write lists and paths anew; the frames stay as they are."""
        for part, rows in self.rows.items():
            (self.root / f"{part}.txt").write_text("".join(f"{row}\n" for row in rows))
        (self.root / "data_paths.json").write_text(json.dumps(self.paths))
        return self

    def synthetic(self, **expected: int) -> Path:
        """With a renderer's description, so that a whole tree verifies without any problem."""
        (self.root / "synthetic.json").write_text(json.dumps({"expected": expected}))
        return self.root
