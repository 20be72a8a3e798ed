"""How broad some tests are: what differs from another case in a number alone is left to the workflow `weekly`.

With VREID_BREADTH=every, as that workflow sets it, nothing is left out.
"""

import os
from collections.abc import Mapping
from dataclasses import fields, is_dataclass

EVERY = os.environ.get("VREID_BREADTH") == "every"


def outline(value):
    """A recipe or a part of one without its numbers: what equals another's runs the same lines on other numbers."""
    if is_dataclass(value):
        return type(value).__name__, *(outline(getattr(value, field.name)) for field in fields(value))
    if isinstance(value, Mapping):
        return tuple((name, outline(value[name])) for name in sorted(value))
    if isinstance(value, list | tuple):
        return tuple(map(outline, value))
    return value if isinstance(value, bool) or not isinstance(value, int | float) else type(value).__name__
