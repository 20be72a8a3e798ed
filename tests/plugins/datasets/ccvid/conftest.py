"""A small tree without any fault, and a rendered one."""

from pathlib import Path

import pytest
from ccvid_tree import Tree

from vreid_plugins.datasets.ccvid.reader import Ccvid


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    """A small tree without any fault."""
    return Tree(tmp_path / "CCVID").write()


@pytest.fixture(scope="session")
def twin(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six people to train on and six to test on, as the renderer writes them."""
    root = tmp_path_factory.mktemp("data") / "ccvid"
    Ccvid().synthesize(root, ids=6, size=(32, 16), workers=1, progress=False)
    return root
