"""What is known of a data set before anybody opens it: licence, access, citation, counts, whether it was withdrawn."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Protocol, runtime_checkable

from vreid_bench.system.errors import InputError

Known = int | tuple[int, ...]
"""A published count; several where copies with each of these numbers are known."""


@dataclass(frozen=True)
class DatasetDescription:
    """The description of a data set, as data.

    Raises InputError if a text is missing, or if a count is called uncertain that is not there.
    """

    title: str  # as its paper calls it
    licence: str  # what its publisher states, or that nothing was found
    access: str  # how a copy is got
    citation: str  # authors, title, place, year
    counts: Mapping[str, Known] = field(default_factory=dict)  # published ones, named as `data verify` names them
    uncertain: tuple[str, ...] = ()  # of `counts`: a copy with another number is noted, and has no fault
    withdrawn: str = ""  # when and why its publisher withdrew it, as a sentence

    def __post_init__(self) -> None:
        for name in ("title", "licence", "access", "citation"):
            if not getattr(self, name):
                raise InputError(f"the description of {self.title or 'a data set'} has no {name}; say what is known")
        strange = [what for what in self.uncertain if what not in self.counts]
        if strange:
            raise InputError(f"the description of {self.title} calls {strange[0]!r} uncertain, which it does not count")

    def to_data(self) -> dict[str, Any]:
        """All of it, ready for JSON; a count of several known numbers is a list."""
        data = {each.name: getattr(self, each.name) for each in fields(self)}
        data["counts"] = {
            what: list(known) if isinstance(known, tuple) else known for what, known in self.counts.items()
        }
        return data | {"uncertain": list(self.uncertain)}


@runtime_checkable
class DescribedReader(Protocol):
    """A reader that says what is known of its data set; `vreid-bench list datasets --json` has it."""

    description: DatasetDescription
