"""What a fingerprint is made of: the fields of a protocol or a convention that can change a score."""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

PROSE = {"prose": True}  # a field for readers, which no score depends on


def rules_of(rule: DataclassInstance) -> dict[str, Any]:
    """Every field of a dataclass except prose: name -> value."""
    return {field.name: getattr(rule, field.name) for field in fields(rule) if "prose" not in field.metadata}
