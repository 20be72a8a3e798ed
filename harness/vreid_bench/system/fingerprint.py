"""Fingerprints of values and of the content of files."""

from __future__ import annotations

import hashlib
import json


def digest(value: object) -> str:
    """sha256 over a plain value written as sorted JSON: equal values have equal digests on every machine."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return sha256(text.encode())


def sha256(content: bytes) -> str:
    """sha256 of bytes, in hexadecimal digits."""
    return hashlib.sha256(content).hexdigest()
