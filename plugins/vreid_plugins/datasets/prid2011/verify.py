"""Checking a whole PRID2011 tree: its counts beside the published ones, every fault as a sentence."""

from __future__ import annotations

from pathlib import Path

from vreid_bench import DatasetCheck
from vreid_plugins.datasets.prid2011.index import ELIGIBLE, PERSONS, PRINTED, SHARED, load
from vreid_plugins.datasets.two_views_check import TwoViewsCheck

# Hirzer et al. 2011 and the page of the data set; the persons by frames are those that person-reid-lib asserts
PUBLISHED = {
    "cameras": 2,
    "persons of camera 1": PERSONS[0],
    "persons of camera 2": PERSONS[1],
    "persons in both cameras": SHARED,
    f"persons of {PRINTED} frames or more in both": 183,
    f"persons of {ELIGIBLE} frames or more in both": 178,
    "splits": 10,
    "train identities of a split": 89,
    "test identities of a split": 89,
    "queries of a split": 89,
}
CHECK = TwoViewsCheck(PUBLISHED, start=1)


def verify(root: Path, decode: bool) -> DatasetCheck:
    """All counts and faults under `root`."""
    problems: list[str] = []
    tree, halves = load(root, problems.append, problems.append)
    own = {f"persons of {n} frames or more in both": len(tree.persons_of(n)) for n in (PRINTED, ELIGIBLE)}
    return CHECK.finish(root, (tree, halves), own, problems, decode)
