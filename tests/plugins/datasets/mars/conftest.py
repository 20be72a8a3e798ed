"""A small tree without any fault."""

from pathlib import Path

import pytest
from mars_tree import Tree, make_tree


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    """A small tree without any fault."""
    return make_tree(tmp_path / "mars")
