"""Records as tables. Percent, rounding and ± exist only here, and only here a stranger's text is escaped."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from itertools import groupby, pairwise
from statistics import fmean, stdev
from typing import Any

from tabulate import tabulate

from vreid_bench.protocol import digest
from vreid_bench.record import Record

SOURCES = ("official", "unverified", "synthetic")  # in the order in which tables appear
# Everything else is written as a character reference, which no Markdown or HTML reader takes for markup.
SAFE = re.compile(r"""[A-Za-z0-9 .,;=+/()%?'"-]""")


SIGNIFICANT = 0.05
BUDGET = ("identities", "tracklets", "clips", "frames", "steps", "parameters", "multiply_adds", "embedding")
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
        from vreid_bench.report.compare import apart  # NumPy, only where there is something to test

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


def _markdown(headers: Sequence[str], rows: Sequence[Sequence[str]], align: str) -> str:
    """A Markdown table; `align` has a letter for each column, l or r."""
    sides = [{"l": "left", "r": "right"}[letter] for letter in align]
    return tabulate(rows, headers, tablefmt="pipe", disable_numparse=True, colalign=sides)


def escaped(text: str) -> str:
    """A stranger's text for a Markdown page: one line of ASCII that is text and nothing else."""
    safe = "".join(c if SAFE.match(c) else f"&#{ord(c)};" for c in printable(text))
    return re.sub(r"(?i)(www)\.", r"\1&#46;", safe)  # else GitHub makes a link of it


def printable(text: str) -> str:
    """The text on one line, without what could move a cursor, hide a letter or turn the direction of writing."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


def results_table(track: Track, note: Callable[[str], str]) -> str:
    """Every row under every convention, beside what the papers report; `note` makes a footnote of a text."""
    head, *others = track.conventions
    over = ["± splits"] if track.splits else []
    more = ["R5", "R10", "R20"] if track.splits else ["R5"]  # where splits are averaged, the whole curve is reported
    headers = ["#", "method", "preset", "data", "seeds", "mAP", *over, "95 %", *track.extra, "R1", *over, "95 %", *more]
    headers += [f"{escaped(name)} {metric}" for name in others for metric in ("mAP", "R1")]
    headers += ["reported mAP", "reported R1", "remarks"]
    table = []
    for place, row in enumerate(track.rows):
        cells = [str(place + 1), escaped(row.first.method.name), row.first.preset, row.first.dataset.source]
        cells += [str(len(row.records)), *row.cells(head, "mAP", bool(over))]
        cells += [column[place] for column in track.extra.values()]
        cells += [*row.cells(head, "R1", bool(over)), *(row.percent(head, metric) for metric in more)]
        cells += [row.percent(name, metric) for name in others for metric in ("mAP", "R1")]
        cells += [_reported(row.first, metric, note) for metric in ("mAP", "R1")]
        table.append([*cells, escaped("; ".join(row.remarks))])
    return _markdown(headers, table, "rlll" + "r" * (len(headers) - 5) + "l")


def conditions_table(track: Track, metric: str) -> str:
    """Every row under every condition, by the headline convention; nothing where there is just one condition."""
    names = [condition.name for condition in track.first.conditions]
    if not names:
        return ""
    table = []
    for place, row in enumerate(track.rows, 1):
        cells = [row.under(at, track.headline, metric) for at in range(len(names))]
        table.append([str(place), escaped(row.first.method.name), row.first.preset, *cells])
    headers = ["#", "method", "preset", *(f"{metric}, {escaped(name)}" for name in names)]
    return _markdown(headers, table, "rll" + "r" * len(names))


def _reported(record: Record, metric: str, note: Callable[[str], str]) -> str:
    """The paper's numbers under this protocol, with re-ranking beside a row with it and without beside one without;
    none beside a modified method, which no paper has printed."""
    if record.method.modified:
        return ""
    reranked = record.disclosure.reranking is not None
    wanted = (_here(record), metric, reranked)
    fitting = [r for r in record.method.reported if (r.dataset, r.metric, r.reranked) == wanted]
    cells = []
    for number in fitting:
        where = ". ".join(part.rstrip(".") for part in (record.method.paper, number.where, number.note) if part)
        cells.append(f"{100 * number.value:.1f}{note(where)}")
    return " / ".join(cells)


def _here(record: Record) -> str:
    """What a paper's number has to be of: the dataset, or the protocol where it is more than a dataset's own."""
    special = any(record.protocol.rules.get(rule) for rule in ("holdout", "target", "corruption", "selection"))
    return record.protocol.name if special else record.dataset.name


def quoted_table(track: Track) -> str:
    """What the papers of the track's methods quote of other systems, best mAP first; nothing where they quote none."""
    systems: dict[tuple[str, str, str, bool], dict[str, float]] = {}
    for record in track.records:
        for number in record.method.quoted:
            if number.dataset == _here(record):
                key = (number.where, record.method.paper, number.note, number.reranked)
                systems.setdefault(key, {})[number.metric] = number.value
    metrics = ("mAP", "R1", "R5", "R10", "R20")
    table = [
        [
            *(escaped(text) for text in (where, paper)),
            *(f"{100 * values[metric]:.1f}" if metric in values else "" for metric in metrics),
            escaped("; ".join(filter(None, ["re-ranking" if reranked else "", note]))),
        ]
        for (where, paper, note, reranked), values in sorted(systems.items(), key=_by_score)
    ]
    return _markdown(["quoted in", "paper", *metrics, "remarks"], table, "llrrrrrl") if table else ""


def _by_score(item: tuple[tuple[str, str, str, bool], dict[str, float]]) -> tuple[Any, ...]:
    key, values = item
    return (-values.get("mAP", 0), -values.get("R1", 0), key)


def budget_table(track: Track) -> str:
    """What each row took and who provides it, in the order of the results."""
    headers = ["#", "method", "preset", "identities/step", "tracklets/step", "clips/step", "frames/step", "steps"]
    headers += ["parameters", "multiply-adds/clip", "embedding", "CPU min", "peak MB"]
    headers += ["device", "pre-training", "provided by"]
    table = []
    for place, row in enumerate(track.rows, 1):
        cells = [str(place), escaped(row.first.method.name), row.first.preset]
        for name in BUDGET:
            cells.append(row.all_of(partial(_budget, name=name)))
        cells += [f"{fmean(_seconds(r) for r in row.records) / 60:.1f}", f"{max(map(_peak, row.records)):.0f}"]
        cells.append(escaped(row.all_of(lambda r: r.environment.device)))
        cells.append(escaped(row.first.disclosure.pretraining or "none"))
        table.append([*cells, escaped(row.all_of(_provided))])
    return _markdown(headers, table, "rll" + "r" * 10 + "lll")


def index_table(track: Track) -> str:
    """The headline alone."""
    head = track.headline
    table = [
        [
            str(place),
            escaped(row.first.method.name),
            row.first.preset,
            row.first.dataset.source,
            str(len(row.records)),
            row.percent(head, "mAP"),
            row.percent(head, "R1"),
            escaped("; ".join(row.remarks)),
        ]
        for place, row in enumerate(track.rows, 1)
    ]
    return _markdown(["#", "method", "preset", "data", "seeds", "mAP", "R1", "remarks"], table, "rlllrrrl")


def render(records: Iterable[Record]) -> str:
    """The records as plain text for a terminal: every metric under every convention."""
    blocks = []
    for track in tracks(records):
        title = f"{track.first.protocol.name} on {track.first.dataset.source} data"
        lines = [", ".join(filter(None, [title, track.splits]))]
        lines += [f"note: {printable(note)}" for note in track.notes]
        for row in track.rows:
            seeds = row.all_of(lambda record: record.seed)
            words = [row.first.method.name, row.first.preset, f"seed {seeds}", *(f"[{r}]" for r in row.remarks)]
            lines += ["", printable(" ".join(words)), _plain(track, row)]
            lines += map(printable, refusals(row.first.not_computable))
            lines += ["", _by_condition(track, row)] if row.first.conditions else []
        blocks.append("\n".join(lines) + "\n")
    return "\n".join(blocks)


def refusals(not_computable: Mapping[str, str]) -> list[str]:
    """A line for each convention that could not be applied, with the reason."""
    return [f"{name}: not computable, {why}" for name, why in sorted(not_computable.items())]


def scored(metrics: Mapping[str, Any]) -> str:
    """What `vreid_bench.scoring.Report.metrics` gives, as plain text for a terminal."""
    rates = next((list(c["tar"]) for c in metrics["conventions"].values() if "tar" in c), [])
    headers = ["convention", "mAP", "95 %", "R1", "95 %", "R5", "R10", "R20", "mINP"]
    headers += [*(f"TAR@{rate}" for rate in rates), "queries"]
    table, refused = [], {}
    for name, numbers in metrics["conventions"].items():
        if "not_computable" in numbers:
            refused[name] = numbers["not_computable"]
            continue
        cells = [name]
        for metric in ("mAP", "R1"):
            low, high = numbers["interval"][metric]
            cells += [f"{100 * numbers[metric]:.1f}", f"{100 * low:.1f}–{100 * high:.1f}"]
        cells += [f"{100 * numbers[metric]:.1f}" for metric in ("R5", "R10", "R20", "mINP")]
        cells += [f"{100 * numbers['tar'][rate]:.1f}" for rate in rates]
        table.append([*cells, str(numbers["queries"])])
    lines = [tabulate(table, headers, disable_numparse=True, colalign=["left", *["right"] * (len(headers) - 1)])]
    return "\n".join([*lines, *refusals(refused)])


def moved(differences: Mapping[str, Any]) -> str:
    """What `vreid_bench.report.difference.differences` gives, as plain text for a terminal: points of mAP and R1."""
    blocks = []
    for name, changes in differences["conventions"].items():
        rows = [[c["rule"], *(_points(c, metric) for metric in ("mAP", "R1"))] for c in changes]
        title = f"{differences['headline']} -> {name}"
        blocks.append(tabulate(rows, [title, "mAP", "R1"], disable_numparse=True, colalign=["left", "right", "right"]))
    return "\n\n".join(blocks)


def _points(change: Mapping[str, Any], metric: str) -> str:
    if "not_computable" in change:
        return f"not computable, {change['not_computable']}" if metric == "mAP" else ""
    return f"{100 * change[metric]:+.2f}"


def _plain(track: Track, row: Row) -> str:
    over = ["± splits"] if track.splits else []
    headers = ["convention", "mAP", *over, "95 %", "R1", *over, "95 %", "R5", "R10", "R20", "mINP", "queries"]
    table = []
    for name in track.conventions:
        cells = [name]
        for metric in ("mAP", "R1"):
            cells += row.cells(name, metric, bool(over))
        cells += [row.percent(name, metric) for metric in ("R5", "R10", "R20", "mINP")]
        table.append([*cells, row.all_of(partial(_queries, convention=name))])
    return tabulate(table, headers, disable_numparse=True, colalign=["left", *["right"] * (len(headers) - 1)])


def _by_condition(track: Track, row: Row) -> str:
    """A line for each condition, under the headline convention."""
    table = [
        [printable(condition.name), *(row.under(at, track.headline, metric) for metric in ("mAP", "R1"))]
        for at, condition in enumerate(row.first.conditions)
    ]
    headers = [f"{track.headline}, by condition", "mAP (95 %)", "R1 (95 %)"]
    return tabulate(table, headers, disable_numparse=True, colalign=["left", "right", "right"])


def _budget(record: Record, name: str) -> str:
    value = getattr(record.budget, name)
    return "" if value is None else f"{value:,}"  # none in records from before a number was counted


def _queries(record: Record, convention: str) -> int:
    return record.conventions[convention].queries


def _seconds(record: Record) -> float:
    return sum(cost.cpu_seconds for cost in (record.costs.train, record.costs.embed, record.costs.score) if cost)


def _peak(record: Record) -> float:
    return max(cost.peak_mb for cost in (record.costs.train, record.costs.embed, record.costs.score) if cost)


def _provided(record: Record) -> str:
    return ", ".join(sorted({f"{p.distribution} {p.version}" for p in record.method.providers}))
