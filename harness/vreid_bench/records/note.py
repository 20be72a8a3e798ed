"""The note of a safetensors file, which is read without its tensors and without torch."""

from __future__ import annotations

from pathlib import Path

from safetensors import SafetensorError, safe_open

MADE_BY = "made_by"  # the note's entry with the fingerprint of all that decided the tensors
COST = "cost"  # of the state after a stage: what the training had cost by then, as `costs.json` has it


def read_note(path: Path) -> dict[str, str]:
    """The note of a file; empty if the note or the file is missing."""
    try:
        with safe_open(path, framework="np") as file:
            return dict(file.metadata() or {})
    except (OSError, SafetensorError):
        return {}
