"""A small tree without any fault."""

from pathlib import Path

import pytest
from ls_vid_tree import Tree


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    """A small tree without any fault."""
    root = tmp_path / "LS-VID"
    root.mkdir()
    return Tree(root).write()
