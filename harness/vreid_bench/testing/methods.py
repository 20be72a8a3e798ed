"""Laws of methods."""

from __future__ import annotations

from contextlib import suppress
from typing import get_args

from vreid_bench.contracts.recipe import Method, Preset
from vreid_bench.modeling.model import assemble
from vreid_bench.planning.buildable import check_parts
from vreid_bench.planning.protocols import find_protocol
from vreid_bench.registry.settings import describe
from vreid_bench.registry.value_checks import check_value
from vreid_bench.system.errors import InputError, UnknownName
from vreid_bench.testing.neighbours import PEOPLE
from vreid_bench.testing.place import find_text
from vreid_bench.testing.subject import Remark, Subject

PRESETS: tuple[Preset, ...] = get_args(Preset)


def check_provided(subject: Subject) -> None:
    """A hook may provide it: a function of the preset alone."""
    check_value(subject.entry)


def check_presets(subject: Subject) -> None:
    """At both presets it returns a Method whose parts and options exist, and the same one when asked again."""
    for preset in PRESETS:
        if describe(_build(subject, preset)) != describe(_build(subject, preset)):
            raise InputError(f"{subject.title}: preset {preset!r} gives another recipe each time; draw nothing in it")


def check_sizes(subject: Subject) -> None:
    """At preset small parts and optimizers can be built with their options, and each pattern names a parameter."""
    method = _build(subject, "small")
    check_parts(method, subject.registry.factories(method))


def check_run(subject: Subject) -> None:
    """At preset small it passes every check that `run` makes before anything trains."""
    method = _build(subject, "small")
    factories = subject.registry.factories(method)
    check_parts(method, factories)
    assemble(method, factories, PEOPLE)


def check_reported(subject: Subject) -> None:
    """The numbers that its paper prints are on data sets and protocols that are provided here."""
    method, registry = subject.entry.build_method("paper"), subject.registry
    protocols, datasets = registry.values("protocols"), registry.values("datasets")
    for number in (*method.reported, *method.quoted):
        with suppress(InputError):
            if number.dataset in datasets or find_protocol(protocols, number.dataset):
                continue
        problem = f"{subject.title}: {number.where!r} has a number on"
        after, advice = (
            ", which is no data set and no protocol here",
            "correct it, unless a package has it that is not installed",
        )
        known = dict.fromkeys([*datasets, *protocols])
        fault = UnknownName(problem, number.dataset, known, advice, after=after)
        raise Remark(str(fault), find_text(subject, number.dataset))


METHOD = (check_provided, check_presets, check_sizes, check_run, check_reported)


def _build(subject: Subject, preset: Preset) -> Method:
    return subject.registry.build_method(subject.entry, preset)
