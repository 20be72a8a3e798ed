"""Random erasing (Zhong et al. 2017)."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from vreid_bench import InputError, hookimpl

FILL = (0.4914, 0.4822, 0.4465)  # the mean colour that their published code fills a rectangle with
ATTEMPTS = 100


class Erasing:
    """With probability p, covers a random rectangle of a clip with one colour, the same rectangle in all its frames.

    least, most: bounds of the area of the rectangle, as a share of the frame.
    aspect: height divided by width is drawn from aspect to 1 / aspect.
    The defaults are those of Zhong et al.'s section 5 and code. As in their code, a rectangle that does not fit is
    drawn again.
    """

    def __init__(self, p: float = 0.5, least: float = 0.02, most: float = 0.4, aspect: float = 0.3) -> None:
        if not (0 <= p <= 1 and 0 < least <= most < 1 and 0 < aspect <= 1):
            raise InputError(
                "augmentation erasing: expected 0 <= p <= 1, 0 < least <= most < 1 and 0 < aspect <= 1, "
                f"got {p!r}, {least!r}, {most!r} and {aspect!r}"
            )
        self.p, self.least, self.most, self.aspect = p, least, most, aspect

    def __call__(self, clips: Tensor, generator: torch.Generator, planes: Sequence[str]) -> Tensor:
        """clips [B, T, 3, H, W] in [0, 1] -> the same shape; the argument is left as it is."""
        if tuple(planes) != ("rgb",):
            raise InputError(f"augmentation erasing: takes colour frames, but the clips have {planes}")
        colour = clips.new_tensor(FILL)[:, None, None]
        result = clips.clone()
        for row in range(len(clips)):
            if float(torch.rand((), generator=generator, dtype=torch.float64)) < self.p:
                top, left, height, width = self._rectangle(clips.shape[3], clips.shape[4], generator)
                result[row, :, :, top : top + height, left : left + width] = colour
        return result

    def _rectangle(self, height: int, width: int, generator: torch.Generator) -> tuple[int, int, int, int]:
        """Top, left, height and width in pixels; all 0 if none of `ATTEMPTS` rectangles fits."""
        for _ in range(ATTEMPTS):
            area, ratio, down, right = torch.rand(4, generator=generator, dtype=torch.float64).tolist()
            area = (self.least + area * (self.most - self.least)) * height * width
            ratio = self.aspect + ratio * (1 / self.aspect - self.aspect)
            tall, broad = round(math.sqrt(area * ratio)), round(math.sqrt(area / ratio))
            if tall < height and broad < width:
                return int(down * (height - tall + 1)), int(right * (width - broad + 1)), tall, broad
        return 0, 0, 0, 0


@hookimpl
def vreid_augmentations() -> Mapping[str, Callable[..., Any]]:
    """`erasing`."""
    return {"erasing": Erasing}
