"""Gives every array of some files its meaning, and says what each key became."""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from vreid_bench.contracts.dataset import ATTRIBUTE
from vreid_bench.importing.boxmot import UNUSED
from vreid_bench.importing.content import EXAMPLE, Column, Content, describe_array, find_shape
from vreid_bench.importing.keys import ATTRIBUTES, LABEL_FIRST, SIDES, Meaning, Side, find_side, recognise_key
from vreid_bench.system.errors import InputError

ROLE_LISTS = ("query", "gallery")  # keys of the rows of queries and gallery, in a file of all test tracklets
ONE_OF = ("tracklet", "camera", "person", "frame", "type", "case")  # where the first of several keys is taken
OWN = ("pid", "camid", "embedding", "valid", "importance", "person", "camera", "tracklet", *ATTRIBUTES)
RANKING = ("gallery_tracklets", "ranked_gallery_tracklets", "rank1")  # columns of a ranking


@dataclass
class Columns:
    """The arrays of some files by meaning, and a line for each key that says what it became."""

    found: dict[Meaning, Column] = field(default_factory=dict)
    lines: list[str] = field(default_factory=list)
    plain: bool = True  # have all arrays the names that this program gives them?
    unused: dict[str, list[str]] = field(default_factory=dict)  # file -> keys of arrays of no known meaning

    def of(self, side: Side) -> dict[str, Column]:
        """The columns of one side, by kind."""
        return {meaning.kind: column for meaning, column in self.found.items() if meaning.side == side}

    def take(self, kind: str) -> Column | None:
        """The column of a kind that belongs to no side; it is then used."""
        return self.found.pop(Meaning("", kind), None)

    def add(self, meaning: Meaning, key: str, column: Column, exact: bool) -> str | None:
        """Keep a column; returns why it is not kept. Raises InputError for two columns that mean the same."""
        earlier = self.found.get(meaning)
        if earlier is None:
            self.found[meaning] = column
            return None
        if _equal(earlier.value, column.value):
            return f"not used, the same as {earlier.source}"
        if exact:  # `pid` beside `id`
            self.found[meaning] = column
            return None
        if meaning.kind in ONE_OF or earlier.source.endswith(f": {meaning.kind}"):
            return f"not used, because {earlier.source} is"
        raise InputError(
            f"{column.source}: these are {meaning}, and so is {earlier.source}; give one of the two, or rename it"
        )


def collect_columns(contents: Iterable[tuple[Content, Side]], joined: Container[str] = ()) -> Columns:
    """The meaning of every array. The side of a file counts where its keys say none: as it is given, or by its name.

    joined: keys, in lower case, by which tables were joined. Raises InputError for a file in which no key is known, and
    for two keys that mean the same.
    """
    columns = Columns()
    for content, given in contents:
        meanings = find_meanings(content, given)
        if not meanings or _is_ranking(content):
            raise InputError(f"{content.origin}: {_explain_unknown(content)}; {EXAMPLE}")
        for key, value in content.arrays.items():
            words = f"{content.origin}: {describe_array(key, value)}"
            meaning = meanings.get(key)
            if meaning is None and key.lower() in joined:
                columns.lines.append(f"{words} -> the key of its rows")
                continue
            if meaning is None:
                columns.lines.append(f"{words} -> not used")
                # a single number has no value for each row, and of boxmot's columns it is known what they are
                if find_shape(value) and not key.startswith(UNUSED):
                    columns.unused.setdefault(content.origin, []).append(key)
                continue
            exact = key.rpartition(".")[2] == meaning.kind
            columns.plain &= key in (*OWN, *ROLE_LISTS) or key.startswith(ATTRIBUTE)
            refused = columns.add(meaning, key, Column(value, f"{content.origin}: {key}"), exact)
            columns.lines.append(f"{words} -> {refused or meaning}")
    _promote_names(columns)
    return columns


def find_meanings(content: Content, given: Side) -> dict[str, Meaning]:
    """What each key of a file means; those of no known meaning are left out."""
    return dict(_find_meanings(content, given))


def _find_meanings(content: Content, given: Side) -> Iterator[tuple[str, Meaning]]:
    meanings = {key: _find_meaning(key, value) for key, value in content.arrays.items()}
    sides = {meaning.side for meaning in meanings.values() if meaning is not None}
    side = given or ("" if sides & {"query", "gallery"} or _has_roles(content) else find_side(content.stem))
    for key, meaning in meanings.items():
        if meaning is not None:
            plain = meaning.side or meaning.kind in ("distance", "similarity", "spans", "query_rows")
            yield key, meaning if plain else meaning._replace(side=side)


def _find_meaning(key: str, value: Any) -> Meaning | None:
    side = SIDES.get(key.lower(), "")
    if side:  # a side alone: its features, or the rows of it
        rows = len(find_shape(value)) < 2 or (hasattr(value, "dtype") and "int" in str(value.dtype))
        return Meaning(side, "rows" if rows else "embedding") if len(find_shape(value)) else None
    meaning = recognise_key(key)
    if meaning is None or isinstance(value, str | bytes | int | float | bool | None):
        return None
    return meaning


def _has_roles(content: Content) -> bool:
    kinds = {meaning.kind for key in content.arrays if (meaning := recognise_key(key)) is not None}
    return "role" in kinds or set(ROLE_LISTS) <= set(content.arrays)


def _promote_names(columns: Columns) -> None:
    """The names of people and cameras are their labels where there are no others."""
    for name, label in LABEL_FIRST.items():
        for side in ("query", "gallery", "multi", ""):
            named, labelled = Meaning(side, name), Meaning(side, label)
            column = columns.found.get(labelled)
            numbered = column is not None and column.source.endswith((": id", ": ids"))  # numbers of the rows
            if named in columns.found and (column is None or numbered):
                columns.found[labelled] = columns.found.pop(named)


def _equal(one: Any, other: Any) -> bool:
    if hasattr(one, "whole") or hasattr(other, "whole"):
        return False
    if find_shape(one) != find_shape(other):
        return False
    try:
        first, second = np.asarray(one), np.asarray(other)
    except ValueError:  # rows that differ in length
        return False
    return first.shape == second.shape and bool((first == second).all())


def _explain_unknown(content: Content) -> str:
    """What a file without a known key holds, and what it may be."""
    keys = content.arrays
    what = f"it is a {content.form} with " + (content.describe().partition(" with ")[2])
    if any(key.rpartition(".")[2] in ("weight", "bias", "running_mean") for key in keys):
        return f"{what}: the weights of a network, not features; `vreid-bench run --weights` takes weights"
    if _is_ranking(content):
        return f"{what}: a ranking; give it with --ranking"
    return f"{what}: no key that is known"


def _is_ranking(content: Content) -> bool:
    if content.form.startswith("TREC"):
        return True
    return content.form == "CSV table" and any(key.lower() in RANKING for key in content.arrays)
