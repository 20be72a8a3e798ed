"""A small folder of your own tracklets, made by hand to be damaged."""

from pathlib import Path

HEADER = "split,pid,camid,frames"


ROWS = [
    "train,anna,north,a1",
    "train,anna,south,a2/*.jpg",
    "train,12,north,b1",
    "query,carl,north,c1",
    "gallery,carl,south,c2",
    "gallery,9,north,d1/x_*.jpg",
    "gallery,0,south,e1",
    "gallery,-1,south,f1",
]


FRAMES = {
    "a1": ["1.jpg", "2.jpg", "10.jpg"],
    "a2": ["f001.jpg"],
    "b1": ["cam3_frame_9_t2.jpg", "cam3_frame_7_t10.jpg"],
    "c1": ["1.jpg", "2.png"],
    "c2": ["1.jpg"],
    "d1": ["x_1.jpg", "x_2.jpg", "y_3.jpg"],
    "e1": ["1.jpg"],
    "f1": ["1.jpg"],
}


def write(root: Path, rows: list[str], header: str = HEADER) -> None:
    """Write the list anew."""
    (root / "tracklets.csv").write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")


def replaced(line: int, row: str) -> list[str]:
    """The rows with another one in `line` of the file."""
    rows = list(ROWS)
    rows[line - 2] = row
    return rows
