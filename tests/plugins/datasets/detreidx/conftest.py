"""A small tree without any fault, and a rendered one."""

from pathlib import Path

import pytest
from detreidx_tree import Tree

from vreid_plugins.datasets.detreidx.reader import DetReidx


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    """A small tree without any fault."""
    return Tree(tmp_path / "detreidx")


@pytest.fixture(scope="session")
def twin(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four people to train on and four to test on, as the renderer writes them."""
    root = tmp_path_factory.mktemp("data") / "detreidx"
    DetReidx().synthesize(root, ids=4, size=(32, 16), typical_frames=6, workers=1, progress=False)
    return root
