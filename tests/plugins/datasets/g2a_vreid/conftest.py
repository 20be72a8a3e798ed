"""A rendered tree, and a copy of it to be damaged."""

import shutil
from pathlib import Path

import pytest

from vreid_plugins.datasets.g2a_vreid.reader import G2aVreid


@pytest.fixture(scope="session")
def twin(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four people to train on and four to test on, as the renderer writes them."""
    root = tmp_path_factory.mktemp("data") / "g2a-vreid"
    G2aVreid().synthesize(root, ids=4, size=(32, 16), workers=1, progress=False)
    return root


@pytest.fixture
def copy(twin: Path, tmp_path: Path) -> Path:
    """A copy of it."""
    return Path(shutil.copytree(twin, tmp_path / "g2a-vreid"))
