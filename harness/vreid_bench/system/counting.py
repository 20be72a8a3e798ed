"""Numbers of things in sentences."""

from __future__ import annotations


def count(number: int, one: str, several: str = "") -> str:
    """`1 person`, `1,200 people`; several: as `plural` takes it."""
    return f"{number:,} {plural(number, one, several)}"


def plural(number: int, one: str, several: str = "") -> str:
    """The word for so many; several: the plural, if it is not `one` with an s."""
    return one if number == 1 else several or f"{one}s"
