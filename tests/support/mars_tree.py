"""A small tree in the layout of MARS, made by hand to be damaged."""

import json
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import simplejpeg
from scipy.io import savemat

# pid, camera, frames of every tracklet; person 6 has no tracklet beside its two queries
TRAIN = [(1, 1, 3), (1, 2, 2), (3, 1, 4)]
TEST = [(-1, 1, 2), (-1, 3, 1), (0, 1, 2), (0, 2, 5), (2, 1, 3), (2, 1, 2), (2, 2, 1), (4, 1, 2), (4, 3, 3), (6, 1, 2)]


TEST += [(6, 2, 3)]


QUERY = [5, 7, 8, 9, 10, 11]  # 1-based rows of TEST


@dataclass
class Tree:
    """A MARS tree in memory, to be damaged, and where it is written."""

    root: Path
    names: dict[str, list[str]]
    rows: dict[str, np.ndarray]
    query: np.ndarray

    def write(self, ending: str = "\n") -> "Tree":
        """Write the index files anew; the frames stay as they are."""
        for part in ("train", "test"):
            text = "".join(name + ending for name in self.names[part])
            (self.root / f"info/{part}_name.txt").write_bytes(text.encode())
            savemat(self.root / f"info/tracks_{part}_info.mat", {f"track_{part}_info": self.rows[part]})
        savemat(self.root / "info/query_IDX.mat", {"query_IDX": self.query})
        return self


def index_of(tracklets: list[tuple[int, int, int]]) -> tuple[np.ndarray, list[str]]:
    """Index rows [N, 4] and frame names of tracklets (pid, camera, frames)."""
    taken: Counter[tuple[int, int]] = Counter()
    rows, names = [], []
    for pid, camera, frames in tracklets:
        taken[pid, camera] += 1
        rows.append((len(names) + 1, len(names) + frames, pid, camera))
        stem = f"{'00-1' if pid == -1 else f'{pid:04d}'}C{camera}T{taken[pid, camera]:04d}F"
        names += [f"{stem}{frame:03d}.jpg" for frame in range(1, frames + 1)]
    return np.array(rows, np.int32), names


def make_tree(root: Path) -> Tree:
    """The tree, without any fault."""
    train, train_names = index_of(TRAIN)
    test, test_names = index_of(TEST)
    jpeg = simplejpeg.encode_jpeg(np.full((16, 8, 3), 90, np.uint8))
    (root / "info").mkdir(parents=True)
    for part, names in (("train", train_names), ("test", test_names)):
        for name in names:
            path = root / f"bbox_{part}" / name[:4] / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(jpeg)
    names = {"train": train_names, "test": test_names}
    return Tree(root, names, {"train": train, "test": test}, np.array([QUERY], np.uint16)).write()


EXPECTED = {"train_tracklets": 3, "test_tracklets": 11, "queries": 6, "junk": 2, "distractors": 2, "test_frames": 26}


def synthetic(tree: Tree, **changes: int) -> Tree:
    """The tree with a renderer's description, so that a whole tree verifies without any problem."""
    (tree.root / "synthetic.json").write_text(json.dumps({"expected": EXPECTED | changes}))
    return tree
