"""What figures of frames share: a sheet measured in inches, frames and maps on it, and names of tracklets."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from numpy.typing import NDArray

from vreid_bench.modeling.frames import resize
from vreid_bench.reporting.page.figures import WIDTH
from vreid_bench.reporting.page.svg import INK
from vreid_bench.reporting.text import sanitize

Arrays = Mapping[str, NDArray[Any]]  # of an inspection, by name
Image = NDArray[Any]  # [H, W, 3] uint8, or [h, w] numbers
HEAT = "plasma"  # its order can be seen by people who are colour-blind, and in grey
LETTERS = 40  # of a name; longer ones are cut


class Sheet:
    """A figure on which things are placed in inches from the left and from the top."""

    def __init__(self, height: float, width: float = WIDTH) -> None:
        self.width, self.height = width, height
        self.figure = Figure(figsize=(width, height))
        self.axes = self.figure.add_axes((0, 0, 1, 1))
        self.axes.axis("off")
        self.axes.set(xlim=(0, width), ylim=(height, 0), autoscale_on=False)

    def add_axes(self, left: float, top: float, width: float, height: float) -> Axes:
        """Axes of that size at that place."""
        return self.figure.add_axes(
            (left / self.width, 1 - (top + height) / self.height, width / self.width, height / self.height)
        )

    def place(self, image: Image, left: float, top: float, width: float, height: float, **style: Any) -> None:
        """An image of that size at that place."""
        extent = (left, left + width, top + height, top)
        self.axes.imshow(image, extent=extent, interpolation="nearest", aspect="auto", **style)

    def outline(self, left: float, top: float, width: float, height: float, colour: str) -> None:
        """A frame of a colour around a place."""
        box = Rectangle((left, top), width, height, fill=False, edgecolor=colour, linewidth=1.8, zorder=3)
        self.axes.add_patch(box)

    def write(self, text: str, left: float, top: float, **style: Any) -> None:
        """A text whose top left corner is at that place, unless the style says otherwise."""
        usual: dict[str, Any] = {"va": "top", "ha": "left", "fontsize": 8, "color": INK}
        self.axes.text(left, top, text, **(usual | style))


class Shown(NamedTuple):
    """One tracklet of some arrays: its name in words, and its clips among all S."""

    name: str
    clips: slice


def list_tracklets(arrays: Arrays) -> Iterator[Shown]:
    """The tracklets of some arrays, with their clips."""
    stops = np.cumsum(arrays["counts"])
    for at, (stop, count) in enumerate(zip(stops, arrays["counts"], strict=True)):
        yield Shown(name_tracklet(arrays, at), slice(int(stop - count), int(stop)))


def name_tracklet(arrays: Arrays, at: int) -> str:
    """A tracklet in words: row, person and camera."""
    person, camera = (clean(str(arrays[name][at])) for name in ("person", "camera"))
    return f"tracklet {arrays['row'][at]}, person {person}, camera {camera}"


def clean(name: str) -> str:
    """A name on one line, cut if it is long."""
    text = sanitize(name)
    return text if len(text) <= LETTERS else f"{text[: LETTERS - 1]}…"


def spread(total: int, most: int) -> list[int]:
    """At most `most` of the numbers 0 to total - 1, each from the middle of its share."""
    shown = min(total, most)
    return [int((each + 0.5) * total / shown) for each in range(shown)]


def match_frames(maps: int, frames: int) -> list[int]:
    """The frame in the middle of what each map of a clip covers."""
    return [int((each + 0.5) * frames / maps) for each in range(maps)]


def heat(values: NDArray[Any], low: float, high: float, frame: Image | None = None) -> Image:
    """A map [h, w] in colours; over a frame, the frame is grey and shines through where the map is low."""
    scaled = ((np.asarray(values, np.float32) - low) / max(high - low, 1e-12)).clip(0, 1)
    colours = mpl.colormaps[HEAT]
    if frame is None:
        return np.asarray(colours(scaled)[..., :3])
    large = resize(np.round(255 * scaled).astype(np.uint8), (frame.shape[0], frame.shape[1])) / 255.0  # [H, W]
    grey = np.repeat((frame.mean(2) / 255.0)[..., None], 3, axis=2)
    share = 0.1 + 0.65 * large[..., None]
    return np.asarray((1 - share) * grey + share * colours(large)[..., :3])


def place_clip(sheet: Sheet, frames: NDArray[Any], left: float, top: float, height: float) -> float:
    """The frames [T, H, W, 3] of a clip side by side; returns their width together."""
    width = height * ratio_of(frames)
    for number, frame in enumerate(frames):
        sheet.place(frame, left + number * width, top, width, height)
    return width * len(frames)


def ratio_of(frames: NDArray[Any]) -> float:
    """Width of a frame by its height; frames are [..., H, W, 3]."""
    height, width = frames.shape[-3:-1]
    return int(width) / int(height)
