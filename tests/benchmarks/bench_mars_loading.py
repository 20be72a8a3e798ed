"""How long reading the MARS lists takes at full size: `pytest tests/benchmarks/bench_mars_loading.py`.

With VREID_MARS_INFO naming the folder of the published .mat files, names that fit them are made; otherwise an index
of the same counts.
"""

import os
import shutil
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.io import loadmat, savemat

from vreid_plugins.datasets.mars.reader import Mars

INFO = os.environ.get("VREID_MARS_INFO")
SIZES = {"train": (8298, 625, 509914), "test": (12180, 634, 681089)}  # tracklets, identities, frames
QUERIES = 1980


def invented(part: str) -> np.ndarray:
    """An index [N, 4] with the counts of a half of MARS; test begins with its junk and distractors."""
    tracklets, identities, frames = SIZES[part]
    nobody = 870 + 3248 if part == "test" else 0
    ends = np.linspace(0, frames, tracklets + 1).astype(np.int32)
    people = np.arange(tracklets - nobody) * identities // (tracklets - nobody)
    # even pids are tested, odd ones trained on, as in MARS
    pids = np.concatenate([np.repeat([-1, 0], [870, 3248])[:nobody], 2 * people + (2 if part == "test" else 1)])
    return np.stack([ends[:-1] + 1, ends[1:], pids, np.arange(tracklets) % 6 + 1], axis=1).astype(np.int32)


def names(rows: np.ndarray) -> str:
    """The list of frame names that fits an index."""
    taken: Counter[tuple[int, int]] = Counter()
    lines = []
    for first, last, pid, camera in rows.tolist():
        taken[pid, camera] += 1
        stem = f"{'00-1' if pid == -1 else f'{pid:04d}'}C{camera}T{taken[pid, camera]:04d}F"
        lines += [f"{stem}{frame:03d}.jpg\n" for frame in range(1, last - first + 2)]
    return "".join(lines)


def queries(rows: np.ndarray) -> np.ndarray:
    """One row (1-based) for each of the first pairs of person and camera, [1, 1980]."""
    first: dict[tuple[int, int], int] = {}
    for row, (_, _, pid, camera) in enumerate(rows.tolist(), start=1):
        if pid > 0:
            first.setdefault((pid, camera), row)
    return np.array([sorted(first.values())[:QUERIES]], np.uint16)


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tree of index files, without frames."""
    root = tmp_path_factory.mktemp("mars")
    for folder in ("bbox_train", "bbox_test", "info"):
        (root / folder).mkdir()
    for part in SIZES:
        key, path = f"track_{part}_info", root / f"info/tracks_{part}_info.mat"
        if INFO:
            shutil.copy(Path(INFO) / path.name, path)
        else:
            savemat(path, {key: invented(part)})
        (root / f"info/{part}_name.txt").write_text(names(loadmat(path)[key]))
    if INFO:
        shutil.copy(Path(INFO) / "query_IDX.mat", root / "info")
    else:
        savemat(root / "info/query_IDX.mat", {"query_IDX": queries(invented("test"))})
    return root


def test_read_the_lists_of_mars(benchmark: Any, root: Path) -> None:
    dataset = benchmark(Mars().read, root)
    (split,) = dataset.splits
    assert (len(split.train), len(split.test), len(split.query)) == (8298, 12180, QUERIES)


def test_fingerprint_the_lists_of_mars(benchmark: Any, root: Path) -> None:
    dataset = Mars().read(root)

    def fingerprint() -> str:
        dataset.__dict__.pop("fingerprint", None)
        return dataset.fingerprint

    assert len(benchmark(fingerprint)) == 64
