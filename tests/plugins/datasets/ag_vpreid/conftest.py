"""A small tree without any fault, and a rendered one."""

from pathlib import Path

import pytest
from ag_vpreid_tree import Tree

from vreid_plugins.datasets.ag_vpreid.reader import AgVpreid


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    """A small tree without any fault."""
    return Tree(tmp_path / "ag-vpreid").write()


@pytest.fixture(scope="session")
def twin(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Nine people to train on and nine to test on, as the renderer writes them."""
    root = tmp_path_factory.mktemp("data") / "ag-vpreid"
    AgVpreid().synthesize(root, ids=9, size=(32, 16), typical_frames=6, workers=1, progress=False)
    return root
