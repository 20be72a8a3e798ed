"""JSON that somebody else may have written."""

from __future__ import annotations

import json
from typing import Any


def load_json(content: str | bytes) -> Any:
    """The value of a JSON text. Raises ValueError for any other content, and for values that are nested too deeply."""
    try:
        return json.loads(content)
    except RecursionError:
        raise ValueError("its values are nested too deeply") from None
