"""Kinds of damage by name, each with the layouts that it can strike."""

from __future__ import annotations

from collections.abc import Callable

from damage.tree import LISTS, READERS, Random, Tree

# Each damage returns what a problem must name: the path that was damaged, or the words of the problem.
Damage = Callable[[Tree, Random], str | tuple[str, ...]]
KINDS: dict[str, tuple[tuple[str, ...], Damage]] = {}
EVERY = tuple(READERS)
PNG = ("ilids-vid", "prid2011")
LISTED = tuple(LISTS)


def kind(*layouts: str) -> Callable[[Damage], Damage]:
    """Register a kind of damage with the layouts in which `verify` can find it."""

    def register(damage: Damage) -> Damage:
        KINDS[damage.__name__] = (layouts or EVERY, damage)
        return damage

    return register
