"""A small folder without any fault."""

from pathlib import Path

import numpy as np
import pytest
import simplejpeg
from tracklets_tree import FRAMES, ROWS, write


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A folder with frames and a list without fault."""
    jpeg = simplejpeg.encode_jpeg(np.full((16, 8, 3), 90, np.uint8))
    for folder, names in FRAMES.items():
        (tmp_path / folder).mkdir()
        for name in names:
            (tmp_path / folder / name).write_bytes(jpeg)
    write(tmp_path, ROWS)
    return tmp_path
