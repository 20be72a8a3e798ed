"""A small tree without any fault."""

from pathlib import Path

import pytest
from duke_tree import write_tree


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A small tree without any fault."""
    return write_tree(tmp_path / "DukeMTMC-VideoReID")
