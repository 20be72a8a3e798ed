"""Walk cycles of a tracklet from its optical flow (Wang, Gong, Zhu and Wang, "Person Re-Identification by Video
Ranking", ECCV 2014, and Liu, Ma, Zhang and Huang, "A Spatio-Temporal Appearance Representation for Video-Based
Pedestrian Re-Identification", ICCV 2015, as Wu et al. 2019, section IV-B c, describe them)."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional as F

SMOOTHING = 2.0  # frames: the deviation of the Gaussian that smooths the energy; the papers do not print theirs
PERIODS = (6, 31)  # frames of the shortest step of a walk, and one more than those of the longest


def flow_energy(flow: Tensor) -> Tensor:
    """The flow energy profile: flow [T, 2, H, W] -> [T], its mean length in the lower half, smoothed over time."""
    lower = flow[:, :, flow.shape[2] // 2 :]
    energy = lower.square().sum(1).sqrt().mean((1, 2))  # [T]
    reach = math.ceil(3 * SMOOTHING)
    offsets = torch.arange(-reach, reach + 1, dtype=energy.dtype, device=energy.device)
    weights = (-offsets.square() / (2 * SMOOTHING**2)).exp()
    padded = F.pad(energy[None, None], (reach, reach), mode="replicate")
    return F.conv1d(padded, (weights / weights.sum())[None, None])[0, 0]


def find_extrema(energy: Tensor) -> list[int]:
    """The frames of the local maxima and minima of an energy [T]: the middle frame if there are none."""
    rising = (energy.diff() > 0).tolist()
    turns = [at for at in range(1, len(rising)) if rising[at] != rising[at - 1]]
    return turns or [len(energy) // 2]


def find_phases(energy: Tensor) -> Tensor:
    """Where in a step of the walk each frame lies: energy [T] -> [T] in [0, 1); the energy is highest at 0.

    The step's period is the one, in whole frames, whose sinusoid explains most of the energy: the "regulated" profile.
    A tracklet shorter than the shortest step counts as one step.
    """
    frames = torch.arange(len(energy), dtype=torch.float64, device=energy.device)
    shortest, end = PERIODS
    if len(energy) < shortest:
        return frames / len(energy)
    periods = torch.arange(shortest, min(end, len(energy) + 1), dtype=torch.float64, device=energy.device)
    turns = frames[:, None] / periods  # [T, periods]
    centred = energy.double() - energy.double().mean()
    even, odd = ((centred @ wave(2 * math.pi * turns)) for wave in (torch.cos, torch.sin))  # [periods]
    best = int((even.square() + odd.square()).argmax())
    phases: Tensor = (turns[:, best] - torch.atan2(odd, even)[best] / (2 * math.pi)) % 1
    return phases % 1  # a remainder that rounds up to 1 is 0
