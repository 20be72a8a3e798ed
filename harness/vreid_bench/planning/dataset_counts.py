"""What the lists of a data set hold, counted for any reader."""

from __future__ import annotations

from collections.abc import Iterator

from vreid_bench.contracts.dataset import Count, Dataset
from vreid_bench.contracts.people import DISTRACTOR, JUNK, person_ids


def count_dataset(dataset: Dataset) -> Iterator[Count]:
    """Counts of a data set; where it has several splits, those of the first. Nothing is published beside them."""
    split, several = dataset.splits[0], len(dataset.splits) > 1

    def count(what: str, found: int) -> Count:
        return Count(f"{what} of split 0" if several else what, found, None)

    yield Count("splits", len(dataset.splits), None)
    yield count("cameras", len({tracklet.camid for tracklet in (*split.train, *split.test)}))
    for part, tracklets in (("train", split.train), ("test", split.test)):
        lengths = [len(tracklet.frames) for tracklet in tracklets]
        yield count(f"{part} tracklets", len(tracklets))
        yield count(f"{part} identities", len(person_ids(tracklets)))
        yield count(f"{part} frames", sum(lengths))
        yield count(f"shortest {part} tracklet", min(lengths, default=0))
        yield count(f"longest {part} tracklet", max(lengths, default=0))
    pids = [tracklet.pid for tracklet in split.test]
    yield count("queries", len(split.query))
    yield count("gallery", len(split.gallery))
    yield count("distractors", pids.count(DISTRACTOR))
    yield count("junk", pids.count(JUNK))
