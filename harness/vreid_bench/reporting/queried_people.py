"""Over how many people the intervals of a record are: exactly where its run is there, else what the record tells."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from vreid_bench.records.record import Record
from vreid_bench.records.run_directory import RunDirectory
from vreid_bench.records.scores import Summary
from vreid_bench.scoring.few_people import explain_few

if TYPE_CHECKING:  # NumPy, which a table of records does not need
    from vreid_bench.records.per_query import PerQuery

# of a record: the people with a query that counts under that convention, in those of its scores; 0 if it is not known
CountPeople = Callable[[Record, str, Summary], int]


def bound_people(record: Record, convention: str, scores: Summary) -> int:
    """At most how many, as far as a record tells: for boards, which have nothing but records.

    A record has its people under the headline convention alone. Who of them loses every query under another is in the
    folder of the run, in `per_query.npz`; the record has only the number of queries, and there are no more people than
    that.
    """
    people = len(record.people[0].queries) if record.people else 0
    return min(people, scores.splits[0].queries)


def count_people(record: Record, queries: PerQuery) -> CountPeople:
    """How many there are by the scores of the queries of a run."""
    return _look_up({record.id: _count_each(queries)})


def read_people(runs: Iterable[tuple[RunDirectory, Record]]) -> CountPeople:
    """How many there are by the folders of these runs. Raises InputError for a damaged file in one."""
    from vreid_bench.records.per_query import PerQuery

    return _look_up(
        {
            record.id: _count_each(PerQuery.from_file(folder.per_query, record.conventions))
            for folder, record in runs
            if folder.per_query.is_file()
        }
    )


def explain_intervals(record: Record, count: CountPeople) -> list[str]:
    """Why conventions have no interval: a note for each number of people that is too small, the headline's first."""
    head = record.protocol.headline
    names = [head, *sorted(set(record.conventions) - {head})]
    each = (count(record, name, record.conventions[name]) for name in names)
    return [note for people in dict.fromkeys(each) if people for note in explain_few(people)]


def _count_each(queries: PerQuery) -> dict[str, int]:
    """By convention, over all splits and conditions that the row averages: the interval is over all of them, too."""
    import numpy as np

    return {
        name: len(np.unique(queries.pid[~np.isnan(scores.average_precision)]))
        for name, scores in queries.scores.items()
    }


def _look_up(known: dict[str, dict[str, int]]) -> CountPeople:
    """What is known of a record; else, and of scores that the row does not average, the bound."""

    def count(record: Record, convention: str, scores: Summary) -> int:
        people = known.get(record.id, {}).get(convention)
        if people is None:
            return bound_people(record, convention, scores)
        return people if scores is record.conventions[convention] else min(people, scores.splits[0].queries)

    return count
