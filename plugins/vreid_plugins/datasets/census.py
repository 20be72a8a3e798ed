"""Counting tracklets, and holding the counts against what was published or rendered."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from vreid_bench import DISTRACTOR, Count, Tracklet, Verification
from vreid_bench.contracts.dataset import Source
from vreid_plugins.datasets.described import expected, is_synthetic
from vreid_plugins.datasets.faults import Report, also
from vreid_plugins.datasets.frames import Tally, check_frames

Tracklets = Sequence[Tracklet]


def source(root: Path) -> Source:
    """`synthetic` if the renderer left its description. No file tells a copy of the original from any other."""
    return "synthetic" if is_synthetic(root) else "unverified"


def counts(parts: Mapping[str, Tracklets]) -> Iterator[tuple[str, int]]:
    """How many cameras saw somebody; of each part how many tracklets, identities and frames, and how long."""
    yield "cameras", len({t.camid for tracklets in parts.values() for t in tracklets})
    for part, tracklets in parts.items():
        lengths = [len(t.frames) for t in tracklets]
        yield f"{part} tracklets", len(tracklets)
        yield f"{part} identities", len(persons(tracklets))
        yield f"{part} frames", sum(lengths)
        yield f"shortest {part} tracklet", min(lengths, default=0)
        yield f"longest {part} tracklet", max(lengths, default=0)


def persons(tracklets: Tracklets) -> set[int]:
    """The pids of persons."""
    return {t.pid for t in tracklets if t.pid > DISTRACTOR}


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


def beside(
    root: Path, found: Mapping[str, int], published: Mapping[str, int], origin: Source, report: Report
) -> tuple[Count, ...]:
    """Every count beside the published one, or beside what the renderer says it wrote."""
    wanted = expected(root, report) if origin == "synthetic" else published
    return tuple(Count(what, n, wanted.get(what)) for what, n in found.items())


def differences(root: Path, lines: Iterable[Count], what: str) -> Iterator[str]:
    """A sentence for each count that is not the published one; `what` is to be compared with the original's."""
    for c in lines:
        if c.published is not None and c.found != c.published:
            yield f"{root} has {c.found:,} {c.what}, wanted {c.published:,}; compare its {what} with the original."


@dataclass(frozen=True)
class Census:
    """What is known of a dataset before its tree is counted."""

    published: Mapping[str, int]  # counts
    folders: Sequence[str]  # that hold its frames and nothing else
    numbers: Callable[[Tracklet], Sequence[int]]  # of the frames of a tracklet, ascending

    def verification(
        self, root: Path, tracklets: Tracklets, found: Mapping[str, int], problems: list[str], decode: bool
    ) -> Verification:
        """What was `found` of `tracklets`, with the frames on disk, beside what was published or rendered.

        Where frames may be lost is told only if a part has fewer frames than wanted: nobody knows whether the frame
        numbers of a whole original run without a gap.
        """
        listed = (frame for tracklet in tracklets for frame in tracklet.frames)
        there = [folder for folder in self.folders if (root / folder).is_dir()]
        on_disk = check_frames(root, listed, problems.append, decode, exclusive=there, same_size=False)
        origin = source(root)
        lines = beside(root, {**found, "frames on disk": on_disk}, self.published, origin, problems.append)
        if any(c.what.endswith(" frames") and c.published is not None and c.found < c.published for c in lines):
            report_gaps(root, tracklets, self.numbers, problems.append)
        return Verification(origin, lines, (*problems, *differences(root, lines, "lists and frames")))


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
