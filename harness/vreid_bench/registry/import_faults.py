"""What a plugin's exception says while it is imported or asked for what it provides."""

from __future__ import annotations

import traceback

from vreid_bench.contracts.convention import Convention
from vreid_bench.system.errors import InputError, describe_exception


def describe_import_fault(fault: BaseException, package: str) -> str:
    """The exception in a sentence, with the file and the line of the plugin's own code that it passed last.

    package: the top-level package of that code. What fails in the checks of a convention is said of its field.
    """
    text = explain_convention(fault) or describe_exception(fault)
    for frame, line in reversed(list(traceback.walk_tb(fault.__traceback__))):
        if str(frame.f_globals.get("__name__", "")).partition(".")[0] == package:
            return f"{text}; {frame.f_code.co_filename}, line {line}"
    return text


def explain_convention(fault: BaseException) -> str:
    """Which field of which convention is wrong, if its own checks failed because of it; else empty.

    These checks rely on the types of the fields, so that a wrong one ends them with an exception of Python.
    """
    if isinstance(fault, InputError):
        return ""
    for frame, _ in traceback.walk_tb(fault.__traceback__):
        convention = frame.f_locals.get("self")
        if frame.f_code is Convention.__post_init__.__code__ and isinstance(convention, Convention):
            from vreid_bench.registry.convention_fields import find_fault  # pydantic, which a sound plugin does without

            found = find_fault(convention)
            return f"convention {convention.name!r}: {found}" if found else ""
    return ""
