"""A made sequence with boxes: frames whose pixels tell where and when they are, so that a crop can be recognised."""

import io
from pathlib import Path

import numpy as np
from PIL import Image

HEIGHT, WIDTH = 48, 64


def picture(frame):
    """[H, W, 3]: red grows to the right, green downwards, blue with time."""
    rows, columns = np.mgrid[:HEIGHT, :WIDTH]
    return np.stack([columns * 4, rows * 5, np.full_like(rows, frame * 7 % 256)], 2).astype(np.uint8)


def line(frame, track, box, rest="1,-1,-1,-1"):
    """One line of MOTChallenge text; box: x, y, width, height."""
    return f"{frame},{track},{','.join(f'{value:g}' for value in box)}{',' if rest else ''}{rest}"


def walk(track, frames, y=5.0, step=1.0, size=(10, 20)):
    """The boxes of somebody who walks to the right."""
    return [line(n, track, (1 + step * (n - 1), y, *size)) for n in frames]


def write_sequence(root: Path, name: str, lines, frames=12, rate="10"):
    """A sequence in a folder of images."""
    folder = root / name / "img1"
    folder.mkdir(parents=True)
    for number in range(1, frames + 1):
        buffer = io.BytesIO()
        Image.fromarray(picture(number)).save(buffer, "PNG")
        (folder / f"{number:06d}.png").write_bytes(buffer.getvalue())
    if rate:
        (root / name / "seqinfo.ini").write_text(f"[Sequence]\nname={name}\nimDir=img1\nframeRate={rate}\n")
    write_text(root / f"{name}.txt", lines)


def write_text(path: Path, lines):
    """A file of tracks."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f"{each}\n" for each in lines))
