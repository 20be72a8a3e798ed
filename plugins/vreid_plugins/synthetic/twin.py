"""Writes the twin of a data set in a planned layout."""

from collections.abc import Callable
from dataclasses import replace
from inspect import signature
from pathlib import Path
from typing import Any

from vreid_bench import InputError

from .plan import Plan
from .writer import write_tree

COUNTS = ("ids", "unlabelled")  # what a plan takes beside its world


def write_twin(
    root: Path,
    plan: Callable[..., Plan],
    *,
    size: tuple[int, int] | None = None,
    workers: int | None = None,
    progress: bool = True,
    **changes: Any,
) -> None:
    """Write the tree of `plan(world, ...)` to `root`; the plan chooses what is None or left out.

    changes: `ids` people to train on and the same number to test on; `unlabelled` tracklets of other people in the
    training part, where the layout has a place for them; all others, such as `cameras` and `seed`, and `size` (height,
    width in px), override parameters of the plan's world. A killed run continues when it is called again. Raises
    InputError if the layout cannot hold this number of people, cameras or unlabelled tracklets, or if `root` is not
    empty.
    """
    usual = plan().world
    height, width = size or (usual.height, usual.width)
    given = {name: value for name, value in changes.items() if value is not None}
    counts = {name: given.pop(name) for name in COUNTS if name in given}
    foreign = counts.keys() - signature(plan).parameters.keys()
    if foreign:
        raise InputError(
            f"{root}: a twin in this layout takes no number of {', '.join(foreign)} tracklets; leave it out, or choose "
            "the layout mars"
        )
    world = replace(usual, height=height, width=width, **given)
    write_tree(Path(root), plan(world, **counts), workers=workers, progress=progress)
