"""Checking a whole G2A-VReID tree: its counts beside the published ones, every fault as a sentence."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from vreid_bench import DISTRACTOR, DatasetCheck
from vreid_plugins.datasets.count_check import count_unmatched
from vreid_plugins.datasets.fault_report import Report
from vreid_plugins.datasets.g2a_vreid.description import DESCRIPTION
from vreid_plugins.datasets.mars.index import Index, load_index
from vreid_plugins.datasets.mars.verify import IndexCheck, count_index, sightings
from vreid_plugins.datasets.synthetic_note import source_of

KEPT = ("tracklets", "identities", "frames", "queries")  # of what is counted in MARS
CHECK = IndexCheck(DESCRIPTION, source_of)


def verify(root: Path, decode: bool) -> DatasetCheck:
    """All counts and faults under `root`."""
    problems: list[str] = []
    index = load_index(root, problems.append, single=False)
    check_cameras(root, index, problems.append)
    found = {what: count for what, count in count_index(index) if what == "cameras" or what.split()[-1] in KEPT}
    found |= dict(count_both(index))
    return CHECK.finish(root, index, found, problems, decode)


def count_both(index: Index) -> Iterator[tuple[str, int]]:
    """What is counted over both halves, and the roles."""
    if index.train is None or index.test is None:
        return
    rows = np.concatenate([index.train.rows, index.test.rows])
    yield "identities", len(np.unique(rows[rows[:, 2] > DISTRACTOR, 2]))
    yield "tracklets", len(rows)
    yield "frames", len(index.train.names) + len(index.test.names)
    if index.query is not None:
        apart = np.delete(index.test.rows, index.query, axis=0)
        yield "gallery", len(apart)
        asked = index.test.rows[index.query]
        yield "queries without a match", count_unmatched(sightings(asked), sightings(apart))


def check_cameras(root: Path, index: Index, report: Report) -> None:
    """Check that all queries are of one camera: one side sees from the ground, the other from the air."""
    if index.test is None or index.query is None:
        return
    cameras = np.unique(index.test.rows[index.query, 3])
    if len(cameras) > 1:
        report(
            f"{root / 'info/query_IDX.mat'}: queries are of camera {' and '.join(map(str, cameras))}, expected one "
            "camera, so that ground and air are apart; restore the published file."
        )
