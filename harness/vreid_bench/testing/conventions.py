"""Laws of conventions, which are tried on a made-up test that their own rules admit."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields, replace
from itertools import product
from typing import Any

import numpy as np

from vreid_bench.contracts.convention import Convention, Having
from vreid_bench.contracts.dataset import Split, Tracklet
from vreid_bench.registry.rule_fields import read_fields
from vreid_bench.scoring.metrics import Scores, judge
from vreid_bench.scoring.ranks.counting import count_from_distances
from vreid_bench.scoring.ranks.labels import Labels
from vreid_bench.system.errors import InputError
from vreid_bench.testing.protocols import check_fingerprint, check_provided
from vreid_bench.testing.subject import Subject

PEOPLE = range(1, 5)  # of the made-up test
OTHER = "another"  # a value of an attribute that no rule names

Values = Mapping[str, str]  # attribute -> value, of a tracklet


def check_read(subject: Subject) -> None:
    """Written as a TOML file for `score`, or as a record, it is read as the same rules."""
    convention: Convention = subject.entry.value
    try:
        read = read_fields(_list_plain({each.name: getattr(convention, each.name) for each in fields(convention)}))
    except ValueError as fault:
        raise InputError(f"{subject.title}: {fault}; correct the field") from fault
    if read.fingerprint != convention.fingerprint:
        raise InputError(f"{subject.title}: was read as other rules, {read.rules}; use the types of its fields")


def check_match(subject: Subject) -> None:
    """Its rules can be met: some query and some gallery item may match."""
    _draw_split(subject)


def check_scores(subject: Subject) -> None:
    """In a made-up test of four people it gives scores, and a ranking without an error has 1."""
    convention = replace(subject.entry.value, ties="listed")
    labels = Labels.of(_draw_split(subject)).for_conventions([convention])
    away = labels.pids[labels.query][:, None] != labels.pids[labels.gallery]  # [Q, G]
    try:
        verdict = judge(count_from_distances([(slice(None), away.astype(np.float32))], labels), [convention])
    except InputError as fault:
        raise InputError(f"{subject.title}: refuses a test in which each query has a match: {fault}") from fault
    scores = verdict[convention.name]
    assert isinstance(scores, Scores), "a single convention that is refused raises"
    found = scores.average_precision
    if not np.allclose(found, 1):
        raise InputError(f"{subject.title}: a perfect ranking has the average precisions {found}, expected 1")


CONVENTION = (check_provided, check_fingerprint, check_read, check_match, check_scores)


def _list_plain(value: Any) -> Any:
    """Tuples as lists, as JSON and TOML have them."""
    if isinstance(value, Mapping):
        return {name: _list_plain(each) for name, each in value.items()}
    return list(map(_list_plain, value)) if isinstance(value, tuple | list) else value


def _draw_split(subject: Subject) -> Split:
    """A test in which each person asks once and is there once for a match. Raises InputError if nothing can match."""
    convention: Convention = subject.entry.value
    query, gallery = _find_pair(convention, subject.title)
    sides = ((1, query), (2, gallery))
    frames = tuple(f"{number}.jpg" for number in range(max(1, convention.least_frames)))
    test = [Tracklet(frames, pid, camid, tuple(told.items())) for pid in PEOPLE for camid, told in sides]
    rows = range(len(test))
    return Split((), tuple(test), tuple(rows[::2]), tuple(rows if convention.queries_in_gallery else rows[1::2]))


def _find_pair(convention: Convention, title: str) -> tuple[Values, Values]:
    """What a query and its match may have."""
    named: dict[str, list[str]] = {attribute: [] for attribute in convention.attributes}
    for attribute, values in (*convention.query, *convention.gallery):
        named[attribute] += [value for value in values if value not in named[attribute]]
    choices = [(*values, OTHER, f"{OTHER} yet") for values in named.values()]
    possible = [dict(zip(named, values, strict=True)) for values in product(*choices)]
    queries, gallery = _admit(possible, convention.query), _admit(possible, convention.gallery)
    for one, other in product(queries, gallery):
        if all((one[name] == other[name]) == (value == "same") for name, value in convention.match):
            return one, other
    raise InputError(
        f"{title}: no gallery item can match a query, because its rules match, query and gallery contradict each "
        "other; expected values that both may have"
    )


def _admit(possible: Iterable[Values], rules: Sequence[Having]) -> list[Values]:
    return [told for told in possible if all(told[name] in values for name, values in rules)]
