"""A small tree in the layout of DetReIDX, made by hand to be damaged."""

import json
import shutil
from pathlib import Path

import numpy as np
import simplejpeg

JPEG = simplejpeg.encode_jpeg(np.full((16, 8, 3), 90, np.uint8))


def picture(part: str, person: int) -> bytes:
    """A picture; people who are trained on have one of their own each."""
    return simplejpeg.encode_jpeg(np.full((16, 8, 3), 120 + 5 * person, np.uint8)) if part == "train" else JPEG


FOLDERS = {
    f"{case.partition('_')[0]} {side}": f"{case}/{side}"
    for case in ("case1_aerial_to_ground", "case2_ground_to_aerial", "case3_aerial_to_aerial")
    for side in ("query", "gallery")
} | {"train": "train"}
PEOPLE = (24, 25, 26)  # tested


def aerial(person: int, session: int, frame: int, where: str = "5.8_10_30") -> str:
    """The name of a frame from the air, as the notes of the data set have it, with the frame behind the session."""
    worn = "3_0_1_1_0_-1_-1_6_0_0_6"
    return f"{person:04d}_23_10_2024_09_18_{where}_{worn}_152_178_{session}_{frame}.jpg"


def ground(person: int, frame: int, view: str = "F") -> str:
    """The name of a frame from the ground."""
    return f"{person:04d}_0_1_1_1_{frame}_{view}.jpg"


class Tree:
    """A DetReIDX tree without any fault."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.add("train", 0, "0000_1", [ground(0, 1), ground(0, 2)])  # people count from 0
        self.add("train", 3, "0003_2", [aerial(3, 1, 1), aerial(3, 1, 2)])
        self.add("train", 3, "0003_3", [ground(3, 1)])
        for person in PEOPLE:
            near = [aerial(person, 1, frame) for frame in (9, 10, 100)]
            far = [aerial(person, 2, frame, "120_0_90") for frame in (5, 6)]
            for part in ("case1 query", "case2 gallery"):
                self.add(part, person, f"{person:04d}_{person}1", near)
                self.add(part, person, f"{person:04d}_{person}2", far)
            for part in ("case1 gallery", "case2 query"):
                self.add(part, person, f"{person:04d}_{person}3", [ground(person, frame) for frame in (9, 10)])
            self.add("case3 query", person, f"{person:04d}_{person}1", near)
            self.add("case3 gallery", person, f"{person:04d}_{person}2", far)

    def add(self, part: str, person: int, tracklet: str, names: list[str]) -> Path:
        """Put a tracklet there; returns its folder."""
        folder = self.root / FOLDERS[part] / f"{person:04d}" / tracklet
        folder.mkdir(parents=True, exist_ok=True)
        for name in names:
            (folder / name).write_bytes(picture(part, person))
        return folder

    def tracklet(self, part: str, person: int, place: int = 0) -> Path:
        """The folder of one tracklet of a person."""
        return sorted((self.root / FOLDERS[part] / f"{person:04d}").iterdir())[place]

    def synthetic(self, **expected: int) -> Path:
        """With a renderer's description, so that a whole tree verifies without any problem."""
        (self.root / "synthetic.json").write_text(json.dumps({"expected": expected}))
        return self.root


def anonymize(root: Path, side: str = "gallery") -> None:
    """Give the people on one side of each case ids of their own, in the folders alone."""
    for case in ("case1_aerial_to_ground", "case2_ground_to_aerial", "case3_aerial_to_aerial"):
        for person in sorted((root / case / side).iterdir()):
            shutil.move(person, person.with_name(f"9{person.name}"))
