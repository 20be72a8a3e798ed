"""Which records may be ranked together, and in what order; their scores over seeds and splits, in percent."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby, pairwise
from statistics import fmean, stdev
from typing import Any

from vreid_bench.records.record import Record
from vreid_bench.reporting.text import escaped
from vreid_bench.system.fingerprint import digest

SOURCES = ("official", "unverified", "synthetic")  # in the order in which tables appear
RERANKED, APART = "re-ranking", "p above"
LEGENDS = {
    RERANKED: f"*{RERANKED}*: scores after the distances were changed by how the gallery lies; not to be compared "
    "with rows without.",
    APART: f"*{APART}*: sign-flip permutation test, person by person, of mAP against the row above; "
    "≈ where this test set cannot tell the two apart at 5 %.",
}


@dataclass(frozen=True)
class Row:
    """The seeds of one method at one preset, variant and recipe."""

    records: tuple[Record, ...]  # by seed

    @property
    def first(self) -> Record:
        """A record that speaks for what all seeds share."""
        return self.records[0]

    def mean(self, convention: str, metric: str) -> float:
        """The mean over seeds, a fraction."""
        return fmean(self._values(convention, metric))

    def deviation(self, convention: str, metric: str) -> str:
        """`± 1.9`: the sample standard deviation over splits, each averaged over the seeds; of one there is none."""
        each = [[getattr(s, metric) for s in r.conventions[convention].splits] for r in self.records]
        splits = [fmean(seeds) for seeds in zip(*each, strict=True)]
        return f"± {100 * stdev(splits):.1f}" if len(splits) > 1 else ""

    def percent(self, convention: str, metric: str) -> str:
        """`71.2 ± 0.4`: mean and sample standard deviation over seeds in percent; one seed has no deviation."""
        return _spread(self._values(convention, metric))

    def interval(self, convention: str, metric: str) -> str:
        """`68.9–73.4`: the 95 % interval over query identities, its ends averaged over seeds."""
        ends = [getattr(r.conventions[convention].interval, metric) for r in self.records]
        low, high = (100 * fmean(end) for end in zip(*ends, strict=True))
        return f"{low:.1f}–{high:.1f}"

    def under(self, condition: int, convention: str, metric: str) -> str:
        """`71.2 ± 0.4 (68.9–73.4)`: mean, deviation over seeds and interval under one of the conditions."""
        each = [record.conditions[condition].conventions[convention] for record in self.records]
        values = [getattr(summary, metric) for summary in each]
        low, high = (100 * fmean(ends) for ends in zip(*(getattr(s.interval, metric) for s in each), strict=True))
        return f"{_spread(values)} ({low:.1f}–{high:.1f})"

    def apart(self, above: Row) -> str:
        """`0.31 ≈`: p of the mAP difference to another row, marked where it is not separable at 5 %.

        The rows are paired person by person, each person's scores averaged over a row's seeds; empty where
        the records do not tell of people, or not of the same.
        """
        if not all(record.people for row in (self, above) for record in row.records):
            return ""
        from vreid_bench.scoring.comparison import apart  # NumPy, only where there is something to test
        from vreid_bench.scoring.sign_flip import SIGNIFICANT

        p = apart(self.records, above.records)
        return "" if p is None else f"{p:.2g}" if p < SIGNIFICANT else f"{p:.2g} ≈"

    def cells(self, convention: str, metric: str, over_splits: bool) -> list[str]:
        """Mean, deviation `over_splits` if that is asked for, interval."""
        deviation = [self.deviation(convention, metric)] if over_splits else []
        return [self.percent(convention, metric), *deviation, self.interval(convention, metric)]

    def all_of(self, value: Callable[[Record], Any]) -> str:
        """The value that the seeds share, or their distinct values."""
        return ", ".join(filter(None, dict.fromkeys(str(value(r)) for r in self.records)))

    @cached_property
    def remarks(self) -> tuple[str, ...]:
        """What keeps this row from being the published method, and what to know before comparing it."""
        record = self.first
        words = ["modified"] if record.method.modified and record.variant != ("modified",) else []
        words += record.variant
        if record.disclosure.selected_on != "none":
            words.append(f"model selected on {record.disclosure.selected_on}")
        if record.disclosure.camera_id_at_test:
            words.append("camera id at test")
        if record.disclosure.corruption_in_training:
            words.append(f"trained on corrupted clips: {record.disclosure.corruption_in_training}")
        return tuple(words)

    def _values(self, convention: str, metric: str) -> list[float]:
        return [getattr(r.conventions[convention], metric) for r in self.records]


@dataclass(frozen=True)
class Track:
    """Records that may be ranked together: the same protocol, data and conventions, by fingerprint."""

    records: tuple[Record, ...]  # by row, then by seed

    @property
    def first(self) -> Record:
        """A record that speaks for what the whole track shares."""
        return self.records[0]

    @property
    def splits(self) -> str:
        """`10 splits`, or `3 of 10 splits (0-2)`; nothing where the protocol has one."""
        return self.first.splits.words if self.first.splits else ""

    @property
    def headline(self) -> str:
        """The convention that ranks."""
        return self.first.protocol.headline

    @property
    def conventions(self) -> list[str]:
        """The headline, then the others by name."""
        return [self.headline, *sorted(set(self.first.conventions) - {self.headline})]

    @cached_property
    def notes(self) -> list[str]:
        """The banners of the data, each once."""
        return sorted({note for r in self.records for note in r.dataset.notes})

    @cached_property
    def rows(self) -> list[Row]:
        """Best first; what ties in every way but the name goes by name, so that no order is left to chance."""
        rows = [Row(tuple(group)) for group in _grouped(self.records, _row_key)]
        head = self.headline
        return sorted(rows, key=lambda row: (-row.mean(head, "mAP"), -row.mean(head, "R1"), _row_key(row.first)))

    @cached_property
    def extra(self) -> dict[str, list[str]]:
        """Columns that only some tables need, with a cell for each row: re-ranking, tests."""
        columns = {
            RERANKED: [escaped(row.all_of(lambda record: record.disclosure.reranking or "")) for row in self.rows],
            APART: ["", *(row.apart(above) for above, row in pairwise(self.rows))],
        }
        return {name: cells for name, cells in columns.items() if any(cells)}


def _spread(values: Sequence[float]) -> str:
    deviation = f" ± {100 * stdev(values):.1f}" if len(values) > 1 else ""
    return f"{100 * fmean(values):.1f}{deviation}"


def tracks(records: Iterable[Record]) -> list[Track]:
    """The records in groups that may be ranked together, in a fixed order."""
    ordered = sorted(records, key=lambda record: (_row_key(record), record.seed, record.id))
    return [Track(tuple(group)) for group in _grouped(ordered, _track_key)]


def _track_key(record: Record) -> tuple[Any, ...]:
    return (
        record.protocol.name,
        SOURCES.index(record.dataset.source),
        record.protocol.version,
        record.protocol.fingerprint,
        record.protocol.headline,
        record.dataset.name,
        record.dataset.fingerprint,
        tuple(sorted((name, result.fingerprint) for name, result in record.conventions.items())),
        # other splits ask other queries; more of them come first
        (-len(record.splits.ran), record.splits.ran) if record.splits else (),
    )


def _row_key(record: Record) -> tuple[Any, ...]:
    disclosed = digest([record.method.recipe, record.method.modified, record.disclosure.model_dump(mode="json")])
    return (record.method.name, record.preset, record.variant, disclosed)


def _grouped(records: Iterable[Record], key: Callable[[Record], Any]) -> list[list[Record]]:
    return [list(group) for _, group in groupby(sorted(records, key=key), key=key)]
