"""Counting tracklets, and comparing the counts with what was published or rendered."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Container, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from vreid_bench import Count, DatasetCheck, Known, Source, Tracklet, person_ids
from vreid_plugins.datasets.fault_report import Report, one_of
from vreid_plugins.datasets.frame_check import check_frames
from vreid_plugins.datasets.synthetic_note import read_counts, source_of

Tracklets = Sequence[Tracklet]
Sighting = tuple[Hashable, Hashable]  # person, camera


def count_parts(parts: Mapping[str, Tracklets]) -> Iterator[tuple[str, int]]:
    """The number of cameras; for each part the number of tracklets, identities and frames, and the lengths."""
    yield "cameras", len({t.camid for tracklets in parts.values() for t in tracklets})
    for part, tracklets in parts.items():
        lengths = [len(t.frames) for t in tracklets]
        yield f"{part} tracklets", len(tracklets)
        yield f"{part} identities", len(person_ids(tracklets))
        yield f"{part} frames", sum(lengths)
        yield f"shortest {part} tracklet", min(lengths, default=0)
        yield f"longest {part} tracklet", max(lengths, default=0)


def count_unmatched(queries: Iterable[Sighting], gallery: Iterable[Sighting]) -> int:
    """How many queries show a person whom no other camera saw in the gallery."""
    seen = Counter(gallery)
    persons: Counter[Hashable] = Counter()
    for (pid, _), number in seen.items():
        persons[pid] += number
    return sum(persons[pid] == seen[pid, camid] for pid, camid in queries)


def sightings(tracklets: Iterable[Tracklet]) -> Iterator[Sighting]:
    """Person and camera of each tracklet."""
    return ((t.pid, t.camid) for t in tracklets)


def check_disjoint(train: Tracklets, test: Tracklets, root: Path, report: Report) -> None:
    """Check that no person is both trained on and tested."""
    both = sorted(set(person_ids(train)) & set(person_ids(test)))
    if both:
        first = next(t for t in train if t.pid == both[0])
        report(
            f"{root / first.name}: person {first.person_name} is both trained on and tested"
            f"{one_of(both, 'persons')}, expected nobody in both; restore the published parts."
        )


def compare_counts(
    root: Path, found: Mapping[str, int], published: Mapping[str, Known], source: Source, report: Report
) -> tuple[Count, ...]:
    """Every count beside the published one, or beside what the renderer says it wrote.

    Where several numbers are published, it is beside its own if that is among them, else beside the first.
    """
    expected = read_counts(root, report) if source == "synthetic" else published
    return tuple(Count(what, number, nearest_known(number, expected.get(what))) for what, number in found.items())


def nearest_known(found: int, known: Known | None) -> int | None:
    """The published number that a count stands beside."""
    if isinstance(known, tuple):
        return found if found in known else known[0]
    return known


def report_differences(
    root: Path, counts: Iterable[Count], what: str, report: Report, uncertain: Container[str] = ()
) -> None:
    """Report each count that is not the published one; the user is asked to compare `what` with the original.

    `uncertain` counts are not reported: see `note_counts`.
    """
    for c in counts:
        if c.published is not None and c.found != c.published and c.what not in uncertain:
            report(f"{root} has {c.found:,} {c.what}, expected {c.published:,}; compare its {what} with the original.")


def note_counts(
    counts: Iterable[Count], published: Mapping[str, Known], uncertain: Container[str] = ()
) -> Iterator[str]:
    """What is no fault: which of several known copies this one is, and where it differs from an uncertain number."""
    for c in counts:
        known = published.get(c.what)
        if isinstance(known, tuple) and c.found in known:
            numbers = " and with ".join(f"{number:,}" for number in known)
            yield f"{c.found:,} {c.what} were found; copies with {numbers} are known."
        elif c.what in uncertain and c.published is not None and c.found != c.published:
            yield f"{c.found:,} {c.what} were found; {c.published:,} are said to be there, which is not certain."


@dataclass(frozen=True)
class CountCheck:
    """The last step of checking a data set in parts: its frames on disk, and all its counts."""

    published: Mapping[str, Known]  # counts
    folders: Sequence[str]  # that hold its frames and nothing else
    frame_numbers: Callable[[Tracklet], Sequence[int]]  # of a tracklet, ascending
    uncertain: Sequence[str] = ()  # counts of which the published number is not certain

    def finish(
        self, root: Path, parts: Mapping[str, Tracklets], own: Mapping[str, int], problems: list[str], decode: bool
    ) -> DatasetCheck:
        """The check of `parts`, with the counts that only this data set has, and the `problems` found so far.

        Gaps in the numbers of frames are reported only if a part has too few frames: it is not known whether the
        originals number their frames without a gap.
        """
        tracklets = [tracklet for part in parts.values() for tracklet in part]
        listed = (frame for tracklet in tracklets for frame in tracklet.frames)
        there = [folder for folder in self.folders if (root / folder).is_dir()]
        on_disk = check_frames(root, listed, problems.append, decode, exclusive=there, same_size=False)
        source, found = source_of(root), {**dict(count_parts(parts)), **own, "frames on disk": on_disk}
        counts = compare_counts(root, found, self.published, source, problems.append)
        if any(c.what.endswith(" frames") and c.published is not None and c.found < c.published for c in counts):
            report_gaps(root, tracklets, self.frame_numbers, problems.append)
        uncertain = () if source == "synthetic" else self.uncertain
        report_differences(root, counts, "lists and frames", problems.append, uncertain)
        notes = () if source == "synthetic" else tuple(note_counts(counts, self.published, uncertain))
        return DatasetCheck(source, counts, tuple(problems), notes)


def report_gaps(
    root: Path, tracklets: Iterable[Tracklet], frame_numbers: Callable[[Tracklet], Sequence[int]], report: Report
) -> None:
    """Report each tracklet whose frame numbers, ascending, do not run from 0 or 1 without a gap."""
    for tracklet in tracklets:
        numbers = frame_numbers(tracklet)
        expected = range(min(numbers[0], 1), numbers[-1] + 1)
        gap = next((place for place, (a, b) in enumerate(zip(numbers, expected, strict=False)) if a != b), None)
        if gap is not None:
            report(
                f"{root / tracklet.frames[gap]} is frame {numbers[gap]}, and frame {expected[gap]} may be one of the "
                "missing frames; compare its folder with the original.",
            )
