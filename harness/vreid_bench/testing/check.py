"""A check: one law on one subject, and what came of it."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Literal, NamedTuple
from unittest import SkipTest

from vreid_bench.modeling.probe import keep_streams
from vreid_bench.registry.failures import describe_failure
from vreid_bench.system.errors import TRACEBACK, InputError
from vreid_bench.system.memory import is_out_of_memory
from vreid_bench.testing.place import find_place
from vreid_bench.testing.subject import Remark, Subject

Law = Callable[[Subject], None]
"""A function that raises InputError where its subject does not conform, and SkipTest where it does not apply."""


class NonConformance(AssertionError):
    """A law that a subject breaks: what was found, what was expected, what to do, and the line to change."""


class Outcome(NamedTuple):
    """What came of a check."""

    name: str
    law: str  # a sentence
    state: Literal["passed", "failed", "skipped"]
    seconds: float
    message: str = ""  # why it failed or was skipped
    place: str = ""  # file, line and function to change or to look at, or the options or the method that were given


class Check(NamedTuple):
    """One law on one subject: call it, or give it to `pytest.mark.parametrize`; its `str` is its name."""

    law: Law
    subject: Subject

    @property
    def name(self) -> str:
        """What the law is called: `one-frame` for `check_one_frame`."""
        return self.law.__name__.removeprefix("check_").replace("_", "-")

    def __str__(self) -> str:
        return self.name

    def __call__(self, data: Path | None = None) -> None:
        """Raise NonConformance if the subject breaks the law, and unittest's SkipTest if the law does not apply.

        data: the folder of the data set, for a reader or a protocol.
        """
        outcome = self.run(data)
        if outcome.state == "skipped":
            raise SkipTest(outcome.message)
        if outcome.state == "failed":
            raise NonConformance(f"{outcome.message}" + f"\n  change {outcome.place}" * bool(outcome.place))

    def run(self, data: Path | None = None) -> Outcome:
        """What comes of the check."""
        subject = self.subject if data is None else replace(self.subject, data=data)
        law = (self.law.__doc__ or "").partition("\n")[0]
        start = time.perf_counter()
        try:
            with keep_streams():
                self.law(subject)
        except SkipTest as reason:
            place = reason.place if isinstance(reason, Remark) else ""
            return Outcome(self.name, law, "skipped", time.perf_counter() - start, str(reason), place)
        except Exception as fault:  # a plugin can raise anything; all of it is reported
            if not isinstance(fault, InputError) and (os.environ.get(TRACEBACK) or is_out_of_memory(fault)):
                raise
            seconds = time.perf_counter() - start
            return Outcome(self.name, law, "failed", seconds, describe(subject, fault), find_place(subject, fault))
        return Outcome(self.name, law, "passed", time.perf_counter() - start)


def describe(subject: Subject, fault: Exception) -> str:
    """A fault in a sentence; an exception of the subject's code names it."""
    if isinstance(fault, InputError):
        return str(fault)
    return describe_failure(subject.title, fault)
