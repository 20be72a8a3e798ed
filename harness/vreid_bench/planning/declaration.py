"""The entries of a record that are known before training; made in planning, so that an invalid one stops the run."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from typing import Any, NamedTuple, TypeVar

from pydantic import ValidationError

from vreid_bench.contracts.dataset import Dataset, Tracklet
from vreid_bench.contracts.people import DISTRACTOR, JUNK
from vreid_bench.planning.folds import Fold
from vreid_bench.planning.method import ChosenMethod
from vreid_bench.records.entries import TRAININGS, DatasetEntry, MethodEntry
from vreid_bench.records.fields import Entry
from vreid_bench.system.errors import InputError

Declared = TypeVar("Declared", bound=Entry)


class Declaration(NamedTuple):
    """The entries of a record that planning decides."""

    method: MethodEntry
    test_dataset: DatasetEntry
    trained_on: DatasetEntry | None  # the dataset trained on first; None if it is the one tested on


def declare(chosen: ChosenMethod, folds: Sequence[Fold], trainings: Sequence[Mapping[str, Any]]) -> Declaration:
    """The entries for a method on these folds. Raises InputError if the record does not accept one of them.

    trainings: what its lengths in epochs are in steps (`trainings.describe_trainings`); the recipe keeps them if there
        are any.
    """
    # a part in the baseline is not what the baseline's paper printed numbers of
    published = replace(chosen.method, paper="", reported=(), quoted=()) if chosen.swapped else chosen.method
    method = {
        "name": chosen.name,
        "paper": published.paper,
        "recipe": {**chosen.settings, TRAININGS: trainings} if trainings else chosen.settings,
        "providers": chosen.providers,
        "overrides": dict(chosen.overrides),
        "swapped": f"{chosen.swapped} {chosen.name}" if chosen.swapped else None,
        "modified": bool(chosen.overrides or chosen.swapped),
        "reported": [asdict(number) for number in published.reported],
        "quoted": [asdict(number) for number in published.quoted],
    }
    fold = folds[0]  # all folds are about equal in size
    first, last = fold.training[0], fold.training[-1]
    pids, train = [t.pid for t in fold.test.test], last.tracklets if last.dataset is fold.dataset else ()
    counts = {
        "splits": len(fold.dataset.splits),
        **_count_training(train),
        "test_tracklets": len(pids),
        "test_identities": _count_people(fold.test.test),
        "queries": len(fold.test.query),
        "distractors": pids.count(DISTRACTOR),
        "junk": pids.count(JUNK),
    }
    return Declaration(
        _entry(MethodEntry, method, f"method {chosen.name!r}"),
        _dataset(fold.dataset, counts),
        None if first.dataset is fold.dataset else _dataset(first.dataset, _count_training(first.tracklets)),
    )


def _dataset(dataset: Dataset, counts: Mapping[str, int]) -> DatasetEntry:
    known = {"name": dataset.name, "label": dataset.label, "fingerprint": dataset.fingerprint}
    fields = {
        **known,
        "content": dataset.content or None,
        "source": dataset.source,
        "notes": dataset.notes,
        "counts": counts,
        "twin": dataset.twin or None,
    }
    return _entry(DatasetEntry, fields, f"dataset {dataset.name!r}")


def _count_training(tracklets: Sequence[Tracklet]) -> dict[str, int]:
    return {"train_tracklets": len(tracklets), "train_identities": _count_people(tracklets)}


def _count_people(tracklets: Sequence[Tracklet]) -> int:
    return len({tracklet.pid for tracklet in tracklets if tracklet.pid > DISTRACTOR})


def _entry(kind: type[Declared], fields: Mapping[str, Any], what: str) -> Declared:
    try:
        return kind.model_validate_json(json.dumps(fields))
    except ValidationError as fault:
        first = fault.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise InputError(f"{what}: {where}: found {first['input']!r}, {first['msg']}") from fault
