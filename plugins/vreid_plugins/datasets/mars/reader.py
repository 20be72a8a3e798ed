"""MARS (Zheng et al., ECCV 2016): reader and protocols."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from vreid_bench import Dataset, Protocol, Roles, Source, Split, Tracklet, hookimpl
from vreid_plugins.datasets.fault_report import stop
from vreid_plugins.datasets.layout_reader import LayoutReader
from vreid_plugins.datasets.mars.description import DESCRIPTION
from vreid_plugins.datasets.mars.halves import VARIANTS, divide_halves, validate_on_halves
from vreid_plugins.datasets.mars.index import FILES, QUERY_FILE, Half, load_index, load_roles
from vreid_plugins.datasets.synthetic_note import is_synthetic, read_visibility

# sha256 of the index files of liangzheng06/MARS-evaluation; a list of names that fits them is the published one
PUBLISHED = {
    FILES["train"].tracks: "bae1ca16a6afbad1db664fbd4a60f8761585d7fb591c5e20b714f637dba3636b",
    FILES["test"].tracks: "35a5464d1219cc42001ddb6cdb2c1e88ae2bc9d516e559d44a68310521386b56",
    QUERY_FILE: "2b580c94cf7934dbe3320c628b915dba76153c60effa94c1f48995ae8b96a932",
}


class Mars(LayoutReader):
    """Reads `bbox_train`, `bbox_test` and `info` as published; the lists name the frames, no folder is listed."""

    description = DESCRIPTION
    variants = VARIANTS

    def read(self, root: Path, variant: str = VARIANTS[0]) -> Dataset:
        """One split: test is every row of the test index in file order, the gallery all of it.

        With the variant `halves`, ten splits of the training part, as `divide_halves` says.

        The frames of a tracklet are sorted by track and frame number. Raises InputError at the first fault of the index
        files; no frame is opened.
        """
        root = Path(root)
        index = load_index(root, stop)
        if index.train is None or index.test is None or index.query is None:
            raise AssertionError("a fault of the index files was not reported")
        test = make_tracklets(index.test)
        split = Split(make_tracklets(index.train), test, tuple(index.query.tolist()), tuple(range(len(test))))
        splits = divide_halves(split) if variant == "halves" else (split,)
        return Dataset("mars", root, splits, find_source(root), note_sorted(index.train, index.test))

    def roles(self, info: Path) -> Roles:
        """The test labels from `tracks_test_info.mat` and `query_IDX.mat`; the gallery is every row."""
        rows, query = load_roles(Path(info), stop)
        return Roles(rows[:, 2].tolist(), rows[:, 3].tolist(), query.tolist(), range(len(rows)))

    def visibility(self, root: Path) -> Mapping[str, float]:
        """Path of each frame -> share of the person that it shows. Raises InputError if the data was not rendered."""
        index = load_index(Path(root), stop)
        paths = [path for half in (index.train, index.test) if half is not None for path in half.paths()]
        return read_visibility(Path(root), paths, stop)


def make_tracklets(half: Half) -> tuple[Tracklet, ...]:
    """The tracklets of one half of MARS in the order of its index."""
    listed = half.paths()
    ranges = [(first - 1, last) for first, last in half.rows[:, :2].tolist()]
    for row in half.unordered.tolist():
        a, b = ranges[row]
        listed[a:b] = [listed[a + i] for i in half.order[a:b].argsort(kind="stable")]
    people = half.rows[:, 2:].tolist()
    return tuple(
        Tracklet(tuple(listed[a:b]), pid, camera, person=f"{pid:04d}", camera=f"C{camera}")
        for (a, b), (pid, camera) in zip(ranges, people, strict=True)
    )


def find_source(root: Path) -> Source:
    """`synthetic` if the renderer left its note, `official` if the index files are the published ones."""
    if is_synthetic(root):
        return "synthetic"
    for name, digest in PUBLISHED.items():
        path = root / name
        if not path.is_file() or hashlib.sha256(path.read_bytes()).hexdigest() != digest:
            return "unverified"
    return "official"


def note_sorted(*halves: Half) -> tuple[str, ...]:
    """What the reader of a result must know of frames that were sorted."""
    return tuple(
        f"{len(half.unordered)} tracklets of {half.files.names} are not listed in order of frame number; "
        "they were sorted by it."
        for half in halves
        if len(half.unordered)
    )


@hookimpl
def vreid_datasets() -> Mapping[str, Mars]:
    """The data set `mars`."""
    return {"mars": Mars()}


@hookimpl
def vreid_protocols() -> Mapping[str, Protocol]:
    """`mars`, the published test; `mars-dev` and `mars-half`, which leave the test part alone."""
    test = Protocol(
        name="mars",
        version="1",
        dataset="mars",
        headline="queries-in-gallery",
        conventions=("queries-in-gallery", "official", "torchreid"),
        summary="Train on 625 identities, rank 12,180 test tracklets for 1,980 queries.",
        source="Zheng et al., MARS: A Video Benchmark for Large-Scale Person Re-Identification, ECCV 2016",
        counts={"train identities": 625, "train tracklets": 8298, "queries": 1980, "gallery": 12180},
    )
    dev = replace(
        test,
        name="mars-dev",
        holdout=0.2,
        summary="Train on four fifths of the training identities of MARS, test on the others: for choosing between "
        "methods and options without a look at the test part.",
        source="this project: choosing on the test part is common in this field, and biased",
        counts={"train identities": 500},
    )
    half = validate_on_halves(test)
    return {each.name: each for each in (test, dev, half)}
