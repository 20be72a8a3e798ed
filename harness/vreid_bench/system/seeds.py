"""Seeds of random streams that are unrelated to each other, however near the numbers are that they come from."""

from __future__ import annotations

import hashlib


def derive_seed(*key: object) -> int:
    """A 63-bit seed for a purpose, which the key names: equal keys give equal seeds, all others unrelated ones."""
    return int.from_bytes(hashlib.sha256(repr(key).encode()).digest()[:8], "big") >> 1
