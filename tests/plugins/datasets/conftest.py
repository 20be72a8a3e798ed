"""Small trees of two cameras without any fault."""

from pathlib import Path

import pytest
from two_cameras import (
    ilids,
    prid,
    write_lists,
)


@pytest.fixture
def videos(tmp_path: Path) -> Path:
    """iLIDS-VID without any fault."""
    return ilids(tmp_path / "ilids-vid")


@pytest.fixture
def shots(tmp_path: Path) -> Path:
    """PRID2011 without any fault and with its lists."""
    root = prid(tmp_path / "prid2011")
    write_lists(root)
    return root
