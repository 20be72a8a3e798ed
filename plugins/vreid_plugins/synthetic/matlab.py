"""MATLAB files whose bytes follow from what they hold."""

import io

import numpy as np
from scipy.io import savemat


def matlab(key: str, values: np.ndarray) -> bytes:
    """A MATLAB 5 file with one matrix; its header would hold the time of day, so it is replaced."""
    buffer = io.BytesIO()
    savemat(buffer, {key: values})
    return b"MATLAB 5.0 MAT-file, written by vreid-bench".ljust(116) + buffer.getvalue()[116:]
