"""Checking a whole PRID2011 tree: its counts beside the published ones, every fault as a sentence."""

from __future__ import annotations

from pathlib import Path

from vreid_bench import DatasetCheck
from vreid_plugins.datasets.prid2011.description import PUBLISHED
from vreid_plugins.datasets.prid2011.index import ELIGIBLE, PRINTED, load
from vreid_plugins.datasets.two_views_check import TwoViewsCheck

CHECK = TwoViewsCheck(PUBLISHED, start=1)


def verify(root: Path, decode: bool) -> DatasetCheck:
    """All counts and faults under `root`."""
    problems: list[str] = []
    tree, halves = load(root, problems.append, problems.append)
    own = {f"persons of {n} frames or more in both": len(tree.persons_of(n)) for n in (PRINTED, ELIGIBLE)}
    return CHECK.finish(root, (tree, halves), own, problems, decode)
