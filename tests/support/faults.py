"""A table of faults: each is a function that damages a tree, with the pattern of the sentence that must follow."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from vreid_bench import InputError

Damage = Callable[[Any], object]


class Faults(dict[str, tuple[Damage, str]]):
    """Name of the damage -> the damage and its sentence; called with a sentence, it registers what it decorates."""

    def __call__(self, message: str) -> Callable[[Damage], Damage]:
        """A decorator that enters a damage under its name."""

        def register(damage: Damage) -> Damage:
            self[damage.__name__] = (damage, message)
            return damage

        return register


def check_fault(reader: Any, root: Path, message: str) -> None:
    """Reading the tree fails with one sentence of this pattern, which is also one of the problems of its check."""
    with pytest.raises(InputError, match=message) as caught:
        reader.read(root)
    assert "\n" not in str(caught.value)
    assert str(caught.value)[-1] in ".?"
    assert str(caught.value) in reader.verify(root).problems
