"""A small tree without any fault, and a rendered one."""

from pathlib import Path

import pytest
from p_destre_tree import Tree

from vreid_plugins.datasets.p_destre.reader import PDestre


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    """A small tree without any fault."""
    return Tree(tmp_path / "p-destre").write()


@pytest.fixture(scope="session")
def twin(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Eight people to train on in each split and as many to test on, as the renderer writes them."""
    root = tmp_path_factory.mktemp("data") / "p-destre"
    PDestre().synthesize(root, ids=8, size=(32, 16), workers=1, progress=False)
    return root
