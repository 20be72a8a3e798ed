"""Reads the frames of a video one after another, by PyAV or by OpenCV, whichever is installed."""

from __future__ import annotations

import os
from collections.abc import Iterator
from fractions import Fraction
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from vreid_bench import InputError

Frame = npt.NDArray[np.uint8]  # [H, W, 3] RGB
DECODERS = {"av": "PyAV", "cv2": "OpenCV"}  # by module, the preferred one first
LARGEST = 1_000_000  # denominator of a frame rate that OpenCV gives as a decimal


def find_decoder(path: Path) -> str:
    """The module that decodes videos. Raises InputError if none is installed."""
    found = next((module for module in DECODERS if find_spec(module) is not None), None)
    if found is None:
        raise InputError(
            f"{path}: reading a video needs PyAV or OpenCV, and neither is installed; install vreid-bench[video], or "
            "write the frames into a folder of images"
        )
    return found


def read_rate(path: Path) -> Fraction | None:
    """Frames per second, as the video says; None if it does not. Raises InputError for a file that is no video."""
    if find_decoder(path) == "av":
        with _open_av(path) as container:
            rate = container.streams.video[0].average_rate
        return Fraction(rate) if rate else None
    import cv2

    return name_rate(_open_cv2(path).get(cv2.CAP_PROP_FPS))


def name_rate(decimal: float) -> Fraction | None:
    """The fraction that a frame rate stands for: 29.97002997 is 30000/1001. None for a rate that is not above 0."""
    rate = Fraction(decimal).limit_denominator(LARGEST)
    television = Fraction(round(rate * 1001), 1001)
    if rate <= 0:
        return None
    return television if abs(television - rate) < Fraction(1, LARGEST) else rate


def read_frames(path: Path) -> Iterator[Frame]:
    """Every frame in order of time. Raises InputError for a file that is no video, or damaged."""
    return _read_av(path) if find_decoder(path) == "av" else _read_cv2(path)


def _read_av(path: Path) -> Iterator[Frame]:
    import av

    with _open_av(path) as container:
        try:
            for frame in container.decode(video=0):
                yield np.ascontiguousarray(frame.to_ndarray(format="rgb24"))
        except av.error.FFmpegError as error:
            raise InputError(_describe(path, str(error))) from None


def _open_av(path: Path) -> Any:
    import av

    try:
        container = av.open(str(path))
    except (av.error.FFmpegError, OSError) as error:
        raise InputError(_describe(path, str(error))) from None
    if not container.streams.video:
        container.close()
        raise InputError(_describe(path, "it has no pictures"))
    return container


def _read_cv2(path: Path) -> Iterator[Frame]:
    video = _open_cv2(path)
    try:
        while True:
            there, frame = video.read()
            if not there:
                return
            yield np.ascontiguousarray(frame[:, :, ::-1])  # OpenCV has blue first
    finally:
        video.release()


def _open_cv2(path: Path) -> Any:
    os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")  # it would write to the terminal, past any escaping
    import cv2

    # OpenCV's own readers of AVI print bytes of the file, and take a % in its name for numbered pictures.
    cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)
    ffmpeg = cv2.CAP_FFMPEG in cv2.videoio_registry.getStreamBackends()
    video = cv2.VideoCapture(str(path), cv2.CAP_FFMPEG if ffmpeg else cv2.CAP_ANY)
    if not video.isOpened():
        raise InputError(_describe(path, "OpenCV cannot open it"))
    return video


def _describe(path: Path, reason: str) -> str:
    return f"{path} cannot be read as a video ({reason}); copy it again, or write its frames into a folder of images"
