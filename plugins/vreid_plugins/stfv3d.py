"""STFV3D with KISSME, with which 3D PersonVLAD is compared (Wu et al., "3D PersonVLAD", IEEE TNNLS 2019, section
IV-B c, Tables V and IX): Liu, Ma, Zhang and Huang, "A Spatio-Temporal Appearance Representation for Video-Based
Pedestrian Re-Identification", ICCV 2015. Nothing is learned but the mixtures of Gaussians and the metric.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from vreid_bench import SMALL_SIZE, Clipping, Fit, InputError, Method, Preset, hookimpl, part, reported_row
from vreid_plugins.aggregators.vlad import kmeans
from vreid_plugins.encoders.walk_cycle import find_phases, flow_energy

ACTIONS = 4  # pieces of a step of the walk
DRAWN = 10  # descriptors of each unit that the mixtures take from a clip: 200 MB on MARS
ROUNDS = 20  # of expectation and maximisation
FLOOR = 1e-3  # the least variance, as a share of that of all descriptors of a unit

# The six parts of the body: top, bottom, left, right as shares of the frame. The rectangles are not printed.
PARTS = (
    (0.0, 0.2, 0.0, 1.0),  # head
    (0.2, 0.5, 0.0, 0.25),  # arm
    (0.2, 0.5, 0.25, 0.75),  # torso
    (0.2, 0.5, 0.75, 1.0),  # arm
    (0.5, 1.0, 0.0, 0.5),  # leg
    (0.5, 1.0, 0.5, 1.0),  # leg
)


class PixelDescriptors(nn.Module):
    """What STFV3D says of a pixel: where and when in a step of the walk it is, its colour and how that changes.

    stride: pixels from one descriptor to the next.

    Of each colour: its value, and the first and second derivatives in width, height and time. Time is the phase within
    a step, from the flow energy of the lower half, so that the steps of a tracklet lie on one another.
    """

    planes = ("rgb", "flow")

    def __init__(self, stride: int = 2) -> None:
        super().__init__()
        if stride < 1:
            raise InputError(f"encoder pixel-descriptors: stride must be 1 or more pixels, got {stride!r}")
        self.stride = stride

    def forward(self, clips: Tensor) -> Tensor:
        """clips [B, T, 5, H, W] -> maps [B, T, 24, h, w]: phase, x and y in [0, 1], 3 colours, 18 derivatives."""
        colours = clips[:, :, :3]
        first = [_derive(colours, axis) for axis in (4, 3, 1)]
        second = [_derive(each, axis) for each, axis in zip(first, (4, 3, 1), strict=True)]
        values = torch.cat([colours, *first, *second], 2)[..., :: self.stride, :: self.stride]
        h, w = values.shape[3:]
        down = torch.linspace(0, 1, h, dtype=clips.dtype, device=clips.device)[:, None].expand(h, w)
        across = torch.linspace(0, 1, w, dtype=clips.dtype, device=clips.device).expand(h, w)
        phases = torch.stack([find_phases(flow_energy(clip[:, 3:])) for clip in clips]).to(clips.dtype)  # [B, T]
        where = torch.stack([across, down]).expand(*clips.shape[:2], 2, h, w)
        return torch.cat([phases[:, :, None, None, None].expand(-1, -1, 1, h, w), where, values], 2)


def _derive(video: Tensor, axis: int) -> Tensor:
    """Central differences along an axis, where the values beyond an end are those at it."""
    ends = video.narrow(axis, 0, 1), video.narrow(axis, video.shape[axis] - 1, 1)
    padded = torch.cat([ends[0], video, ends[1]], axis)
    size = video.shape[axis]
    return (padded.narrow(axis, 2, size) - padded.narrow(axis, 0, size)) / 2


class Mixture(NamedTuple):
    """K Gaussians over descriptors of D numbers, each with a diagonal covariance."""

    weight: Tensor  # [K]
    mean: Tensor  # [K, D]
    variance: Tensor  # [K, D]

    def shares(self, x: Tensor) -> Tensor:
        """How likely each Gaussian is to have made each row of x [n, D]: [n, K], each row sums to 1."""
        precision = 1 / self.variance
        square = x.square() @ precision.T - 2 * x @ (self.mean * precision).T + (self.mean.square() * precision).sum(1)
        return (self.weight.log() - (square + self.variance.log().sum(1)) / 2).softmax(1)

    def fisher_vector(self, x: Tensor) -> Tensor:
        """The improved Fisher vector of rows x [n, D]: [2 K D] of unit length, or zeros if n = 0.

        The gradients by means and by deviations, signed roots of them, scaled to unit length (Perronnin, Sanchez and
        Mensink, "Improving the Fisher Kernel for Large-Scale Image Classification", ECCV 2010).
        """
        a = self.shares(x)  # [n, K]
        number, deviation = a.sum(0)[:, None], self.variance.sqrt()  # [K, 1], [K, D]
        first, second = a.T @ x, a.T @ x.square()  # [K, D]
        by_mean = (first - number * self.mean) / deviation
        squares = second - 2 * self.mean * first + number * self.mean.square()
        by_deviation = (squares / self.variance - number) / math.sqrt(2)
        root = self.weight.sqrt()[:, None] * max(len(x), 1)
        gradients = torch.cat([(by_mean / root).flatten(), (by_deviation / root).flatten()])
        return F.normalize(gradients.sign() * gradients.abs().sqrt(), dim=0)


def fit_mixture(x: Tensor, words: int) -> Mixture:
    """K = `words` Gaussians of rows x [n, D] by expectation and maximisation, from a k-means start."""
    centre, scale = x.mean(0), x.std(0, correction=0).clamp_min(1e-6)
    rows = (x - centre) / scale
    nearest = torch.cdist(rows, kmeans(rows, words)).argmin(1)
    a = F.one_hot(nearest, words).to(rows.dtype)  # [n, K]
    mixture = _maximise(rows, a)
    for _ in range(ROUNDS):
        mixture = _maximise(rows, mixture.shares(rows))
    return Mixture(mixture.weight, mixture.mean * scale + centre, mixture.variance * scale.square())


def _maximise(x: Tensor, a: Tensor) -> Mixture:
    """The mixture of rows x [n, D] that belong to the Gaussians by the shares a [n, K]."""
    number = a.sum(0).clamp_min(1e-6)[:, None]  # [K, 1]
    mean = a.T @ x / number
    variance = a.T @ x.square() / number - mean.square()
    return Mixture((number / number.sum())[:, 0], mean, variance.clamp_min(FLOOR))


class BodyActionFisher(nn.Module):
    """A Fisher vector for each body-action unit: one of six parts of the body in one of four pieces of a step.

    words: K, the number of Gaussians of each unit's mixture.

    The descriptors of all steps of a clip count together, where Liu et al. describe each walk cycle by itself. The
    vectors of the 24 units lie side by side.
    """

    weight: Tensor  # [24, K]
    mean: Tensor  # [24, K, D]
    variance: Tensor  # [24, K, D]

    def __init__(self, shape: Sequence[int], words: int = 32) -> None:
        super().__init__()
        if words < 1:
            raise InputError(f"aggregator body-action-fisher: words must be 1 or more, got {words!r}")
        units = len(PARTS) * ACTIONS
        self.register_buffer("weight", torch.full((units, words), 1 / words))  # until they are fitted
        self.register_buffer("mean", torch.rand(units, words, shape[0]))
        self.register_buffer("variance", torch.ones(units, words, shape[0]))

    def forward(self, maps: Tensor) -> Tensor:
        """maps [B, T, D, h, w], of which channel 0 is the phase -> [B, 48 K D] of unit length."""
        return torch.stack([self._encode(clip) for clip in maps])

    def fit(self, maps: Iterable[Tensor]) -> None:
        """Fit each unit's mixture to a few random descriptors of each clip of batches of maps [B, T, D, h, w]."""
        drawn: list[list[Tensor]] = [[] for _ in self.weight]
        for clip in (clip for batch in maps for clip in batch):
            for rows, unit in zip(drawn, split_units(clip), strict=True):
                rows.append(unit[torch.randperm(len(unit))[:DRAWN].to(unit.device)])
        for at, rows in enumerate(drawn):
            x = torch.cat(rows)
            if len(x) < len(self.weight[at]):
                raise InputError(
                    f"aggregator body-action-fisher: {len(x)} descriptors for {len(self.weight[at])} Gaussians of unit "
                    f"{at}; use fewer words or more training tracklets"
                )
            self.weight[at], self.mean[at], self.variance[at] = fit_mixture(x, len(self.weight[at]))

    def _encode(self, clip: Tensor) -> Tensor:
        units = zip(self.weight, self.mean, self.variance, split_units(clip), strict=True)
        vectors = [Mixture(weight, mean, variance).fisher_vector(x) for weight, mean, variance, x in units]
        return F.normalize(torch.cat(vectors), dim=0)


