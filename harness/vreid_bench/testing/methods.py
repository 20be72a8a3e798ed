"""Laws of methods."""

from __future__ import annotations

from typing import get_args

from vreid_bench.contracts.recipe import Method, Preset
from vreid_bench.modeling.model import assemble
from vreid_bench.planning.buildable import check_parts
from vreid_bench.registry.settings import describe
from vreid_bench.registry.value_checks import check_value
from vreid_bench.system.errors import InputError
from vreid_bench.testing.neighbours import PEOPLE
from vreid_bench.testing.subject import Subject

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
    assemble(method, subject.registry.factories(method), PEOPLE)


METHOD = (check_provided, check_presets, check_sizes, check_run)


def _build(subject: Subject, preset: Preset) -> Method:
    return subject.registry.build_method(subject.entry, preset)
