"""How messages name a split of a data set."""

from __future__ import annotations

from vreid_bench.contracts.protocol import Protocol


def name_split(number: int, variant: str = "") -> str:
    """`split 0`, or `split 0 of variant 'by-week'`; variant: how the data set is divided, if a protocol chooses it."""
    return f"split {number} of variant {variant!r}" if variant else f"split {number}"


def name_tested_split(number: int, protocol: Protocol) -> str:
    """The same, of the data set that a protocol tests on."""
    return name_split(number, protocol.target_variant if protocol.target else protocol.variant)
