"""Small trees in the layouts of iLIDS-VID and PRID2011, made by hand to be read or damaged."""

import io
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image
from scipy.io import savemat

# Numbers of the persons of iLIDS-VID, with gaps: what stands at place 3 is person 5.
PEOPLE = (1, 2, 5, 9, 10, 12)
SEQUENCES = "i-LIDS-VID/sequences"
SPLIT_FILE = "train-test people splits/train_test_splits_ilidsvid.mat"
ORDER = (3, 1, 6, 2, 5, 4)  # of the first split: places in PEOPLE, so persons 5, 1, 12 and 2, 10, 9

MULTI_SHOT = "prid_2011/multi_shot"
# Frames of each person of PRID2011 in cameras a and b; 3 and 5 have under 27 in one of them.
LENGTHS = {1: (27, 30), 2: (28, 27), 3: (27, 26), 4: (40, 27), 5: (20, 50), 6: (27, 27)}
ELIGIBLE = (1, 2, 4, 6)
# persons of the original PRID2011 with under 27 frames in one of the cameras
TOO_SHORT = {6, 19, 31, 52, 57, 62, 71, 94, 106, 120, 136, 138, 139, 142, 145, 158, 159, 166, 183, 190, 199, 200}
STRANGERS = {"a": (201, 202), "b": (201, 202, 203)}  # the same numbers, other people


def image(size: tuple[int, int] = (8, 4), value: int = 90) -> bytes:
    """A small PNG of one colour, `size` = (height, width)."""
    buffer = io.BytesIO()
    Image.fromarray(np.full((*size, 3), value, np.uint8)).save(buffer, format="PNG")
    return buffer.getvalue()


def put(path: Path, content: bytes = image()) -> Path:
    """A file, and the folders above it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def orders(first: tuple[int, ...] = ORDER) -> np.ndarray:
    """Ten orders of the places: the first is given, the others are turned by one place each."""
    return np.stack([np.roll(first, number) for number in range(10)])


def ilids(root: Path, rows: np.ndarray | None = None) -> Path:
    """A tree of six persons, whose frames start anywhere and reach five and six digits."""
    for camera in (1, 2):
        for place, person in enumerate(PEOPLE):
            start = 99_998 if person == 5 else 10 * place + 1
            for frame in range(start, start + camera + place + 2):
                name = f"person{person:03d}"
                put(root / SEQUENCES / f"cam{camera}" / name / f"cam{camera}_{name}_{frame:05d}.png")
    write_orders(root, orders() if rows is None else rows)
    return root


def write_orders(root: Path, rows: np.ndarray, file: str = SPLIT_FILE, key: str = "ls_set") -> None:
    """A published .mat with these rows."""
    path = put(root / file)
    savemat(path, {key: np.asarray(rows)})


def prid(root: Path) -> Path:
    """A tree of six persons in both cameras, four of them long enough, and strangers; no split file."""
    for person, lengths in LENGTHS.items():
        for camera, frames in zip("ab", lengths, strict=True):
            sequence(root, camera, person, frames)
    for camera, strangers in STRANGERS.items():
        for person in strangers:
            sequence(root, camera, person, 30)
    return root


def sequence(root: Path, camera: str, person: int, frames: int) -> None:
    """Frames 1 to `frames` of one person of PRID2011."""
    folder, content = root / MULTI_SHOT / f"cam_{camera}" / f"person_{person:04d}", image()
    folder.mkdir(parents=True)
    for frame in range(1, frames + 1):
        (folder / f"{frame:04d}.png").write_bytes(content)


def write_lists(root: Path, change: Callable[[list[dict[str, list[str]]]], object] = lambda lists: None) -> None:
    """`splits_prid2011.json` of the persons long enough, changed as given; split k tests persons k and k + 1."""
    names = [f"person_{person:04d}" for person in ELIGIBLE]
    lists = []
    for number in range(10):
        turned = np.roll(names, -number).tolist()
        lists.append({"test": turned[:2], "train": turned[2:]})
    change(lists)
    put(root / "splits_prid2011.json", json.dumps(lists).encode())
