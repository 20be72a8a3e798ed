"""Checking a whole iLIDS-VID tree: its counts beside the published ones, every fault as a sentence."""

from __future__ import annotations

from pathlib import Path

from vreid_bench import DatasetCheck
from vreid_plugins.datasets.ilids_vid.description import PUBLISHED
from vreid_plugins.datasets.ilids_vid.index import load
from vreid_plugins.datasets.two_views_check import TwoViewsCheck

CHECK = TwoViewsCheck(PUBLISHED, start=None)


def verify(root: Path, decode: bool) -> DatasetCheck:
    """All counts and faults under `root`."""
    problems: list[str] = []
    return CHECK.finish(root, load(root, problems.append, problems.append), {}, problems, decode)
