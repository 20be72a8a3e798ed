"""Trees that the renderer wrote, and what it says it wrote."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from vreid_bench.contracts.dataset import SYNTHETIC
from vreid_plugins.datasets.faults import Report


def is_synthetic(root: Path) -> bool:
    """Did the renderer leave its description?"""
    return (root / SYNTHETIC).exists()


def expected(root: Path, report: Report) -> Mapping[str, int]:
    """The counts that the renderer says it wrote."""
    path = root / SYNTHETIC
    try:
        wanted = json.loads(path.read_text(encoding="utf-8"))["expected"]
        return {what.replace("_", " "): int(count) for what, count in wanted.items()}
    except (OSError, ValueError, LookupError, TypeError, AttributeError) as error:
        report(f"{path} cannot be read ({type(error).__name__}: {error}); render the data again.")
        return {}


def annotated(root: Path, paths: Sequence[str], report: Report) -> Mapping[str, float]:
    """The share of the person that can be seen in each frame, as the renderer noted it in the order of `paths`."""
    notes = root / "annotations.npz"
    try:
        with np.load(notes, allow_pickle=False) as stored:
            visibility = stored["visibility"].tolist()
        return dict(zip(paths, visibility, strict=True))
    except (OSError, ValueError, LookupError, zipfile.BadZipFile) as error:
        report(f"{notes} cannot be read ({type(error).__name__}: {error}); it comes with rendered data alone.")
        return {}
