"""A track that breaks off, and whether its later part is found by its earlier one: as a tracker needs it.

For a gap of t seconds, each track loses the t seconds in its middle, so that two parts are left. Each part is a query.
Its only match is the other part of its track. The gallery is all parts, and the tracks that are too short for this gap:
they stay whole and are negatives, so that the gallery does not shrink as the gap grows.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, ClassVar, NamedTuple

from vreid_bench.contracts.dataset import Split, Tracklet
from vreid_bench.contracts.people import DISTRACTOR
from vreid_bench.evaluation.strategies.strategy import Case, lengths
from vreid_bench.modeling.view import View
from vreid_bench.scoring.ranks.labels import Labels
from vreid_bench.system.errors import InputError

if TYPE_CHECKING:  # torch, which protocols are listed without
    from vreid_bench.contracts.parts import Matcher
    from vreid_bench.records.feature_store import FeatureStore

RATE = "fps"  # the attribute of a track: frames per second, as a number or a fraction
TRACK = "track"  # the attribute that both parts of a track share


class Piece(NamedTuple):
    """Some frames of a test tracklet: one part of it, or all."""

    track: int  # row of the test tracklets
    first: int  # frames [first, last) of it
    last: int


class Side(NamedTuple):
    """The pieces of one gap."""

    parts: list[Piece]  # two for each track that is cut: earlier, later
    whole: list[Piece]  # of tracks that are too short


@dataclass(frozen=True)
class Reassociation:
    """Cuts each track by each of `gaps`, in seconds, and lets its two parts find each other.

    A track is a test tracklet of a person. Frames have the last number in their file names as their time, in frames of
    the video, and the attribute `fps` tells how many of them pass in a second. A part has `least` frames or more; a
    track that does not leave two such parts is too short. Raises InputError for gaps that are not positive.
    """

    name: ClassVar[str] = "reassociation"
    ranks_tracklets: ClassVar[bool] = False  # but their parts

    gaps: tuple[float, ...] = (1, 2, 5, 10)
    least: int = 8

    def __post_init__(self) -> None:
        if not self.gaps or not all(gap > 0 for gap in self.gaps) or len(set(self.gaps)) < len(self.gaps):
            raise InputError(f"re-association: each gap must be a different number of seconds above 0, got {self.gaps}")
        if self.least < 1:
            raise InputError(f"re-association: a part has at least 1 frame, got least={self.least}")

    @property
    def conditions(self) -> tuple[str, ...]:
        """A name for each gap."""
        return tuple(f"gap of {gap:g} s" for gap in self.gaps)

    @property
    def leading(self) -> int:
        """The row averages all gaps."""
        return len(self.gaps)

    def describe(self) -> list[tuple[str, str]]:
        """What is cut out, and how long a part must be."""
        return [("cut", f"the middle of each track; a part has {self.least} frames or more")]

    def views(self) -> Mapping[str, View]:
        """A view for each gap: each of its pieces as the matcher represents it."""
        return {name: View() for name in self._name_views()}

    def cut(self, test: Split) -> dict[str, Split]:
        """The pieces of each gap: the parts are the queries, and all pieces the gallery.

        Raises InputError if the time of a frame is not known, and for a gap that no track is long enough for.
        """
        found = {}
        for name, side in zip(self._name_views(), self._divide(test), strict=True):
            pieces = tuple(take(test.test[track], first, last) for track, first, last in (*side.parts, *side.whole))
            found[name] = Split((), pieces, tuple(range(len(side.parts))), tuple(range(len(pieces))))
        return found

    def cases(self, features: Mapping[str, FeatureStore], matcher: Matcher, test: Split) -> Iterator[Case]:
        """One ranking for each gap, over its own pieces."""
        for condition, (name, pieces) in zip(self.conditions, self.cut(test).items(), strict=True):
            everyone = features[name].clips(slice(None))
            yield Case(condition, everyone, everyone, Labels.of(pieces), lengths(pieces))

    def _name_views(self) -> list[str]:
        return ["features", *(f"gap-{gap:g}s" for gap in self.gaps[1:])]

    def _divide(self, test: Split) -> list[Side]:
        """The pieces of each gap."""
        tracks = [(row, time_frames(t), rate_of(t)) for row, t in enumerate(test.test) if t.pid > DISTRACTOR]
        long = lengths(test)
        others = [Piece(row, 0, long[row]) for row, t in enumerate(test.test) if t.pid == DISTRACTOR]
        sides = []
        for gap in self.gaps:
            parts, whole = [], []
            for row, numbers, rate in tracks:
                before, after = find_gap(numbers, Fraction(str(gap)) * rate)
                if min(before, long[row] - after) < self.least:
                    whole.append(Piece(row, 0, long[row]))
                else:
                    parts += [Piece(row, 0, before), Piece(row, after, long[row])]
            if not parts:
                self._refuse(gap, [(numbers[-1] - numbers[0]) / rate for _, numbers, rate in tracks])
            sides.append(Side(parts, whole + others))
        return sides

    def _refuse(self, gap: float, seconds: Sequence[Fraction]) -> None:
        longest = f"the longest of {len(seconds):,} takes {float(max(seconds)):.1f} s" if seconds else "there is none"
        raise InputError(
            f"no track can be cut by a gap of {gap:g} s into parts of {self.least} frames or more: {longest}; choose a "
            "protocol with shorter gaps, such as reassociation-1s, or name longer tracks"
        )


def find_gap(numbers: Sequence[int], width: Fraction) -> tuple[int, int]:
    """Where a gap in the middle of a track begins and ends: frames [0, before) and [after, T) are left.

    numbers: [T] frame numbers of the video, ascending; width: of the gap, in frames. From the last frame before the gap
    to the first one after it are `width` frames or more.
    """
    middle = Fraction(numbers[0] + numbers[-1], 2)
    return bisect_right(numbers, middle - width / 2), bisect_left(numbers, middle + width / 2)


def take(tracklet: Tracklet, first: int, last: int) -> Tracklet:
    """Frames [first, last) of a track, with the name of the whole track as an attribute."""
    known = {**dict(tracklet.attributes), TRACK: tracklet.name}
    return tracklet._replace(frames=tracklet.frames[first:last], attributes=tuple(known.items()))


def time_frames(tracklet: Tracklet) -> list[int]:
    """The frame number of each frame of a track in its video: [T], ascending.

    Raises InputError if a file name has no number, or a number that is not above the one before it.
    """
    numbers: list[int] = []
    for frame in tracklet.frames:
        found = re.findall(r"\d+", PurePosixPath(frame).stem)
        if not found:
            raise InputError(f"{frame}: no number in the name tells when it was taken; name it by its frame number")
        if numbers and int(found[-1]) <= numbers[-1]:
            raise InputError(
                f"{frame}: its frame number {found[-1]} is not above {numbers[-1]} of the frame before it, expected "
                "frames in order of time, each once; name them by their frame numbers"
            )
        numbers.append(int(found[-1]))
    return numbers


def rate_of(tracklet: Tracklet) -> Fraction:
    """How many frames of its video pass in a second. Raises InputError if that is not known."""
    text = tracklet.attribute(RATE)
    try:
        rate = Fraction(text)
    except (ValueError, ZeroDivisionError):
        rate = Fraction(0)
    if rate <= 0:
        said = repr(text) if text else "not known"
        raise InputError(
            f"{tracklet.name}: the frame rate of its video is {said}, and a gap in seconds needs it; "
            f"give frames per second as the attribute {RATE}: a column of tracklets.csv, or --fps of from-tracks"
        )
    return rate
