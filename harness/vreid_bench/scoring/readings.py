"""What equal distances, and vectors that hardly differ, may come from, in words."""

from __future__ import annotations

READINGS = (
    "binary or int8 codes, of which many are equal (then they are right), a model that has collapsed (an untrained or "
    "diverged network, another layer than meant, NaN replaced by a number, or the same input for every tracklet), or a "
    "wrong normalisation (a large offset that all vectors share, or a scale that rounds most of them to one value)"
)
SOME = 0.001  # share of the matches that tie, from which on ties are reported


def describe_ties(tied: int, matches: int) -> str:
    """What a reader has to know of so many matches that tie, of so many; empty where they decide little."""
    if not tied or tied < SOME * matches:
        return ""
    sentence = (
        f"note: {tied:,} of {matches:,} matches are exactly as near as an item that is no match, and the order of the "
        "gallery decides between them; `--ties expected` scores the mean over all orders"
    )
    if 2 * tied < matches:
        return sentence
    return f"{sentence}. So many ties come from {READINGS}"
