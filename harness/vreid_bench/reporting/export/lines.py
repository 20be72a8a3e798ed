"""Records as CSV: a line for each record, convention, condition and metric."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence

from vreid_bench.records.record import Record
from vreid_bench.reporting.export.scores import list_scores
from vreid_bench.reporting.text import defuse, sanitize

COLUMNS = (
    "record",
    "method",
    "preset",
    "changes",
    "seed",
    "protocol",
    "data",
    "dataset",
    "convention",
    "headline",
    "condition",
    "metric",
    "value",
    "low",
    "high",
    "queries",
)


def render_csv(records: Sequence[Record]) -> str:
    """The table with its header. Scores are fractions in full precision; `low` and `high` end the 95 % interval."""
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(COLUMNS)
    for record in records:
        row = [record.id, record.method.name, record.preset, "; ".join(record.variant)]
        about = [record.protocol.name, record.dataset.source, record.dataset.name]
        for score in list_scores(record):
            texts = [*row, str(record.seed), *about, score.convention, str(score.headline).lower()]
            named = [*texts, score.condition, score.metric]
            low, high = score.interval or ("", "")
            writer.writerow([*(defuse(sanitize(text)) for text in named), score.value, low, high, score.queries])
    return file.getvalue()
