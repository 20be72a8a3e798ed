"""Writes the twin of a data set in a planned layout."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from .plan import Plan
from .writer import write_tree


def write_twin(
    root: Path,
    plan: Callable[..., Plan],
    *,
    ids: int | None = None,
    size: tuple[int, int] | None = None,
    workers: int | None = None,
    progress: bool = True,
    **changes: Any,
) -> None:
    """Write the tree of `plan(world, ids)` to `root`; the plan chooses what is None or left out.

    There are `ids` people to train on and the same number to test on. `size` (height, width in px) and `changes`, such
    as `cameras` and `seed`, override parameters of the plan's world. A killed run continues when it is called again.
    Raises InputError if the layout cannot hold this number of people or cameras, or if `root` is not empty.
    """
    usual = plan().world
    height, width = size or (usual.height, usual.width)
    given = {name: value for name, value in changes.items() if value is not None}
    world = replace(usual, height=height, width=width, **given)
    write_tree(Path(root), plan(world) if ids is None else plan(world, ids), workers=workers, progress=progress)
