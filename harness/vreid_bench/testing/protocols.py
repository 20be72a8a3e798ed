"""Laws of protocols, and those that conventions share with them."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import cast
from unittest import SkipTest

from vreid_bench.contracts.recipe import Part
from vreid_bench.evaluation.rehearsal import rehearse_cases
from vreid_bench.evaluation.strategies.strategy import TestStrategy
from vreid_bench.planning.data_root import find_dataset, open_datasets, read_dataset
from vreid_bench.planning.fold_check import check_attributes, check_folds
from vreid_bench.planning.folds import divide
from vreid_bench.planning.protocol_faults import Division
from vreid_bench.planning.protocols import find_conventions
from vreid_bench.registry.value_checks import check_value
from vreid_bench.system.errors import InputError
from vreid_bench.testing.datasets import NO_DATA, find_data
from vreid_bench.testing.neighbours import NEIGHBOUR, WIDTH
from vreid_bench.testing.subject import Subject


def check_provided(subject: Subject) -> None:
    """A hook may provide it, under the name that it has."""
    check_value(subject.entry)


def check_names(subject: Subject) -> None:
    """Its data sets and its conventions are installed."""
    protocol = subject.entry.value
    for name in filter(None, (protocol.dataset, protocol.target)):
        find_dataset(subject.registry, name)
    find_conventions(protocol, subject.registry)


def check_fingerprint(subject: Subject) -> None:
    """Its fingerprint changes with its version, and not with its prose."""
    value = subject.entry.value
    prose = replace(value, **{each.name: "other words" for each in fields(value) if each.name in ("summary", "source")})
    if prose.fingerprint != value.fingerprint or replace(value, version="other").fingerprint == value.fingerprint:
        raise InputError(f"{subject.title}: its fingerprint does not follow its rules; use the fields as they are")


def check_test(subject: Subject) -> None:
    """Its test, rehearsed on made-up tracklets as `run` does, yields a ranking for each of its conditions."""
    protocol = subject.entry.value
    if protocol.test is None:
        raise SkipTest("it tests once, on the tracklets as they are")
    factory = subject.registry.factory("matchers", Part(NEIGHBOUR))
    _, cases = rehearse_cases(cast(TestStrategy, protocol.test), factory, WIDTH, subject.title)
    found = list(dict.fromkeys(case.condition for case in cases))
    unknown = [name for name in found if name not in protocol.conditions]
    if not cases or unknown:
        raise InputError(
            f"{subject.title}: its test made rankings for {found}, expected some of {list(protocol.conditions)}; "
            "yield a Case for each condition"
        )


def check_divides(subject: Subject) -> None:
    """On its data it trains and tests on different people, and every query can be scored as its headline says."""
    protocol = subject.entry.value
    if protocol.target:
        return _check_transfer(subject)
    entry = find_dataset(subject.registry, protocol.dataset)
    root = find_data(subject, entry)
    dataset = read_dataset(entry, protocol.variant, root)
    division = Division.of(protocol, subject.registry, dataset)
    for sentence in (*division.find_faults(subject.title), *division.find_notes()):
        raise InputError(sentence)


def _check_transfer(subject: Subject) -> None:
    """As `run` checks the folds of two data sets, each in a folder of its name."""
    if subject.data is None:
        raise SkipTest(NO_DATA)
    protocol, registry = subject.entry.value, subject.registry
    datasets = open_datasets(protocol, registry, subject.data, (protocol.dataset, protocol.target), {})
    folds = divide(protocol, datasets)
    conventions = find_conventions(protocol, registry)
    check_folds(protocol, conventions, folds, subject.title, trains=True)
    check_attributes(conventions, folds)


PROTOCOL = (check_provided, check_names, check_fingerprint, check_test, check_divides)
