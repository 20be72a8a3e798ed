"""The errors that the command line reports in one sentence."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

TRACEBACK = "VREID_TRACEBACK"  # the variable that lets the exceptions of plugins and of the program pass unchanged


class InputError(Exception):
    """The user's input cannot be used.

    The message names the file or option, what was found, what was expected and what to do; the command line prints it
    and exits with code 2.
    """

    def __init__(self, message: str = "") -> None:
        super().__init__(end_question(message))


class UnknownName(InputError):
    """A name that is not known, reported with the names that are similar."""

    def __init__(self, problem: str, name: str, known: Iterable[str], advice: str = "", *, after: str = "") -> None:
        """problem: what is wrong with the name, which follows it; after: how that goes on; advice: what to do."""
        self.name, self.known = name, tuple(known)
        super().__init__(f"{problem} {name!r}{after}{suggestion(name, self.known, advice)}")


class RunError(Exception):
    """The work failed for a reason that is not the user's input; the command line exits with code 1."""


def suggestion(name: str, known: Iterable[str], advice: str = "") -> str:
    """The end of a message about an unknown name: `; did you mean a, b?`, or nothing if no known name is similar.

    Capital letters are those of the known names: `MARS` is as near to `mars` as `mars` is. advice: what else to say.
    """
    spelled: dict[str, list[str]] = {}
    for each in dict.fromkeys(known):  # several kinds may have a name
        spelled.setdefault(each.casefold(), []).append(each)
    close = difflib.get_close_matches(name.casefold(), list(spelled), n=3, cutoff=0.5)
    near = [each for folded in close for each in spelled[folded]][:3]
    question = f"; did you mean {', '.join(near)}?" if near else ""
    return end_question(f"{question}; {advice}" if advice else question)


def end_question(message: str) -> str:
    """The message with a sentence behind its question: `; did you mean a?; use b` -> `; did you mean a? Use b`."""
    question, end, rest = message.partition("?; ")
    if not end or "; did you mean " not in question:
        return message
    first = rest.partition(" ")[0]
    capital = rest[:1].upper() if first.rstrip(":,").isalpha() else rest[:1]  # a path stays as it is
    return f"{question}? {capital}{end_question(rest[1:])}"


def describe_exception(fault: BaseException) -> str:
    """The type and the message of an exception, in one line; for an unknown attribute also those with similar names."""
    near = suggestion(fault.name, dir(fault.obj)) if isinstance(fault, AttributeError) and fault.name else ""
    return " ".join(f"{type(fault).__name__}: {fault}{near}".split())
