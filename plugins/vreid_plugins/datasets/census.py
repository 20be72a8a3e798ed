"""Counting tracklets, and holding the counts against what was published or rendered."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from vreid_bench import DISTRACTOR, Count, Tracklet, Verification
from vreid_bench.data import Source
from vreid_plugins.datasets.described import expected, is_synthetic
from vreid_plugins.datasets.faults import Report, also
from vreid_plugins.datasets.frames import Tally

Tracklets = Sequence[Tracklet]


def source(root: Path) -> Source:
    """`synthetic` if the renderer left its description. No file tells a copy of the original from any other."""
    return "synthetic" if is_synthetic(root) else "unverified"


def counts(part: str, tracklets: Tracklets) -> Iterator[tuple[str, int]]:
    """How many tracklets, identities and frames, and how long."""
    lengths = [len(t.frames) for t in tracklets]
    yield f"{part} tracklets", len(tracklets)
    yield f"{part} identities", len(persons(tracklets))
    yield f"{part} frames", sum(lengths)
    yield f"shortest {part} tracklet", min(lengths, default=0)
    yield f"longest {part} tracklet", max(lengths, default=0)


def persons(tracklets: Tracklets) -> set[int]:
    """The pids of persons."""
    return {t.pid for t in tracklets if t.pid > DISTRACTOR}


def cameras(tracklets: Iterable[Tracklet]) -> int:
    """How many cameras saw somebody."""
    return len({t.camid for t in tracklets})


def unmatched(queries: Tracklets, gallery: Tracklets) -> int:
    """How many queries show a person whom no other camera saw in the gallery."""
    people = Counter(t.pid for t in gallery)
    sightings = Counter((t.pid, t.camid) for t in gallery)
    return sum(people[t.pid] == sightings[t.pid, t.camid] for t in queries)


def check_apart(train: Tracklets, test: Tracklets, root: Path, report: Report) -> None:
    """Is nobody both trained on and tested?"""
    both = sorted(persons(train) & persons(test))
    if both:
        path = next(t.frames[0] for t in train if t.pid == both[0])
        report(
            f"{root / path}: person {both[0]} is trained on and tested too{also(both, 'persons')}, wanted nobody in "
            "both; restore the published parts."
        )


def check_published(
    root: Path,
    found: Mapping[str, int],
    published: Mapping[str, int],
    problems: list[str],
    suspects: Callable[[Report], None],
) -> Verification:
    """The verification: every count beside the published one, or beside what the renderer says it wrote.

    `suspects` reports where frames may be lost. It is asked only if a part has fewer frames than wanted: nobody knows
    whether the frame numbers of a whole original run without a gap.
    """
    origin = source(root)
    wanted = expected(root, problems.append) if origin == "synthetic" else published
    lines = tuple(Count(what, n, wanted.get(what)) for what, n in found.items())
    different = [
        f"{root} has {c.found:,} {c.what}, wanted {c.published:,}; compare its lists and frames with the original."
        for c in lines
        if c.published is not None and c.found != c.published
    ]
    if any(c.what.endswith(" frames") and c.published is not None and c.found < c.published for c in lines):
        suspects(problems.append)
    return Verification(origin, lines, (*problems, *different))


def report_gaps(
    root: Path, tracklets: Iterable[Tracklet], numbers: Callable[[Tracklet], Sequence[int]], report: Report
) -> None:
    """Report each tracklet whose frame `numbers`, ascending, do not run from 0 or 1 without a gap."""
    tally = Tally(report)
    for tracklet in tracklets:
        row = numbers(tracklet)
        wanted = range(min(row[0], 1), row[-1] + 1)
        gap = next((place for place, (a, b) in enumerate(zip(row, wanted, strict=False)) if a != b), None)
        if gap is not None:
            tally.add(
                "tracklets that may have lost frames",
                f"{root / tracklet.frames[gap]} is frame {row[gap]}, and frame {wanted[gap]} may be one of the frames "
                "that are too few; compare its folder with the original.",
            )
    tally.close()
