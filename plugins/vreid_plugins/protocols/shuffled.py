"""Does a method use motion? The same test with the frames of every clip in random order.

The loss of accuracy is what the method gains from the order of frames; pooling and image methods lose nothing. The
weights are those of the test in order, so a method is trained once. `vreid-bench compare` computes the loss with its
interval.
"""

from __future__ import annotations

from collections.abc import Mapping

from vreid_bench import Corruption, Protocol, hookimpl

COUNTS = {"train identities": 625, "train tracklets": 8298, "queries": 1980, "gallery": 12180}
SHUFFLED = Corruption("shuffled-frames", "both", strength=1.0, most=(8,), drawn=False)


def protocol(dataset: str, counts: Mapping[str, int]) -> Protocol:
    """`<dataset>-shuffled-frames`, for a data set with the queries and conventions of MARS."""
    return Protocol(
        name=f"{dataset}-shuffled-frames",
        version="1",
        dataset=dataset,
        headline="queries-in-gallery",
        conventions=("queries-in-gallery", "official", "torchreid"),
        summary=f"{dataset} with the frames of every test clip in random order: what is left without motion.",
        source="this project",
        test=SHUFFLED,
        counts=counts,
    )


@hookimpl
def vreid_protocols() -> Mapping[str, Protocol]:
    """`mars-shuffled-frames` and `mars-motion-shuffled-frames`."""
    found = (protocol("mars", COUNTS), protocol("mars-motion", {}))
    return {each.name: each for each in found}
