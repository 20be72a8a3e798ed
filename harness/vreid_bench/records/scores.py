"""The scores of a run: under each convention and condition, by split and by person."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Self

from pydantic import Field, JsonValue, SerializerFunctionWrapHandler, model_serializer, model_validator

from vreid_bench.contracts.split_numbers import format_splits
from vreid_bench.records.entries import Ruled
from vreid_bench.records.fields import Amount, Count, Entry, Fraction, Name, Text

RANKS = 50  # of the CMC curve
CAMERAS = 12  # the most of a table of camera pairs


class Metrics(Entry):
    """Means over the counted queries."""

    mAP: Fraction
    R1: Fraction
    R5: Fraction
    R10: Fraction
    R20: Fraction
    mINP: Fraction
    queries: Count

    @classmethod
    def scores(cls) -> list[str]:
        """The names of the fractions."""
        return [name for name in Metrics.model_fields if name != "queries"]


class Splits(Entry):
    """Which of a protocol's splits ran, where it has several; the scores are means over those that ran."""

    total: Annotated[int, Field(ge=2, le=1000)]
    ran: Annotated[tuple[Count, ...], Field(min_length=1)]  # counted from 0

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if list(self.ran) != sorted(set(self.ran)) or self.ran[-1] >= self.total:
            raise ValueError(f"ran must list split numbers below {self.total}, ascending")
        return self

    @property
    def words(self) -> str:
        """`10 splits`, or `3 of 10 splits (0-2)`."""
        if len(self.ran) == self.total:
            return f"{self.total} splits"
        return f"{len(self.ran)} of {self.total} splits ({format_splits(self.ran)})"

    @property
    def left_out(self) -> tuple[str, ...]:
        """Its words if some splits were left out, else nothing."""
        return (self.words,) if len(self.ran) < self.total else ()


class Intervals(Entry):
    """95 % bootstrap intervals over query identities: low, high."""

    mAP: tuple[Fraction, Fraction]
    R1: tuple[Fraction, Fraction]


class Summary(Metrics):
    """Means over all rankings, and the sum of their queries."""

    interval: Intervals
    # of each ranking: split by split, each under the conditions that are averaged, with the draws of these
    splits: Annotated[tuple[Metrics, ...], Field(min_length=1)]


class Condition(Entry):
    """The scores under one of the protocol's conditions; the same weights are tested under each."""

    name: Text
    conventions: dict[Name, Summary]


class TieCount(Entry):
    """Matches whose rank the order of the gallery decided: they are exactly as near as an item that is no match."""

    tied: Count
    matches: Count  # of all queries


class Result(Summary, Ruled):
    """The scores under one convention; of several conditions, the mean over the leading ones."""

    # shares of queries with a match among the first 1, 2, ... 50, as R1, R5, ... are; None: not known
    cmc: Annotated[tuple[Fraction, ...], Field(min_length=RANKS, max_length=RANKS)] | None
    # over all splits and leading conditions. None: not counted; it is then left out of the file, as of older records
    ties: TieCount | None = None

    @model_serializer(mode="wrap")
    def _leave_out_unknown(self, serialize: SerializerFunctionWrapHandler) -> dict[str, JsonValue]:
        fields: dict[str, JsonValue] = serialize(self)
        return {name: value for name, value in fields.items() if name != "ties" or value is not None}


class People(Entry):
    """Per identity, by ascending pid: sums over its queries in one split under the headline convention.

    Paired tests between rows need them. It lists every identity with a counted query in any split.
    """

    queries: tuple[Count, ...]
    AP: tuple[Amount, ...]
    R1: tuple[Count, ...]

    @model_validator(mode="after")
    def _agrees(self) -> Self:
        if not len(self.queries) == len(self.AP) == len(self.R1):
            raise ValueError("queries, AP and R1 must have as many entries as there are identities")
        return self


class CameraPairs(Entry):
    """How well the people seen in one camera are found in another, under the headline convention.

    A row is the camera of the query, a column that of the match; an entry is the mean over the queries of all splits
    and leading conditions that have a match there. A query's AP is then that of its matches in this camera alone: its
    matches in other cameras are junk, and everybody else stays in the gallery.
    """

    cameras: Annotated[tuple[Count, ...], Field(min_length=2, max_length=CAMERAS)]  # numbers, ascending
    mAP: tuple[tuple[Fraction | None, ...], ...]  # None: no query has a match there
    queries: tuple[tuple[Count, ...], ...]

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if list(self.cameras) != sorted(set(self.cameras)):
            raise ValueError("cameras must be different numbers, ascending")
        for name in ("mAP", "queries"):
            lengths = [len(row) for row in getattr(self, name)]
            if lengths != [len(self.cameras)] * len(self.cameras):
                raise ValueError(f"{name} must have a row and a column for each of the {len(self.cameras)} cameras")
        cells = [cell for rows in zip(self.mAP, self.queries, strict=True) for cell in zip(*rows, strict=True)]
        if any((score is None) != (number == 0) for score, number in cells):
            raise ValueError("mAP must be null where there is no query, and nowhere else")
        return self


def explain_refusals(not_computable: Mapping[str, str]) -> list[str]:
    """One line for each convention that could not be applied, with the reason."""
    return [f"{name}: not computable, {why}" for name, why in sorted(not_computable.items())]
