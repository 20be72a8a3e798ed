"""The rules of a convention in words."""

from __future__ import annotations

from collections.abc import Iterator

from tabulate import tabulate

from vreid_bench.contracts.convention import Convention

GALLERIES = {
    True: "every query tracklet must be in it, and is a candidate for the other queries",
    False: "without the query tracklets",
    None: "as the data lists it, with the query tracklets if they are in it, as in MARS and in tracklets.csv",
}
CAMERAS = {
    "junk": "take no rank: what shows the query's person in the query's camera",
    "match": "ignored: what shows the query's person in the query's camera is a match, too",
}
UNMATCHED = {
    "skip": "does not count",
    "zero": "counts with an average precision of 0",
    "error": "is not allowed: the test is refused",
}
PRECISIONS = {
    "step": "step: the mean over the matches of the precision at their ranks",
    "trapezoid": "trapezoid: the mean of the precision at each match and at the rank before it, as for MARS",
}


def describe_convention(convention: Convention) -> str:
    """A line for each rule, with the rules of attributes where there are any."""
    title = f"{convention.name}, version {convention.version}, {convention.fingerprint[:8]}"
    lines = tabulate(list(_rules(convention)), tablefmt="plain")
    return f"{title}\n{convention.summary}\n\n{lines}\n\nsource: {convention.source}"


def _rules(convention: Convention) -> Iterator[tuple[str, str]]:
    for side, having in (("queries", convention.query), ("gallery items", convention.gallery)):
        for attribute, values in having:
            yield side, f"only those whose {attribute} is {' or '.join(values)}"
    if convention.least_frames:
        yield "tracklets", f"only those of {convention.least_frames} frames or more"
    yield "gallery", GALLERIES[convention.queries_in_gallery]
    yield "cameras", CAMERAS[convention.same_camera]
    for attribute, value in convention.match:
        words = f"the same {attribute} as" if value == "same" else f"another {attribute} than"
        yield "a match", f"has {words} the query; the person's other tracklets take no rank"
    yield "average precision", PRECISIONS[convention.average_precision]
    if convention.cut:
        yield "cut", f"a match behind rank {convention.cut} counts as never found"
    yield "query without a match", UNMATCHED[convention.unmatched]
