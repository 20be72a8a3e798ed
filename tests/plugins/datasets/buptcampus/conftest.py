"""A small tree without any fault."""

from pathlib import Path

import pytest
from bupt_tree import Tree


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    """A small tree without any fault."""
    return Tree(tmp_path / "buptcampus").write()
