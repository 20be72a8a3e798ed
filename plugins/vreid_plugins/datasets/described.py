"""Trees that the renderer wrote, and what it says it wrote."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from vreid_plugins.datasets.faults import Report

SYNTHETIC = "synthetic.json"  # the renderer's description of a tree it wrote


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
