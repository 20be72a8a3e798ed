"""Pictures that tracklets share and should not, and pictures that repeat in one tracklet. Only this file has the rule.

`run` and `data verify` tell the same: what is shared as a fault of the data, what repeats as a note.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from vreid_bench.contracts.dataset import Dataset, Split, Tracklet
from vreid_bench.contracts.people import DISTRACTOR

Numbers = Mapping[str, int]  # frame -> a number that equal pictures have in common


class SharedPictures(NamedTuple):
    """What was found, in sentences."""

    faults: tuple[str, ...]
    notes: tuple[str, ...]


class Pair(NamedTuple):
    """A frame, and one before it that is the same picture; the same path where it is listed twice."""

    frame: str
    other: str

    def __str__(self) -> str:
        if self.frame == self.other:
            return f"{self.frame}, which is listed twice"
        return f"{self.frame} and {self.other}"


def find_shared_pictures(dataset: Dataset, frames: Sequence[str], digests: NDArray[np.uint64]) -> SharedPictures:
    """Every fault and note of these frames, whose contents have these digests; frames that are left out are unknown.

    The faults are pictures that are trained on and tested, pictures of test tracklets of different people or cameras,
    and pictures of different people that are trained on. Two tracklets of one person in one camera may share pictures:
    they are no match, and DukeMTMC-VideoReID lists its query tracklets in the gallery once more. Where test identities
    are masked, one tracklet can have several.
    """
    numbers = number_pictures(dataset, frames, digests)
    faults = (
        f"{dataset.name}: {sentence}"
        for split, where in _where(dataset)
        for sentence in _find_faults(split, where, numbers, masked=dataset.unscored is not None)
    )
    return SharedPictures(tuple(faults), tuple(_find_repeats(dataset, numbers)))


def number_pictures(dataset: Dataset, frames: Sequence[str], digests: NDArray[np.uint64]) -> Numbers:
    """Numbers of the frames whose picture, or whose path, some split lists more than once; the others share nothing."""
    order = np.argsort(digests, kind="stable")
    equal = np.flatnonzero(digests[order][1:] == digests[order][:-1])
    chosen = {frames[place] for place in np.unique(np.concatenate([order[equal], order[equal + 1]])).tolist()}
    for split in dataset.splits:
        listed = Counter(frame for tracklet in (*split.train, *split.test) for frame in tracklet.frames)
        chosen.update(frame for frame, times in listed.items() if times > 1)
    return {frame: int(digests[place]) for place, frame in enumerate(frames) if frame in chosen}


def _where(dataset: Dataset) -> Iterator[tuple[Split, str]]:
    for number, split in enumerate(dataset.splits):
        yield split, f" of split {number}" if len(dataset.splits) > 1 else ""


def _find_faults(split: Split, where: str, numbers: Numbers, *, masked: bool) -> Iterator[str]:
    if not numbers:
        return
    trained: dict[int, str] = {}
    for tracklet in split.train:
        trained.update((numbers[frame], frame) for frame in tracklet.frames if frame in numbers)
    leaks = [
        Pair(frame, trained[numbers[frame]])
        for tracklet in split.test
        for frame in tracklet.frames
        if frame in numbers and numbers[frame] in trained
    ]
    test = () if masked else split.test
    twins = _find_others(test, numbers, lambda tracklet: (tracklet.pid, tracklet.camid))
    labelled = [tracklet for tracklet in split.train if tracklet.pid > DISTRACTOR]
    people = _find_others(labelled, numbers, lambda tracklet: tracklet.pid)
    for pairs, which, what, advice in (
        (leaks, "test frames", "one that is trained on", "scores are then too high, so correct the lists"),
        (
            twins,
            "test frames",
            "one that is in another test tracklet",
            "scores are then too high, so correct the lists",
        ),
        (people, "training frames", "one of another person who is trained on", "correct the lists"),
    ):
        if pairs:
            yield f"{len(pairs):,} {which}{where} are the same picture as {what}, such as {pairs[0]}; {advice}"


def _find_others(tracklets: Iterable[Tracklet], numbers: Numbers, label: Callable[[Tracklet], object]) -> list[Pair]:
    """Each frame whose picture was first in a tracklet of another label, with that one."""
    first: dict[int, tuple[object, str]] = {}
    pairs = []
    for tracklet in tracklets:
        own = label(tracklet)
        for frame in tracklet.frames:
            if frame in numbers:
                seen, other = first.setdefault(numbers[frame], (own, frame))
                if seen != own:
                    pairs.append(Pair(frame, other))
    return pairs


def _find_repeats(dataset: Dataset, numbers: Numbers) -> Iterator[str]:
    """A note on frames that are the same picture as an earlier frame of their tracklet, by path or by content."""
    if not numbers:
        return
    pairs, tracklets = [], 0
    every = (tracklet.frames for split in dataset.splits for tracklet in (*split.train, *split.test))
    for frames in dict.fromkeys(every):  # the splits of a data set may list the same tracklets
        first: dict[int, str] = {}
        own = []
        for frame in frames:
            if frame in numbers:
                if numbers[frame] in first:
                    own.append(Pair(frame, first[numbers[frame]]))
                first.setdefault(numbers[frame], frame)
        pairs += own
        tracklets += bool(own)
    if pairs:
        number = f"{dataset.name}: {len(pairs):,} frames of {tracklets:,} tracklets"
        yield (
            f"{number} are the same picture as an earlier frame of their tracklet, such as {pairs[0]}. A still camera "
            "gives such frames; if they are copies, leave them out"
        )
