"""What a fingerprint is made of: the fields of a protocol or a convention that can change a score."""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

PROSE = {"prose": True}  # a field for readers, which no score depends on
OPTIONAL = {"optional": True}  # a rule that most do without: it counts where it differs from its default


def rules_of(rule: DataclassInstance) -> dict[str, Any]:
    """Every field of a dataclass except prose, and optional ones that have their default: name -> value."""
    return {
        field.name: value
        for field in fields(rule)
        if "prose" not in field.metadata
        and ((value := getattr(rule, field.name)) != field.default or "optional" not in field.metadata)
    }
