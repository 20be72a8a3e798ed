"""A family of checkpoints of other programs: from the names and shapes in a file to the method that it belongs to."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from inspect import signature
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from vreid_bench.contracts.recipe import Method

if TYPE_CHECKING:  # families are listed without torch
    from torch import Tensor

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


class Opened(NamedTuple):
    """A checkpoint that a `Container` opened."""

    file: Path  # its sha256 is that of the weights
    read: Callable[[Shapes], Checkpoint]  # takes the place of the family's own `read`
    tensors: Mapping[str, Tensor] | None = None  # None: those of `file`, which torch or safetensors wrote


@dataclass(frozen=True)
class Container:
    """A form of checkpoint other than one file of named tensors: a folder with a description, a graph.

    matches: does a path have this form? It may look at names and at the first bytes.
    open: raises InputError for a damaged one, or one that cannot be tested here.
    """

    matches: Callable[[Path], bool]
    open: Callable[[Path], Opened]


@dataclass(frozen=True)
class CheckpointFamily:
    """The checkpoints of one program, or of several that save the same names.

    summary: one sentence for `list checkpoints`.
    signs: for each of its networks, names that every file of it has and that tell it from other families. Empty for a
        family that has a container only.
    read: takes the shapes of a file; raises InputError for one that is not of this family, or of a network that it
        does not read. If it has an argument `beside`, that is what the file holds beside the tensors: numbers and
        texts by name, such as the iteration.
    container: the other form in which the family saves.
    """

    summary: str
    signs: tuple[tuple[str, ...], ...]
    read: Callable[..., Checkpoint]
    container: Container | None = None

    def count_signs(self, shapes: Shapes) -> int:
        """How many signs of one of its networks the file has; 0 if it lacks one of each."""
        return max((len(names) for names in self.signs if all(name in shapes for name in names)), default=0)

    def describe(self, shapes: Shapes, beside: Mapping[str, float | str]) -> Checkpoint:
        """What `read` says of a file with these shapes, and these numbers and texts beside them."""
        more = {"beside": beside} if "beside" in signature(self.read).parameters else {}
        return self.read(shapes, **more)
