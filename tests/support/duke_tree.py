"""A small tree in the layout of DukeMTMC-VideoReID, made by hand to be damaged."""

import json
from pathlib import Path

import numpy as np
import simplejpeg

JPEG = simplejpeg.encode_jpeg(np.full((16, 8, 3), 90, np.uint8))


# person, tracklet, camera, first frame, frames; person 9 is seen by one camera, which makes a distractor of them
TRAIN = [(1, 3, 1, 1, 3), (1, 4, 2, 2, 2), (3, 1, 8, 1, 2)]


GALLERY = [(2, 1, 1, 1, 3), (2, 2, 2, 2, 3), (4, 3, 5, 1, 1), (4, 10, 6, 1, 2), (9, 5, 1, 1, 2)]


QUERY = [(2, 2, 2, 2, 3), (4, 3, 5, 1, 1)]


def frame_names(person: int, camera: int, first: int, frames: int) -> list[str]:
    return [f"{person:04d}_C{camera}_F{n:04d}_X{1000 * camera + 12 * n}.jpg" for n in range(first, first + frames)]


def synthetic(root: Path, **expected: int) -> Path:
    """The tree with a renderer's description, so that a whole tree verifies without any problem."""
    (root / "synthetic.json").write_text(json.dumps({"expected": expected}))
    return root


def write_tree(root: Path) -> Path:
    """The tree, without any fault."""
    for part, rows in (("train", TRAIN), ("query", QUERY), ("gallery", GALLERY)):
        for person, tracklet, camera, first, frames in rows:
            folder = root / part / f"{person:04d}" / f"{tracklet:04d}"
            folder.mkdir(parents=True)
            for name in frame_names(person, camera, first, frames):
                (folder / name).write_bytes(JPEG)
    return root
