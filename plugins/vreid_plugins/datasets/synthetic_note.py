"""What the renderer leaves in the trees it writes: reading its note, its counts and its annotations."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from vreid_bench import SYNTHETIC, Source
from vreid_plugins.datasets.fault_report import Report


def is_synthetic(root: Path) -> bool:
    """Whether the renderer left its note at `root`."""
    return (root / SYNTHETIC).exists()


def source_of(root: Path) -> Source:
    """`synthetic` if the renderer left its note; nothing else tells a copy of the original from another tree."""
    return "synthetic" if is_synthetic(root) else "unverified"


def world_name(root: Path) -> str:
    """The name of the world that was rendered; empty if the note is missing or has none."""
    try:
        return str(json.loads((root / SYNTHETIC).read_text(encoding="utf-8"))["world"]["name"])
    except (OSError, ValueError, LookupError, TypeError, RecursionError):
        return ""


def read_counts(root: Path, report: Report) -> Mapping[str, int]:
    """The counts that a reader must find, as the renderer noted them; empty if the note cannot be read."""
    path = root / SYNTHETIC
    try:
        counts = json.loads(path.read_text(encoding="utf-8"))["expected"]
        return {what.replace("_", " "): int(count) for what, count in counts.items()}
    except (OSError, ValueError, LookupError, TypeError, AttributeError, OverflowError, RecursionError) as error:
        report(f"{path} cannot be read ({type(error).__name__}: {error}); render the data again.")
        return {}


def read_visibility(root: Path, paths: Sequence[str], report: Report) -> Mapping[str, float]:
    """The share of the person that each frame shows, as the renderer noted it in the order of `paths`."""
    from vreid_plugins.synthetic.writer import ANNOTATIONS

    path = root / ANNOTATIONS
    try:
        with np.load(path, allow_pickle=False) as stored:
            visibility = stored["visibility"].tolist()
        if not all(isinstance(each, float) for each in visibility):
            raise ValueError("its visibility is not a list of numbers")
        return dict(zip(paths, visibility, strict=True))
    except Exception as error:  # a damaged file makes its reader raise anything
        report(f"{path} cannot be read ({type(error).__name__}: {error}); only rendered data comes with this file.")
        return {}
