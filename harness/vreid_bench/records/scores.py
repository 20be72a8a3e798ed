"""What a run scored: under each convention and condition, split by split and person by person."""

from __future__ import annotations

from collections.abc import Mapping
from statistics import stdev
from typing import Annotated, Self

from pydantic import Field, model_validator

from vreid_bench.contracts.split_numbers import write_numbers
from vreid_bench.records.entries import Ruled
from vreid_bench.records.fields import Amount, Count, Entry, Fraction, Name, Text


class Metrics(Entry):
    """Means over the queries that count."""

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
    """Which of a protocol's several splits ran; the scores are means over these."""

    total: Annotated[int, Field(ge=2, le=1000)]
    ran: Annotated[tuple[Count, ...], Field(min_length=1)]  # counted from 0

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if list(self.ran) != sorted(set(self.ran)) or self.ran[-1] >= self.total:
            raise ValueError(f"splits ran must ascend from 0 to below {self.total}")
        return self

    @property
    def words(self) -> str:
        """`10 splits`, or `3 of 10 splits (0-2)`."""
        if len(self.ran) == self.total:
            return f"{self.total} splits"
        return f"{len(self.ran)} of {self.total} splits ({write_numbers(self.ran)})"


class Intervals(Entry):
    """95 % bootstrap intervals over query identities: low, high."""

    mAP: tuple[Fraction, Fraction]
    R1: tuple[Fraction, Fraction]


class Summary(Metrics):
    """Means over the splits, and the sum of their queries."""

    interval: Intervals
    splits: Annotated[tuple[Metrics, ...], Field(min_length=1)]


class Condition(Entry):
    """The scores under one of several conditions that the same weights were tested under."""

    name: Text
    conventions: dict[Name, Summary]


class Result(Summary, Ruled):
    """The scores under one convention: of the conditions that lead, where there are several."""

    def deviation(self, metric: str) -> float | None:
        """The sample standard deviation over the splits; of one split there is none."""
        values = [getattr(split, metric) for split in self.splits]
        return stdev(values) if len(values) > 1 else None


class People(Entry):
    """Of each identity, by rising pid, the sums over its queries in one split under the headline convention.

    What paired tests between rows need. An identity is there if any of its queries counts in any split.
    """

    queries: tuple[Count, ...]
    AP: tuple[Amount, ...]
    R1: tuple[Count, ...]

    @model_validator(mode="after")
    def _agrees(self) -> Self:
        if not len(self.queries) == len(self.AP) == len(self.R1):
            raise ValueError("queries, AP and R1 must have as many entries as there are identities")
        return self


def explain_refusals(not_computable: Mapping[str, str]) -> list[str]:
    """One line for each convention that could not be applied, with the reason."""
    return [f"{name}: not computable, {why}" for name, why in sorted(not_computable.items())]
