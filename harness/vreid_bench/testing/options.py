"""The law of the options of every part."""

from __future__ import annotations

from vreid_bench.registry.inspection import find_unread_annotations
from vreid_bench.testing.place import find_option
from vreid_bench.testing.subject import Remark, Subject


def check_annotations(subject: Subject) -> None:
    """The annotations of its options can be read, so that their values are held to them."""
    value = subject.entry.value
    for option, reason in find_unread_annotations(subject.kind, value).items():
        raise Remark(
            f"{subject.title}: the annotation of its option {option!r} cannot be read ({reason}), expected a type that "
            "is there when the code runs, not for a type checker alone; until it is, the option takes any value",
            find_option(value, option),
        )
