"""HOG3D with KISSME, with which 3D PersonVLAD is compared (Wu et al., "3D PersonVLAD", IEEE TNNLS 2019, section
IV-B c, Table V): Klaeser, Marszalek and Schmid, "A Spatio-Temporal Descriptor Based on 3D-Gradients", BMVC 2008,
on fragments of a walk (Wang et al., ECCV 2014). Nothing is learned but the metric.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from itertools import product
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from vreid_bench import SMALL_SIZE, Clipping, Fit, Method, Preset, hookimpl, part, reported_row
from vreid_plugins.encoders.walk_cycle import find_extrema, flow_energy

GREY = (0.299, 0.587, 0.114)  # of red, green and blue
CUT = 0.25  # no number of a descriptor of unit length is greater; then it is scaled again (Klaeser et al., section 3)
AT_ONCE = 64  # frames whose bins are in memory together
GOLDEN = (1 + math.sqrt(5)) / 2
NEIGHBOURS = math.sqrt(5) / 3  # the cosine between neighbouring faces of an icosahedron


def face_directions() -> Tensor:
    """The unit normals of the 20 faces of an icosahedron: [20, 3]."""
    corners = [list(corner) for corner in product((-1.0, 1.0), repeat=3)]
    for a, b in product((-1 / GOLDEN, 1 / GOLDEN), (-GOLDEN, GOLDEN)):
        corners += [[0, a, b], [a, b, 0], [b, 0, a]]
    return F.normalize(torch.tensor(corners), dim=1)


def cell_shares(cells: int, places: int) -> Tensor:
    """Which places along an axis each of `cells` cells sees, half of it overlapping the next: 0 or 1, [cells, places].

    All cells are equally long, 2 / (cells + 1) of the axis; on a short axis a cell sees one place at least.
    """
    half = places / (cells + 1)
    shares = torch.zeros(cells, places)
    for cell in range(cells):
        first = min(round(cell * half), places - 1)
        shares[cell, first : max(round((cell + 2) * half), first + 1)] = 1
    return shares


class Hog3d(nn.Module):
    """Histograms of the directions of gradients in space and time, in cells of fragments around steps of the walk.

    rows, columns, intervals: cells of a fragment in height, width and time, each half overlapping the next. Wu et al.
        print "2 x 5 (spatial) x 2 (temporal) cells with 50% overlap"; they are read as the cells that there are.
    reach: frames of a fragment before and after its middle; 10 in Wang et al. 2014.

    A fragment lies around each local maximum and minimum of the flow energy, as far as there are frames. A gradient is
    a central difference of grey values; its projections on the faces of an icosahedron count as far as they exceed that
    of a neighbouring face, and share its length (Klaeser et al., section 3.2). Every pixel of a cell counts, instead of
    means over its sub-blocks. The maps of a clip are the mean over its fragments; how to join them is not printed.
    """

    planes = ("rgb", "flow")
    grey: Tensor
    directions: Tensor

    def __init__(self, rows: int = 5, columns: int = 2, intervals: int = 2, reach: int = 10) -> None:
        super().__init__()
        self.rows, self.columns, self.intervals, self.reach = rows, columns, intervals, reach
        self.register_buffer("grey", torch.tensor(GREY).view(3, 1, 1), persistent=False)
        self.register_buffer("directions", face_directions(), persistent=False)

    def forward(self, clips: Tensor) -> Tensor:
        """clips [B, T, 5, H, W] -> maps [B, 1, 20 intervals, rows, columns]."""
        return torch.stack([self._describe(clip) for clip in clips])[:, None]

    def _describe(self, clip: Tensor) -> Tensor:
        """A clip [T, 5, H, W] -> [20 intervals, rows, columns]."""
        places = self.histograms((clip[:, :3] * self.grey).sum(1))  # [T, 20, rows, columns]
        middles = find_extrema(flow_energy(clip[:, 3:]))
        fragments = [places[max(at - self.reach, 0) : at + self.reach + 1] for at in middles]
        return torch.stack([self._join(fragment) for fragment in fragments]).mean(0)

    def histograms(self, video: Tensor) -> Tensor:
        """A grey video [T, H, W] -> the histogram of each frame's cells [T, 20, rows, columns]."""
        gradients = torch.stack([_difference(video, axis) for axis in (2, 1, 0)], dim=-1)  # [T, H, W, 3]
        down, across = cell_shares(self.rows, video.shape[1]), cell_shares(self.columns, video.shape[2])
        cells = [
            torch.einsum("thwb,rh,cw->tbrc", self.quantize(piece), down.to(piece), across.to(piece))
            for piece in torch.split(gradients, AT_ONCE)
        ]
        return torch.cat(cells)

    def quantize(self, gradients: Tensor) -> Tensor:
        """Gradients [..., 3] -> their lengths, shared among the directions that they point to [..., 20]."""
        length = gradients.norm(dim=-1, keepdim=True)
        projected = (gradients @ self.directions.T - NEIGHBOURS * length).clamp_min(0)
        shared: Tensor = F.normalize(projected, dim=-1) * length
        return shared

    def _join(self, fragment: Tensor) -> Tensor:
        """Histograms of a fragment's frames [t, 20, rows, columns] -> its descriptor [20 intervals, rows, columns]."""
        shares = cell_shares(self.intervals, len(fragment)).to(fragment)
        cells = torch.einsum("it,tbrc->ibrc", shares, fragment).flatten()
        cut = F.normalize(cells, dim=0).clamp_max(CUT)
        return F.normalize(cut, dim=0).view(-1, self.rows, self.columns)


