"""A board: records that may be ranked together, as rows in order, with scores over seeds and splits in percent."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby, pairwise
from statistics import fmean, stdev
from typing import Any

from vreid_bench.records.entries import describe_data, list_copies
from vreid_bench.records.record import Record
from vreid_bench.reporting.queried_people import CountPeople, bound_people
from vreid_bench.reporting.text import escape
from vreid_bench.scoring.few_people import FEW, render_interval
from vreid_bench.system.fingerprint import digest

SOURCES = ("official", "unverified", "synthetic")  # in the order in which tables appear
RERANKED, P_ABOVE = "re-ranking", "p above"
LEGENDS = {
    RERANKED: f"*{RERANKED}*: scores after a re-ranker changed the distances; do not compare them with rows without.",
    P_ABOVE: f"*{P_ABOVE}*: sign-flip permutation test, person by person, of mAP against the row above; "
    "≈ where this test set cannot tell the two apart at 5 %.",
}


@dataclass(frozen=True)
class Row:
    """The records of one method at one preset, variant and recipe: one for each seed."""

    records: tuple[Record, ...]  # by seed
    count_people: CountPeople = bound_people

    @property
    def first(self) -> Record:
        """One record, for what all seeds share."""
        return self.records[0]

    def mean(self, convention: str, metric: str) -> float:
        """The mean over seeds, a fraction."""
        return fmean(self._values(convention, metric))

    def deviation(self, convention: str, metric: str) -> str:
        """`± 1.9`: the sample standard deviation over splits, each averaged over the seeds; empty for one split."""
        each = [record.split_means(convention, metric) for record in self.records]
        splits = [fmean(seeds) for seeds in zip(*each, strict=True)]
        return f"± {100 * stdev(splits):.1f}" if len(splits) > 1 else ""

    def percent(self, convention: str, metric: str) -> str:
        """`71.2 ± 0.4`: mean and sample standard deviation over seeds in percent; for one seed the mean alone."""
        return _spread(self._values(convention, metric))

    def interval(self, convention: str, metric: str) -> str:
        """`68.9–73.4`: the 95 % interval over query identities, its ends averaged over seeds; of few, a dash."""
        people = min(self.count_people(record, convention, record.conventions[convention]) for record in self.records)
        return render_interval(self.ends(convention, metric), people or FEW)

    def ends(self, convention: str, metric: str) -> tuple[float, float]:
        """The ends of that interval, fractions."""
        each = [getattr(r.conventions[convention].interval, metric) for r in self.records]
        low, high = (fmean(end) for end in zip(*each, strict=True))
        return low, high

    def percent_under(self, condition: int, convention: str, metric: str) -> str:
        """`71.2 ± 0.4 (68.9–73.4)`: mean, deviation over seeds and interval under the condition of that index."""
        each = [record.conditions[condition].conventions[convention] for record in self.records]
        values = [getattr(summary, metric) for summary in each]
        low, high = (fmean(ends) for ends in zip(*(getattr(s.interval, metric) for s in each), strict=True))
        people = min(self.count_people(record, convention, s) for record, s in zip(self.records, each, strict=True))
        return f"{_spread(values)} ({render_interval((low, high), people or FEW)})"

    def p_value(self, above: Row) -> str:
        """`0.31 ≈`: p of the mAP difference to another row; ≈ marks a difference that is not significant at 5 %.

        The rows are paired person by person, each person's scores averaged over the row's seeds. Empty where the
        records hold no people, or not the same ones.
        """
        if not all(record.people for row in (self, above) for record in row.records):
            return ""
        from vreid_bench.scoring.comparison import p_of_rows  # NumPy, only where there is something to test
        from vreid_bench.scoring.sign_flip import SIGNIFICANT

        p = p_of_rows(self.records, above.records)
        return "" if p is None else f"{p:.2g}" if p < SIGNIFICANT else f"{p:.2g} ≈"

    def cells(self, convention: str, metric: str, over_splits: bool) -> list[str]:
        """Mean, deviation over the splits if `over_splits`, interval."""
        deviation = [self.deviation(convention, metric)] if over_splits else []
        return [self.percent(convention, metric), *deviation, self.interval(convention, metric)]

    def distinct(self, value: Callable[[Record], Any]) -> str:
        """The distinct values over the seeds, as text: one where all seeds share it."""
        return ", ".join(filter(None, dict.fromkeys(str(value(r)) for r in self.records)))

    @cached_property
    def remarks(self) -> tuple[str, ...]:
        """How this row differs from the published method, and what to know before comparing it."""
        record = self.first
        words = ["modified"] if record.method.modified and record.variant != ("modified",) else []
        words += record.variant
        if record.disclosure.selected_on != "none":
            words.append(f"model selected on {record.disclosure.selected_on}")
        if record.disclosure.camera_id_at_test:
            words.append("camera id at test")
        if record.disclosure.corruption_in_training:
            words.append(f"trained on corrupted clips: {record.disclosure.corruption_in_training}")
        # a file of the user is among the changes already
        words += [f"{part} pre-trained: {entry.file}" for part, entry in record.weights.begun if entry.shipped]
        return tuple(words)

    def _values(self, convention: str, metric: str) -> list[float]:
        return [getattr(r.conventions[convention], metric) for r in self.records]


@dataclass(frozen=True)
class Board:
    """Records that may be ranked together: protocol, data and conventions have the same fingerprints."""

    records: tuple[Record, ...]  # by row, then by seed
    count_people: CountPeople = bound_people

    @property
    def first(self) -> Record:
        """One record, for what the whole board shares."""
        return self.records[0]

    @property
    def fingerprints(self) -> tuple[str, str]:
        """How the fingerprints of the protocol and of the data begin."""
        return self.first.protocol.fingerprint[:8], self.first.dataset.fingerprint[:8]

    @property
    def data(self) -> str:
        """`official data`; of a copy that nothing vouches for also its folder: `unverified data (my-people)`."""
        return describe_data(record.dataset for record in self.records)

    @property
    def copies(self) -> str:
        """The folders of unverified data that the records were tested on; else empty."""
        return list_copies(record.dataset for record in self.records)

    @property
    def splits(self) -> str:
        """`10 splits`, or `3 of 10 splits (0-2)`; empty where the protocol has one."""
        return self.first.splits.words if self.first.splits else ""

    @property
    def headline(self) -> str:
        """The convention that the rows are ranked under."""
        return self.first.protocol.headline

    @property
    def conventions(self) -> list[str]:
        """The headline, then the others by name."""
        return [self.headline, *sorted(set(self.first.conventions) - {self.headline})]

    @cached_property
    def notes(self) -> list[str]:
        """The notes on the data, each once."""
        return sorted({note for r in self.records for note in r.dataset.notes})

    @cached_property
    def rows(self) -> list[Row]:
        """Best first, by mAP, then R1, then name, so that the order is always the same."""
        rows, head = group_rows(self.records, self.count_people), self.headline
        return sorted(rows, key=lambda row: (-row.mean(head, "mAP"), -row.mean(head, "R1"), _row_key(row.first)))

    @cached_property
    def extra(self) -> dict[str, list[str]]:
        """Columns that only some boards need, with a cell for each row: re-ranking, p against the row above."""
        columns = {
            RERANKED: [escape(row.distinct(lambda record: record.disclosure.reranking or "")) for row in self.rows],
            P_ABOVE: ["", *(row.p_value(above) for above, row in pairwise(self.rows))],
        }
        return {name: cells for name, cells in columns.items() if any(cells)}


def _spread(values: Sequence[float]) -> str:
    deviation = f" ± {100 * stdev(values):.1f}" if len(values) > 1 else ""
    return f"{100 * fmean(values):.1f}{deviation}"


def group_rows(records: Iterable[Record], count_people: CountPeople = bound_people) -> list[Row]:
    """The records of a board as rows, by name, each with its seeds in order."""
    ordered = sorted(records, key=lambda record: record.seed)
    return [Row(tuple(group), count_people) for group in _group(ordered, _row_key)]


def boards(records: Iterable[Record], count_people: CountPeople = bound_people) -> list[Board]:
    """The records as boards, in a fixed order; count_people: tells over how many people the intervals are."""
    ordered = sorted(records, key=lambda record: (_row_key(record), record.seed, record.id))
    return [Board(tuple(group), count_people) for group in _group(ordered, _board_key)]


def seed_key(record: Record) -> tuple[Any, ...]:
    """What two records share that are one seed of one row of one board."""
    return (_board_key(record), _row_key(record), record.seed)


def _board_key(record: Record) -> tuple[Any, ...]:
    return (
        record.protocol.name,
        SOURCES.index(record.dataset.source),
        record.protocol.version,
        record.protocol.fingerprint,
        record.protocol.headline,
        record.dataset.name,
        record.dataset.fingerprint,
        tuple(sorted((name, result.fingerprint) for name, result in record.conventions.items())),
        # other splits have other queries; a board of more splits comes first
        (-len(record.splits.ran), record.splits.ran) if record.splits else (),
    )


def _row_key(record: Record) -> tuple[Any, ...]:
    disclosed = digest([record.method.recipe, record.method.modified, record.disclosure.model_dump(mode="json")])
    return (record.method.name, record.preset, record.variant, disclosed)


def _group(records: Iterable[Record], key: Callable[[Record], Any]) -> list[list[Record]]:
    return [list(group) for _, group in groupby(sorted(records, key=key), key=key)]
