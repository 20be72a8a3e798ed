"""What may be wrong with files that can be scored: vectors all nearly equal, one person, keys that nobody reads."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from vreid_bench.contracts.people import JUNK
from vreid_bench.importing.keys import name_attribute
from vreid_bench.scoring.array_files import Array
from vreid_bench.scoring.distances import Distances, MatrixDistances, PartDistances, VectorDistances
from vreid_bench.scoring.ranks.labels import Labels
from vreid_bench.scoring.ranks.scale import scale_rows
from vreid_bench.scoring.readings import READINGS

NEARLY = 1e-3  # share of the vectors' mean square that differs between them: below it they are nearly equal
SHOWN = 8  # unused keys of a file that a note lists
ROUNDED = 1e-5  # below it, the rounding of float32 decides between many of them


def describe_nearly_equal(distances: Distances, at_chance: bool) -> str:
    """What a reader has to know of vectors or distances that hardly differ; empty for others.

    at_chance: would a random order score as well? Then a spread counts as small that others may have.
    """
    spread = measure_spread(distances)
    if spread is None or not spread < (NEARLY if at_chance else ROUNDED):
        return ""
    what = "distances" if isinstance(distances, MatrixDistances) else "vectors"
    advice = "" if isinstance(distances, MatrixDistances) else "; `--dtype float64` rounds less"
    return (
        f"note: the {what} are nearly equal: a share of {spread:.1g} of their size tells them apart, so that rounding "
        f"may decide their order{advice}. Such {what} come from {READINGS}"
    )


def measure_spread(distances: Distances) -> float | None:
    """How much vectors, or given distances, differ relative to their size; None where that is not known.

    Of vectors, the share of their mean square that is not that of their mean: 0 if all are equal, nearly 1 if they
    point everywhere. Under the cosine, this is of their directions.
    """
    if isinstance(distances, MatrixDistances):
        low, high = np.inf, -np.inf
        for _, tile in distances.tiles():
            low, high = min(low, float(tile.min())), max(high, float(tile.max()))
        size = max(abs(low), abs(high))
        return (high - low) / size if size else 0.0
    if not isinstance(distances, VectorDistances | PartDistances):
        return None
    sides = [side.reshape(len(side), -1) for side in (distances.query, distances.gallery)]
    size, total, square = sum(map(len, sides)), np.zeros(sides[0].shape[1]), 0.0
    for rows in (each for side in sides for each in _blocks(side)):
        if distances.metric == "cosine":
            lengths = np.linalg.norm(scaled := scale_rows(rows).astype(np.float64), axis=1, keepdims=True)
            rows = np.divide(scaled, lengths, out=np.zeros_like(scaled), where=lengths > 0)
        total += rows.sum(0, dtype=np.float64)
        square += float(np.einsum("ne,ne->", rows, rows, dtype=np.float64))
    return max(0.0, 1 - float(total @ total) / size / square) if square else 0.0


def _blocks(rows: Array, height: int = 1024) -> list[Array]:
    return [rows[first : first + height] for first in range(0, len(rows), height)]


def describe_one_person(labels: Labels) -> str:
    """What a reader has to know if all that is ranked shows the one person who is asked for; else empty."""
    ranked = labels.pids[labels.gallery]
    ranked = ranked[ranked != JUNK]
    pid = labels.pids[labels.query[0]]
    if (labels.pids[labels.query] != pid).any() or (ranked != pid).any():
        return ""
    name = labels.names(labels.query[:1])["person"][0]
    return (
        f"note: all {len(labels.query):,} queries and all {len(ranked):,} gallery items that take a rank show person "
        f"{name}, so every order of them is right. Check that the ids are those of people: some challenges mask the "
        "ids of their test, of which only a ranking can be written (`vreid-bench export RUN --ranking FORM`)"
    )


def describe_unused(unused: Mapping[str, Sequence[str]], sharded: bool = False) -> str:
    """What a reader has to know of keys whose arrays are not used: they may be attributes. Empty if there are none.

    unused: of each file. sharded: are they of a test whose gallery is in shards, which has no attributes?
    """
    files: dict[tuple[str, ...], list[str]] = {}  # by their keys
    for file, keys in unused.items():
        files.setdefault(tuple(keys), []).append(file)
    if not files:
        return ""
    told = []
    for keys, names in files.items():
        more = [f"{len(keys) - SHOWN} more"] if len(keys) > SHOWN else []
        whose = " and ".join(names if len(names) < 3 else [names[0], f"{len(names) - 1} more"])
        told.append(f"{', '.join([*keys[:SHOWN], *more])} of {whose}")
    advice = f"an attribute has a key such as {name_attribute(next(iter(files))[0])}"
    if sharded:
        advice = "with a gallery in shards, no attributes are read; give one file to score by them"
    return f"note: not used: {'; '.join(told)}; {advice}"
