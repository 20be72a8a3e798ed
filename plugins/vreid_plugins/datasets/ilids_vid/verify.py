"""Checking a whole iLIDS-VID tree: its counts beside the published ones, every fault as a sentence."""

from __future__ import annotations

from pathlib import Path

from vreid_bench import DatasetCheck
from vreid_plugins.datasets.ilids_vid.index import load
from vreid_plugins.datasets.two_views_check import TwoViewsCheck

# Wang et al. 2014 and the page of the data set
PUBLISHED = {
    "cameras": 2,
    "persons of camera 1": 300,
    "persons of camera 2": 300,
    "persons in both cameras": 300,
    "tracklets": 600,
    "shortest tracklet": 23,
    "longest tracklet": 192,
    "split files": 1,
    "splits": 10,
    "train identities of a split": 150,
    "test identities of a split": 150,
    "queries of a split": 150,
}
CHECK = TwoViewsCheck(PUBLISHED, start=None)


def verify(root: Path, decode: bool) -> DatasetCheck:
    """All counts and faults under `root`."""
    problems: list[str] = []
    return CHECK.finish(root, load(root, problems.append, problems.append), {}, problems, decode)
