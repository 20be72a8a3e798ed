"""Weights of the small encoders, as `make weights` writes them; the note in each file says how they came about."""

from pathlib import Path

WEIGHTS = Path(__file__).parent