def _difference(video: Tensor, axis: int) -> Tensor:
    """Central differences of a video [T, H, W] along an axis; at the ends, those to the only neighbour."""
    places = torch.arange(video.shape[axis], device=video.device)
    after, before = (places + 1).clamp_max(len(places) - 1), (places - 1).clamp_min(0)
    steps = (after - before).clamp_min(1).to(video).view([-1 if each == axis else 1 for each in range(3)])
    return (video.index_select(axis, after) - video.index_select(axis, before)) / steps


class Cells(nn.Module):
    """The maps of a clip as one vector: the cells side by side, mean over time."""

    def __init__(self, shape: Sequence[int]) -> None:
        super().__init__()

    def forward(self, maps: Tensor) -> Tensor:
        """maps [B, T', D, h, w] -> [B, D h w]."""
        return maps.mean(1).flatten(1)


TABLE_5 = reported_row(
    "Table V, HOG3D + KISSME",
    {"mars": "R1 R5 R20"},
    "2.6 6.4 12.4",
    "whose protocol is not said: not comparable",
)


def hog3d_kissme(preset: Preset) -> Method:
    """HOG3D of walk fragments, compared by KISSME; nothing else is learned (Wu et al. 2019, Table V).

    A tracklet is one clip. The frame size is not printed: at `paper` it is the 128 x 64 of Wang et al. 2014.
    """
    whole = Clipping("all", 0)
    return Method(
        encoder=part("hog3d"),
        aggregator=part("cells"),
        matcher=part("kissme", pca=200 if preset == "paper" else 50),
        test=whole,
        size=(128, 64) if preset == "paper" else SMALL_SIZE,
        stages=(Fit("matcher", whole),),
        reported=TABLE_5,
        paper="Wu, Wang, Shao, Wang: 3D PersonVLAD, IEEE TNNLS 2019",
    )


@hookimpl
def vreid_encoders() -> Mapping[str, Callable[..., Any]]:
    """`hog3d`."""
    return {"hog3d": Hog3d}


@hookimpl
def vreid_aggregators() -> Mapping[str, Callable[..., Any]]:
    """`cells`."""
    return {"cells": Cells}


@hookimpl
def vreid_methods() -> Mapping[str, Callable[[Preset], Any]]:
    """`hog3d-kissme`."""
    return {"hog3d-kissme": hog3d_kissme}
