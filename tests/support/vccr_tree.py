"""A small tree in the layout of VCCR, made by hand to be damaged."""

import json
from pathlib import Path

import numpy as np
import simplejpeg

JPEG = simplejpeg.encode_jpeg(np.full((16, 8, 3), 90, np.uint8))

# person, camera, clothes, number of the tracklet, numbers of the frames
TRAIN = [(7, 1, 1, 1, range(1, 4)), (7, 10, 2, 1, range(9, 12)), (30, 2, 1, 1, range(1, 2))]
# in the query's clothes and in others, long enough for the test and not
QUERY = [(12, 1, 3, 1, range(1, 13)), (100, 2, 1, 1, range(5, 13)), (12, 10, 4, 1, range(1, 8))]
GALLERY = [
    (12, 1, 4, 1, range(1, 9)),  # the camera of the first query
    (12, 2, 3, 1, range(1, 10)),
    (12, 2, 4, 1, range(1, 9)),
    (12, 10, 3, 1, range(1, 8)),  # one frame too short
    (100, 1, 1, 1, range(1, 9)),
    (100, 1, 3, 2, range(1, 9)),
]


def folder_of(part: str, person: int, camera: int, clothes: int, take: int) -> str:
    """The folder of a tracklet."""
    tracklet = f"p{person}-c{camera}-l{clothes}-t{take}"
    return f"train/{person}/{tracklet}" if part == "train" else f"test_qg/{part}/{person}/{camera}/{tracklet}"


class Tree:
    """A VCCR tree on disk; nothing lists its files."""

    def __init__(self, root: Path) -> None:
        self.root = root
        for part, tracklets in (("train", TRAIN), ("query", QUERY), ("gallery", GALLERY)):
            for *labels, numbers in tracklets:
                folder = folder_of(part, *labels)
                for number in numbers:
                    self.frame(f"{folder}/{folder.rpartition('/')[2]}-f{number}.jpg")

    def frame(self, path: str) -> None:
        """Put a frame there."""
        (self.root / path).parent.mkdir(parents=True, exist_ok=True)
        (self.root / path).write_bytes(JPEG)

    def rename(self, path: str, name: str) -> None:
        """Give a file or a folder another name in its folder."""
        (self.root / path).rename(self.root / path.rpartition("/")[0] / name)

    def synthetic(self, **expected: int) -> Path:
        """With a renderer's description, so that a whole tree verifies without any problem."""
        (self.root / "synthetic.json").write_text(json.dumps({"expected": expected}))
        return self.root
