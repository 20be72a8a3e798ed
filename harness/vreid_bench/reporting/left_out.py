"""How many queries of a run do not count, because nothing in the gallery matches them."""

from __future__ import annotations

import numpy as np

from vreid_bench.contracts.convention import EVERYBODY
from vreid_bench.records.per_query import PerQuery
from vreid_bench.records.record import Record
from vreid_bench.records.run_directory import RunDirectory
from vreid_bench.scoring.rule_effects import recorded_convention
from vreid_bench.scoring.score_table import explain_left_out


def list_left_out(folder: RunDirectory, record: Record) -> list[str]:
    """A line for each number of queries that do not count, with the conventions, as `vreid-bench score` has it.

    Over all splits and conditions that the row averages. Empty where the folder has no scores of queries. Raises
    InputError for a damaged file of them.
    """
    if not folder.per_query.is_file():
        return []
    kept, found = PerQuery.from_file(folder.per_query, record.conventions), {}
    headline = record.protocol.headline
    for name in sorted(record.conventions, key=lambda name: (name != headline, name)):
        admission = recorded_convention(name, record.conventions[name], folder.record).admission
        counts, asks = ~np.isnan(kept.scores[name].average_precision), np.ones(len(kept.query), bool)
        if admission != EVERYBODY:  # the others do not take part at all
            asks = kept.matches.asks[:, kept.matches.admissions.index(admission)]
        found[name] = {"left_out": int((asks & ~counts).sum()), "queries": int(counts.sum())}
    return list(explain_left_out(found, len(record.conventions[headline].splits)))
