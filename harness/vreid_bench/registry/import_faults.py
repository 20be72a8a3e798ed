"""What a plugin's exception says while it is imported or asked for what it provides."""

from __future__ import annotations

import traceback
from dataclasses import is_dataclass
from typing import Any

from vreid_bench.contracts.convention import Convention
from vreid_bench.contracts.protocol import Protocol
from vreid_bench.registry.failures import find_raising_line
from vreid_bench.system.errors import InputError, describe_exception


def describe_import_fault(who: str, fault: BaseException, package: str) -> str:
    """What stopped the import of `who`, with the line of its own code, as the begin of a sentence.

    package: the top-level package of that code. Where the harness refused what the plugin made, such as a field of a
    protocol, that is said alone: there is nothing wrong with the import.
    """
    line = find_raising_line(fault, package)
    place = f"; {line}" if line else ""
    refused = explain_rule(fault) or (str(fault) if isinstance(fault, InputError) else "")
    return f"{who}: {refused}{place}" if refused else f"{who} cannot be imported ({describe_exception(fault)}{place})"


def explain_rule(fault: BaseException) -> str:
    """Which field of which protocol or convention is wrong, if its own checks failed because of it; else empty.

    These checks rely on the types of the fields, so that a wrong one ends them with an exception of Python. So do
    those of a strategy, which tests for a protocol.
    """
    if isinstance(fault, InputError):
        return ""
    for frame, _ in traceback.walk_tb(fault.__traceback__):
        made: Any = frame.f_locals.get("self")
        if frame.f_code.co_name == "__post_init__" and _is_rule(made):
            # pydantic, which a sound plugin does without
            from vreid_bench.registry.rule_fields import describe_wrong_rule

            return describe_wrong_rule(made)
    return ""


def _is_rule(made: object) -> bool:
    """Is it a protocol, a convention or a strategy? Of a strategy, the class alone is asked, as it may be half made."""
    strategy = all(hasattr(type(made), name) for name in ("name", "conditions", "leading", "describe"))
    return is_dataclass(made) and (strategy or isinstance(made, Protocol | Convention))
