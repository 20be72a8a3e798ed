"""A small tree in the layout of AG-VPReID, made by hand to be damaged, and the masking of a copy."""

import csv
import json
import shutil
from pathlib import Path

import numpy as np
import simplejpeg

JPEG = simplejpeg.encode_jpeg(np.full((16, 8, 3), 90, np.uint8))


def picture(part: str, person: int) -> bytes:
    """A picture; people who are trained on have one of their own each."""
    return simplejpeg.encode_jpeg(np.full((16, 8, 3), 120 + 5 * person, np.uint8)) if part == "train" else JPEG


COLUMNS = (
    "id,gender,age,height,body_volume,ethnicity,hair_color,hairstyle,beard,moustache,glasses,head_accessories,"
    "upper_body_clothing,lower_body_clothing,footwear,accessories"
)
PEOPLE = range(1604, 1614)  # tested
STRANGER = 6675  # seen from the air alone, and nowhere but in the second gallery
FOLDERS = {
    "train": "train",
    "case1 query": "case1_aerial_to_ground/query",
    "case1 gallery": "case1_aerial_to_ground/gallery",
    "case2 query": "case2_ground_to_aerial/query",
    "case2 gallery": "case2_ground_to_aerial/gallery",
}


def name(camera: int, frame: int, altitude: int = 2) -> str:
    """The name of a frame."""
    return f"P81T2310171A{altitude}C{camera}E152K7F{frame}.jpg"


class Tree:
    """An AG-VPReID tree without any fault; tables are in memory until `write`."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.tables: dict[str, list[str]] = {part: [COLUMNS] for part in FOLDERS}
        for person, camera in ((0, 4), (0, 1), (12, 5)):  # people count from 0
            self.add("train", person, f"tracklet_{7000 + 10 * person + camera}", camera, (1, 2))
        for place, person in enumerate(PEOPLE):
            for part in ("case1 query", "case2 gallery"):
                self.add(part, person, f"tracklet_{person}0", 4 + place % 2, (9, 10, 100))
            for part in ("case1 gallery", "case2 query"):
                self.add(part, person, f"tracklet_{person}1", place % 2, (9, 10, 100))
                self.add(part, person, f"tracklet_{person}2", 2 + place % 2, (5,))
        self.add("case2 gallery", STRANGER, "tracklet_9", 5, (3,))
        for part, folder in FOLDERS.items():
            people = sorted(int(path.name) for path in (root / folder).iterdir())
            self.tables[part] += [self.row(person) for person in people]

    def row(self, person: int) -> str:
        """The row of a person: gender, age, and ones."""
        return f"{person},{person % 2},{person % 5},{','.join('1' * 2)},{person % 3},{person % 7},{','.join('1' * 9)}"

    def add(self, part: str, person: int, tracklet: str, camera: int, frames: tuple[int, ...]) -> Path:
        """Put a tracklet there; returns its folder."""
        folder = self.root / FOLDERS[part] / str(person) / tracklet
        folder.mkdir(parents=True, exist_ok=True)
        for frame in frames:
            (folder / name(camera, frame)).write_bytes(picture(part, person))
        return folder

    def tracklet(self, part: str, person: int, place: int = 0) -> Path:
        """The folder of one tracklet of a person."""
        return sorted((self.root / FOLDERS[part] / str(person)).iterdir())[place]

    def write(self) -> "Tree":
        """Write the tables anew; the frames stay as they are."""
        for part, lines in self.tables.items():
            path = self.root / "attributes" / f"{FOLDERS[part]}.csv"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text("".join(f"{line}\n" for line in lines))
        return self

    def synthetic(self, **expected: int) -> Path:
        """With a renderer's description, so that a whole tree verifies without any problem."""
        (self.root / "synthetic.json").write_text(json.dumps({"expected": expected}))
        return self.root


def mask(root: Path) -> None:
    """Give each person of the side on the ground the id of another one, in folders and tables."""
    for folder in ("case1_aerial_to_ground/gallery", "case2_ground_to_aerial/query"):
        people = sorted(path.name for path in (root / folder).iterdir())
        other = dict(zip(people, [*people[1:], people[0]], strict=True))
        for person in people:
            shutil.move(root / folder / person, root / folder / f"{person}.moved")
        for person in people:
            shutil.move(root / folder / f"{person}.moved", root / folder / other[person])
        table = root / "attributes" / f"{folder}.csv"
        header, *rows = csv.reader(table.read_text().splitlines())
        lines = [header, *([other[cells[0]], *cells[1:]] for cells in rows)]
        table.write_text("".join(",".join(line) + "\n" for line in lines))
