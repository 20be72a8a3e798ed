"""What a plugin's exception says while it is imported or asked for what it provides."""

from __future__ import annotations

import traceback

from vreid_bench.contracts.convention import Convention
from vreid_bench.registry.failures import find_raising_line
from vreid_bench.system.errors import InputError, describe_exception


def describe_import_fault(who: str, fault: BaseException, package: str) -> str:
    """What stopped the import of `who`, with the line of its own code, as the begin of a sentence.

    package: the top-level package of that code. Where the harness refused what the plugin made, such as a field of a
    convention, that is said alone: there is nothing wrong with the import.
    """
    line = find_raising_line(fault, package)
    place = f"; {line}" if line else ""
    refused = explain_convention(fault) or (str(fault) if isinstance(fault, InputError) else "")
    return f"{who}: {refused}{place}" if refused else f"{who} cannot be imported ({describe_exception(fault)}{place})"


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
