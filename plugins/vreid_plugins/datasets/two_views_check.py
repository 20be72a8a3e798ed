"""Checking a whole tree of two cameras: its counts beside the published ones, every fault as a sentence."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from vreid_bench import DatasetCheck
from vreid_plugins.datasets.count_check import compare_counts, report_differences
from vreid_plugins.datasets.fault_report import Report
from vreid_plugins.datasets.folders import ORIGIN
from vreid_plugins.datasets.frame_check import check_frames
from vreid_plugins.datasets.half_splits import VARIANTS, HalfSplits, make_splits
from vreid_plugins.datasets.synthetic_note import source_of
from vreid_plugins.datasets.two_views import Tree


@dataclass(frozen=True)
class TwoViewsCheck:
    """The last step of checking a data set of two cameras: numbers of frames, frames on disk, and all counts."""

    published: Mapping[str, int]  # counts
    start: int | None  # the number of every first frame, if it is fixed

    def finish(
        self,
        root: Path,
        loaded: tuple[Tree, HalfSplits | None],
        own: Mapping[str, int],
        problems: list[str],
        decode: bool,
    ) -> DatasetCheck:
        """The check of what was loaded, with the counts that only this data set has, and the `problems` so far."""
        tree, halves = loaded
        check_numbers(root, tree, self.start, problems.append)
        listed = [frame for view in tree.views for sequence in view.values() for frame in sequence.frames]
        found = {**dict(count_views(tree, halves)), **own, "frames": len(listed)}
        found["frames on disk"] = check_frames(root, listed, problems.append, decode, same_size=True)
        source = source_of(root)
        counts = compare_counts(root, found, self.published, source, problems.append)
        report_differences(root, counts, "folders and frames", problems.append)
        return DatasetCheck(source, counts, tuple(problems))


def check_numbers(root: Path, tree: Tree, start: int | None, report: Report) -> None:
    """Check that every sequence numbers its frames without a gap."""
    for path, number, expected in tree.gaps(start):
        report(
            f"{root / path} is frame {number}, expected frame {expected} before it; {ORIGIN}.",
        )


def count_views(tree: Tree, halves: HalfSplits | None) -> Iterator[tuple[str, int]]:
    """What the folders hold, and the sizes of the halves."""
    lengths = [len(sequence.frames) for view in tree.views for sequence in view.values()]
    yield "cameras", sum(bool(view) for view in tree.views)
    for camera, view in enumerate(tree.views, start=1):
        yield f"persons of camera {camera}", len(view)
    yield "persons in both cameras", len(tree.persons)
    yield "tracklets", len(lengths)
    yield "shortest tracklet", min(lengths, default=0)
    yield "longest tracklet", max(lengths, default=0)
    if halves is not None:
        yield "split files", int(bool(halves.file))
        yield "splits", len(halves.halves)
        split = make_splits(tree, halves, VARIANTS[0])[0]
        yield "train identities of a split", len({t.pid for t in split.train})
        yield "test identities of a split", len({t.pid for t in split.test})
        yield "queries of a split", len(split.query)
