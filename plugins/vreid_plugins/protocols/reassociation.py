"""Is a person found again whose track broke off? On tracks of a tracker, or on your own tracklets with a frame rate."""

from __future__ import annotations

from collections.abc import Mapping

from vreid_bench import Compared, Convention, Protocol, Reassociation, hookimpl

GAPS = (1, 2, 5, 10)  # seconds


def protocol(name: str, dataset: str, gaps: tuple[float, ...]) -> Protocol:
    """The two parts of each track find each other, after gaps of so many seconds."""
    words = [f"{gap:g}" for gap in gaps]
    seconds = " or ".join([", ".join(words[:-1]), words[-1]] if words[1:] else words)
    averaged = ", averaged" if len(gaps) > 1 else ""
    return Protocol(
        name=name,
        version="1",
        dataset=dataset,
        headline="same-track",
        conventions=("same-track",),
        summary=f"Each track loses the {seconds} seconds in its middle{averaged}; each of its two parts is searched "
        "for with the other, among the parts of all tracks.",
        source="this project, after the re-association of tracks",
        test=Reassociation(gaps=gaps),
    )


@hookimpl
def vreid_conventions() -> Mapping[str, Convention]:
    """`same-track`."""
    same = Convention(
        name="same-track",
        version="1",
        queries_in_gallery=None,
        average_precision="step",
        unmatched="error",
        summary="A match is another part of the query's track, in the query's camera, too; other tracks of its person "
        "take no rank.",
        source="this project, after the re-association of tracks",
        match=(Compared("track", "same"),),
        same_camera="match",
    )
    return {same.name: same}


@hookimpl
def vreid_protocols() -> Mapping[str, Protocol]:
    """`reassociation` of tracks with all gaps and with each alone, and `custom-reassociation` of your own tracklets."""
    found = [protocol("reassociation", "mot", GAPS), protocol("custom-reassociation", "tracklets", GAPS)]
    found += [protocol(f"reassociation-{gap}s", "mot", (gap,)) for gap in GAPS]
    return {each.name: each for each in found}
