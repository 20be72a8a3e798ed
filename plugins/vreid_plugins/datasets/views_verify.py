"""Verifying a whole tree of two cameras: counts beside the published ones, every fault as a sentence."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from vreid_bench import Verification
from vreid_plugins.datasets.census import beside, differences, source
from vreid_plugins.datasets.faults import Report
from vreid_plugins.datasets.frames import Tally, check_frames
from vreid_plugins.datasets.halves import VARIANTS, Division, divided
from vreid_plugins.datasets.views import Tree

# a dataset's own reading: its tree, its halves if they can be used, and counts that it alone has
Load = Callable[[Report], tuple[Tree, Division | None, dict[str, int]]]


def verify(root: Path, load: Load, published: Mapping[str, int], decode: bool, *, start: int | None) -> Verification:
    """All counts and faults under `root`; `start`: the number of a sequence's first frame, if it is fixed."""
    problems: list[str] = []
    tree, division, own = load(problems.append)
    check_numbers(root, tree, start, problems.append)
    listed = [frame for view in tree.views for seen in view.values() for frame in seen.frames]
    found = dict(counts(tree, division)) | own
    found["frames"] = len(listed)
    found["frames on disk"] = check_frames(root, listed, problems.append, decode, same_size=True)
    origin = source(root)
    lines = beside(root, found, published, origin, problems.append)
    return Verification(origin, lines, (*problems, *differences(root, lines, "folders and frames")))


def check_numbers(root: Path, tree: Tree, start: int | None, report: Report) -> None:
    """Does every sequence count its frames without a gap?"""
    tally = Tally(report)
    for path, number, wanted in tree.gaps(start):
        tally.add(
            "gaps in the numbers of frames",
            f"{root / path} is frame {number}, wanted frame {wanted} before it; copy what is missing from the original "
            "data.",
        )
    tally.close()


def counts(tree: Tree, division: Division | None) -> Iterator[tuple[str, int]]:
    """What the folders hold and how the halves divide it."""
    lengths = [len(seen.frames) for view in tree.views for seen in view.values()]
    yield "cameras", sum(bool(view) for view in tree.views)
    for camera, view in enumerate(tree.views, start=1):
        yield f"persons of camera {camera}", len(view)
    yield "persons in both cameras", len(tree.persons)
    yield "tracklets", len(lengths)
    yield "shortest tracklet", min(lengths, default=0)
    yield "longest tracklet", max(lengths, default=0)
    if division is not None:
        yield "split files", int(bool(division.file))
        yield "splits", len(division.halves)
        split = divided(tree, division, VARIANTS[0])[0]
        yield "train identities of a split", len({t.pid for t in split.train})
        yield "test identities of a split", len({t.pid for t in split.test})
        yield "queries of a split", len(split.query)
