"""Whether torch will find a GPU, told without importing it."""

from __future__ import annotations

import os
from importlib.util import find_spec
from pathlib import Path

DEVICES = Path("/dev")
_FILES = ("nvidia[0-9]*", "kfd")  # of a GPU's driver: NVIDIA's, AMD's
_LIBRARIES = ("libtorch_cuda*", "libtorch_hip*")  # of a torch that can use them


def has_gpu() -> bool:
    """Is there a GPU with its driver, which CUDA_VISIBLE_DEVICES does not hide, and a torch that was built for one?"""
    if os.environ.get("CUDA_VISIBLE_DEVICES") in ("", "-1"):
        return False
    torch = find_spec("torch")
    if torch is None or torch.origin is None or not any(any(DEVICES.glob(name)) for name in _FILES):
        return False
    libraries = Path(torch.origin).parent / "lib"
    return any(any(libraries.glob(name)) for name in _LIBRARIES)
