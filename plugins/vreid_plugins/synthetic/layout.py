"""Writing a twin in any layout that a function plans."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from .plan import Plan
from .tracklet import TrackletSpec
from .writer import write_tree


def write_layout(  # noqa: PLR0913 - what a user may want to change, each by name
    root: Path,
    plan: Callable[..., Plan],
    *,
    ids: int | None = None,
    cameras: int | None = None,
    size: tuple[int, int] | None = None,
    seed: int | None = None,
    workers: int | None = None,
    progress: bool = True,
) -> None:
    """Write the tree of `plan(world, ids)` to `root`; what is None is the plan's own choice.

    `ids` people to train on and as many to test on; `size` (height, width in px). A killed run continues when it is
    called again.
    """
    usual = plan()
    height, width = size or (usual.world.height, usual.world.width)
    world = replace(
        usual.world,
        height=height,
        width=width,
        cameras=usual.world.cameras if cameras is None else cameras,
        seed=usual.world.seed if seed is None else seed,
    )
    write_tree(Path(root), plan(world) if ids is None else plan(world, ids), workers=workers, progress=progress)


def shortened(specs: Sequence[TrackletSpec], lengths: Sequence[int]) -> list[TrackletSpec]:
    """The tracklets, of which a few, spread evenly, get these lengths: shorter than a clip, as originals have some."""
    result = list(specs)
    step = max(8, len(result) // max(1, len(lengths)))
    for place, frames in zip(range(7, len(result), step), lengths, strict=False):
        result[place] = replace(result[place], frames=frames)
    return result


def counted(part: str, specs: Sequence[TrackletSpec], people: int) -> dict[str, int]:
    """What a reader must count in one part."""
    lengths = [spec.frames for spec in specs]
    return {
        f"{part}_tracklets": len(specs),
        f"{part}_identities": people,
        f"{part}_frames": sum(lengths),
        f"shortest_{part}_tracklet": min(lengths),
        f"longest_{part}_tracklet": max(lengths),
    }
