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

    Capital letters are those of the known names: `MARS` is as near to `mars` as `mars` is. advice: what else to say; a
    sentence of its own behind the question.
    """
    spelled: dict[str, list[str]] = {}
    for each in dict.fromkeys(known):  # several kinds may have a name
        spelled.setdefault(each.casefold(), []).append(each)
    close = difflib.get_close_matches(name.casefold(), list(spelled), n=3, cutoff=0.5)
    near = [each for folded in close for each in spelled[folded]][:3]
    if not near:
        return f"; {advice}" if advice else ""
    first = advice.partition(" ")[0]
    more = advice[:1].upper() + advice[1:] if first.rstrip(":,").isalpha() else advice  # a path stays as it is
    return f"; did you mean {', '.join(near)}? {more}".rstrip()


def describe_exception(fault: BaseException) -> str:
    """The type and the message of an exception, in one line; for an unknown attribute also those with similar names."""
    near = suggestion(fault.name, dir(fault.obj)) if isinstance(fault, AttributeError) and fault.name else ""
    return " ".join(f"{type(fault).__name__}: {fault}{near}".split())
