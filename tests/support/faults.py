"""A table of faults: each a function that damages a tree, with the pattern of the sentence that it must lead to."""

from collections.abc import Callable
from typing import Any

Damage = Callable[[Any], object]


class Faults(dict[str, tuple[Damage, str]]):
    """Name of the damage -> the damage and its sentence; called with a sentence, it registers what it decorates."""

    def __call__(self, message: str) -> Callable[[Damage], Damage]:
        """A decorator that enters a damage under its name."""

        def register(damage: Damage) -> Damage:
            self[damage.__name__] = (damage, message)
            return damage

        return register
