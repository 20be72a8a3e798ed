"""Your own data: tracklets listed in `tracklets.csv`, one row each, wherever their frames lie below it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from vreid_bench import Dataset, DatasetCheck, DatasetDescription, Protocol, Split, Tracklet, hookimpl
from vreid_plugins.datasets.fault_report import stop
from vreid_plugins.datasets.tracklets.index import SPECIAL, Row, load, natural_key


class Tracklets:
    """Reads `<root>/tracklets.csv` with the header `split,pid,camid,frames`.

    `split` is train, query or gallery. `pid` and `camid` are any labels; the same label is the same person or
    camera, `-1` is junk and `0` a distractor. `frames` is a folder or a glob, relative to the file. Frames are put
    in the order of the last number in their names. Each further column is an attribute of the tracklets, such as
    `outfit` or `place`; an empty cell says that it is not known.
    """

    description = DatasetDescription(
        title="your own tracklets",
        licence="yours",
        access="your own folder, listed in tracklets.csv",
        citation="none",
    )
    complete = True  # `verify` counts everything and checks the frames

    def read(self, root: Path) -> Dataset:
        """One split: test is query and gallery rows in file order. Raises InputError at the first fault."""
        root = Path(root)
        return Dataset("tracklets", root, (make_split(load(root, stop)),), "unverified")

    def verify(self, root: Path, decode: bool = False) -> DatasetCheck:
        """What the list holds, and every fault of the list and of its frames."""
        from vreid_plugins.datasets.tracklets.verify import verify

        return verify(Path(root), decode)


def make_split(rows: list[Row]) -> Split:
    """Rows as tracklets: persons 1..n and cameras 1..n in the order of their labels."""
    pids = SPECIAL | number_labels({row.pid for row in rows} - set(SPECIAL))
    cameras = number_labels({row.camid for row in rows})

    def tracklet(row: Row) -> Tracklet:
        return Tracklet(row.frames, pids[row.pid], cameras[row.camid], row.attributes, person=row.pid, camera=row.camid)

    test = [row for row in rows if row.split != "train"]
    query = tuple(i for i, row in enumerate(test) if row.split == "query")
    train = tuple(tracklet(row) for row in rows if row.split == "train")
    return Split(train, tuple(map(tracklet, test)), query, tuple(range(len(test))))


def number_labels(labels: Iterable[str]) -> dict[str, int]:
    """Label -> 1..n in sorted order: numbers by their size, then texts."""
    return {label: number for number, label in enumerate(sorted(labels, key=natural_key), start=1)}


@hookimpl
def vreid_datasets() -> Mapping[str, Tracklets]:
    """The data set `tracklets`."""
    return {"tracklets": Tracklets()}


@hookimpl
def vreid_protocols() -> Mapping[str, Protocol]:
    """`custom`: train and test on your own list."""
    custom = Protocol(
        name="custom",
        version="1",
        dataset="tracklets",
        headline="torchreid",
        conventions=("torchreid", "queries-in-gallery"),
        summary="Train and test on the rows of tracklets.csv. Headlined with the queries out of the gallery, because "
        "who labels rows query and gallery has said what is to be ranked.",
        source="this project",
    )
    return {custom.name: custom}
