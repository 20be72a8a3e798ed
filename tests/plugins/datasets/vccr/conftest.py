"""A small tree without any fault, and a rendered one."""

from pathlib import Path

import pytest
from vccr_tree import Tree

from vreid_plugins.datasets.vccr.reader import Vccr


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    """A small tree without any fault."""
    return Tree(tmp_path / "VCCR")


@pytest.fixture(scope="session")
def twin(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Five people to train on and five to test on, as the renderer writes them."""
    root = tmp_path_factory.mktemp("data") / "vccr"
    Vccr().synthesize(root, ids=5, size=(32, 16), workers=1, progress=False)
    return root
