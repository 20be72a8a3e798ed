"""Figures of maps over frames: body parts and layers (Wu et al. 2019, Fig. 8 and 5), saliency, frames."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from vreid_bench.reporting.inspection.canvas import (
    Arrays,
    Sheet,
    clean,
    heat,
    list_tracklets,
    match_frames,
    place_clip,
    ratio_of,
    spread,
)
from vreid_bench.reporting.page.figures import WIDTH
from vreid_bench.reporting.page.svg import MUTED

COLUMNS = 12  # of maps side by side
TRACKLETS = 2
GAP = 0.04  # inches between frames
LABEL = 0.95  # inches for the names of rows


def draw_part_maps(arrays: Arrays) -> Figure:
    """The map of each body part over the frames, a row for each part; colours are scaled part by part."""
    maps, pixels = arrays["part_map"], arrays.get("pixels")  # [S, P, t, h, w]
    parts, t = maps.shape[1:3]
    tracklets = [*list_tracklets(arrays)][:TRACKLETS]
    width, height = _size_frame(min(COLUMNS, max(s.clips.stop - s.clips.start for s in tracklets) * t), maps, pixels)
    rows = parts + (pixels is not None)
    across = [_choose_maps(shown.clips, t) for shown in tracklets]
    sheet = Sheet(len(tracklets) * (rows * (height + GAP) + 0.45), _measure(across, width))
    for number, shown in enumerate(tracklets):
        top = number * (rows * (height + GAP) + 0.45)
        sheet.write(shown.name, LABEL, top + 0.05)
        top += 0.26
        columns = _choose_maps(shown.clips, t)
        frames = _choose_frames(pixels, columns, t)
        if frames is not None:
            _place_row(sheet, [*frames], LABEL, top, width, height)
            sheet.write("frame", LABEL - 0.1, top + height / 2, va="center", ha="right")
            top += height + GAP
        for part in range(parts):
            values = np.stack([maps[clip, part, at] for clip, at in columns])  # [X, h, w]
            low, high = float(values.min()), float(values.max())
            images = [heat(v, low, high, None if frames is None else frames[n]) for n, v in enumerate(values)]
            _place_row(sheet, images, LABEL, top, width, height)
            name = f"part {part + 1}\n{low:.2f} to {high:.2f}"
            sheet.write(name, LABEL - 0.1, top + height / 2, va="center", ha="right", fontsize=7)
            top += height + GAP
    return sheet.figure


def draw_saliency(arrays: Arrays) -> Figure:
    """The frames of clips of both tracklets, and below each what makes it similar to the other tracklet."""
    maps, pixels = arrays["saliency"], arrays.get("pixels")  # [S, t, h, w]
    t = maps.shape[1]
    tracklets = [*list_tracklets(arrays)]
    columns = [_choose_maps(shown.clips, t) for shown in tracklets]
    width, height = _size_frame(max(map(len, columns)), maps, pixels)
    rows = 1 + (pixels is not None)
    step = rows * (height + GAP) + 0.42
    sheet = Sheet(step * len(tracklets), _measure(columns, width))
    for number, (shown, chosen) in enumerate(zip(tracklets, columns, strict=True)):
        top = number * step
        sheet.write(f"{('query', 'gallery')[number]}: {shown.name}", LABEL, top + 0.05)
        top += 0.26
        frames = _choose_frames(pixels, chosen, t)
        if frames is not None:
            _place_row(sheet, [*frames], LABEL, top, width, height)
            sheet.write("frame", LABEL - 0.1, top + height / 2, va="center", ha="right")
            top += height + GAP
        values = np.stack([maps[clip, at] for clip, at in chosen])
        images = [heat(v, 0, float(values.max()), None if frames is None else frames[n]) for n, v in enumerate(values)]
        _place_row(sheet, images, LABEL, top, width, height)
        name = f"saliency\nfor the\n{('gallery', 'query')[number]}\ntracklet"
        sheet.write(name, LABEL - 0.1, top + height / 2, va="center", ha="right", fontsize=7)
    return sheet.figure


def draw_responses(arrays: Arrays) -> Figure:
    """What each layer returns for the first clip: the norm over the channels, in colours scaled layer by layer."""
    pixels = arrays.get("pixels")
    layers = {
        name.removeprefix("response."): array[0] for name, array in arrays.items() if name.startswith("response.")
    }
    frames = arrays["frames"].shape[1]
    shown = spread(frames, COLUMNS)
    beside = 2 if len(layers) > 6 and len(shown) <= 8 else 1
    room = (WIDTH - 0.1) / beside - LABEL
    first = next(iter(layers.values()))
    ratio = ratio_of(pixels) if pixels is not None else first.shape[-1] / first.shape[-2]
    width = min(0.5, room / len(shown) - GAP)
    height = width / ratio
    names = [*([] if pixels is None else ["frame"]), *layers]
    rows = -(-len(names) // beside)
    sheet = Sheet(0.3 + rows * (height + GAP))
    sheet.write(f"{next(list_tracklets(arrays)).name}, first clip", LABEL, 0.05)
    for number, name in enumerate(names):
        left, top = LABEL + (number // rows) * (WIDTH / beside), 0.28 + (number % rows) * (height + GAP)
        label = "frame" if pixels is not None and number == 0 else clean(name)
        sheet.write(label, left - 0.1, top + height / 2, va="center", ha="right", fontsize=7.5)
        if pixels is not None and number == 0:
            _place_row(sheet, [*pixels[0, shown]], left, top, width, height)
            continue
        norms = np.sqrt((layers[name].astype(float) ** 2).sum(1))  # [t, h, w]
        low, high = float(norms.min()), float(norms.max())
        some = spread(len(norms), len(shown))
        step = (width + GAP) * len(shown) / len(some)  # a map stands in the middle of the frames that it covers
        for place, at in enumerate(some):
            begin = left + (place + 0.5) * step - (width + GAP) / 2
            sheet.place(heat(norms[at], low, high), begin, top, width, height)
    return sheet.figure


def draw_pixels(arrays: Arrays) -> Figure:
    """The frames of clips, and below them as the protocol spoils them (Matiyali and Sharma 2020, Fig. 5)."""
    pixels, spoiled = arrays["pixels"], arrays.get("spoiled")
    tracklets = [*list_tracklets(arrays)][:4]
    frames = spread(pixels.shape[1], 8)
    most = max(1, 16 // len(frames))
    chosen = [
        [shown.clips.start + c for c in spread(shown.clips.stop - shown.clips.start, most)] for shown in tracklets
    ]
    across = max(map(len, chosen))
    height = min(1.0, ((WIDTH - LABEL - 0.1) / across - 0.1) / len(frames) / ratio_of(pixels))
    rows = [("clip", pixels), *([] if spoiled is None else [("spoiled", spoiled)])]
    step = 0.36 + len(rows) * (height + GAP)
    sheet = Sheet(step * len(tracklets))
    for number, (shown, clips) in enumerate(zip(tracklets, chosen, strict=True)):
        sheet.write(shown.name, LABEL, number * step + 0.05)
        for row, (name, source) in enumerate(rows):
            top, left = number * step + 0.24 + row * (height + GAP), LABEL
            sheet.write(name, LABEL - 0.1, top + height / 2, va="center", ha="right", color=MUTED)
            for clip in clips:
                left += place_clip(sheet, source[clip, frames], left, top, height) + 0.1
    return sheet.figure


def _choose_maps(clips: slice, t: int) -> list[tuple[int, int]]:
    """Which maps are shown: (clip, map of the clip), whole clips if they fit."""
    most = max(1, COLUMNS // t)
    chosen = [clips.start + clip for clip in spread(clips.stop - clips.start, most)]
    return [(clip, at) for clip in chosen for at in spread(t, COLUMNS)]


def _choose_frames(pixels: NDArray[Any] | None, maps: list[tuple[int, int]], t: int) -> NDArray[Any] | None:
    """The frame that stands for each map: [X, H, W, 3]."""
    if pixels is None:
        return None
    frames = match_frames(t, pixels.shape[1])
    return np.stack([pixels[clip, frames[at]] for clip, at in maps])


def _size_frame(columns: int, maps: NDArray[Any], pixels: NDArray[Any] | None) -> tuple[float, float]:
    """Width and height of a frame in inches, so that a row of them fits."""
    ratio = ratio_of(pixels) if pixels is not None else maps.shape[-1] / maps.shape[-2]
    width = min(0.5, (WIDTH - LABEL - 0.1) / columns - GAP)
    return width, width / ratio


def _measure(columns: list[list[tuple[int, int]]], width: float) -> float:
    """The width of a sheet on which the longest of these rows of frames fits."""
    return max(3.5, LABEL + max(map(len, columns)) * (width + GAP) + 0.1)


def _place_row(sheet: Sheet, images: list[Any], left: float, top: float, width: float, height: float) -> None:
    for number, image in enumerate(images):
        sheet.place(image, left + number * (width + GAP), top, width, height)
