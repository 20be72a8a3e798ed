"""A family of checkpoints of other programs: from the names and shapes in a file to the method that it belongs to."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from vreid_bench.contracts.recipe import Method

Shapes = Mapping[str, tuple[int, ...]]
"""The tensors of a file: name -> shape."""


class Renaming(NamedTuple):
    """The beginning of a name in a file, and what stands there in the model."""

    theirs: str  # "backbone."; "": every name
    ours: str  # "encoder."


@dataclass(frozen=True)
class Checkpoint:
    """What a file of a family is: a method without training, whose parts take the file's tensors.

    The method's test clipping, size and metric are those of the family's published test, and its encoder normalises as
    that test does.
    """

    method: Method
    # in order, the first that fits a name counts; a tensor of the model is named `encoder.…`, `aggregator.…`
    renamings: tuple[Renaming, ...]
    left: tuple[str, ...] = ()  # beginnings of names that stay in the file: class heads, text encoders
    notes: tuple[str, ...] = ()  # how this test differs from the published one, for the record's disclosure

    def rename(self, name: str) -> str | None:
        """The name in the model of a tensor of the file; None if it stays in the file, or has no place in the model."""
        if self.leaves(name):
            return None
        for theirs, ours in self.renamings:
            if name.startswith(theirs):
                return ours + name.removeprefix(theirs)
        return None

    def leaves(self, name: str) -> bool:
        """Does a tensor of the file stay there?"""
        return name.startswith(self.left) if self.left else False


@dataclass(frozen=True)
class CheckpointFamily:
    """The checkpoints of one program, or of several that save the same names.

    summary: one sentence for `list checkpoints`.
    signs: for each of its networks, names that every file of it has and that tell it from other families.
    read: takes the shapes of a file; raises InputError for one that is not of this family, or of a network that it
        does not read.
    """

    summary: str
    signs: tuple[tuple[str, ...], ...]
    read: Callable[[Shapes], Checkpoint]

    def count_signs(self, shapes: Shapes) -> int:
        """How many signs of one of its networks the file has; 0 if it lacks one of each."""
        return max((len(names) for names in self.signs if all(name in shapes for name in names)), default=0)
