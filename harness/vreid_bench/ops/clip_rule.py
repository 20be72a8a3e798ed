"""The rule of the clip ops: how the products of clips become one distance."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from typing import Any

MODES = ("factored", "top", "pairwise", "learned")
DIVISORS = ("weights", "count")


@dataclass(frozen=True)
class ClipRule:
    """The options of `clip_distance`, `clip_batch_hard` and `clip_mean`; `clip_ops` says what each mode means."""

    mode: str = "factored"  # which weights the products of clips have, one of MODES
    top: float = 0.2  # of mode `top`: the fraction of the valid pairs of clips that count, rounded up
    normalize: bool = True  # is each clip scaled to unit length first?
    divide: str = "weights"  # by the sum of the weights, or by the `count` of valid pairs
    metric: str = "dot"  # of mode `factored`: the distance of the weighted means

    def options(self) -> dict[str, Any]:
        """The rule as the torch ops take it: flat keyword arguments."""
        return asdict(self)

    @classmethod
    def schema(cls) -> str:
        """The same arguments in the schema of a torch op."""
        return ", ".join(f"{option.type} {option.name}={_literal(option.default)}" for option in fields(cls))


MEAN = ClipRule()  # the default: the distance of unweighted means


def _literal(value: Any) -> str:
    return f'"{value}"' if isinstance(value, str) else str(value)