def split_units(clip: Tensor) -> list[Tensor]:
    """The descriptors of a clip [T, D, h, w] in each of the 24 units [n, D], part by part."""
    h, w = clip.shape[2:]
    action = (clip[:, 0, 0, 0] * ACTIONS).long().clamp(0, ACTIONS - 1)  # [T]
    units = []
    for top, bottom, left, right in PARTS:
        region = clip[:, :, round(top * h) : round(bottom * h), round(left * w) : round(right * w)]
        units += [region[action == each].movedim(1, -1).flatten(0, 2) for each in range(ACTIONS)]
    return units


UNLIKE = "whose protocol is not said: not comparable"
REPORTED = (
    *reported_row("Table V, STFV3D + KISSME (again in IX)", {"mars": "R1 R5 R20"}, "22.0 33.4 59.0", UNLIKE),
    *reported_row(
        "Table IX, STFV3D",
        {"ilids-vid": "R1 R5 R10 R20", "prid2011": "R1 R5 R10 R20", "mars": "mAP"},
        "44.3 71.7 83.7 91.7 64.1 87.3 89.9 92.0 12.3",
        UNLIKE,
    ),
)


def stfv3d_kissme(preset: Preset) -> Method:
    """Fisher vectors of the parts of the body in each piece of a step, compared by KISSME (Wu et al. 2019, Table V).

    A tracklet is one clip. The paper prints neither frame size nor Gaussians: 128 x 64 and 32 at `paper`.
    """
    whole = Clipping("all", 0)
    return Method(
        encoder=part("pixel-descriptors", stride=2),
        aggregator=part("body-action-fisher", words=32 if preset == "paper" else 4),
        matcher=part("kissme", pca=200 if preset == "paper" else 50),
        test=whole,
        size=(128, 64) if preset == "paper" else SMALL_SIZE,
        stages=(Fit("aggregator", whole), Fit("matcher", whole)),
        reported=REPORTED,
        paper="Wu, Wang, Shao, Wang: 3D PersonVLAD, IEEE TNNLS 2019",
    )


@hookimpl
def vreid_encoders() -> Mapping[str, Callable[..., Any]]:
    """`pixel-descriptors`."""
    return {"pixel-descriptors": PixelDescriptors}


@hookimpl
def vreid_aggregators() -> Mapping[str, Callable[..., Any]]:
    """`body-action-fisher`."""
    return {"body-action-fisher": BodyActionFisher}


@hookimpl
def vreid_methods() -> Mapping[str, Callable[[Preset], Any]]:
    """`stfv3d-kissme`."""
    return {"stfv3d-kissme": stfv3d_kissme}
