"""Where the steps of a walk lie: the energy of flow, its extrema, and the phase of each frame."""

import math

import pytest
import torch

from vreid_plugins.encoders.walk_cycle import find_extrema, find_phases, flow_energy


def test_the_energy_is_that_of_the_lower_half():
    flow = torch.zeros(5, 2, 4, 3)
    flow[:, :, :2] = 9
    assert flow_energy(flow).tolist() == [0] * 5
    flow[:, 0, 2:], flow[:, 1, 2:] = 3, -4
    torch.testing.assert_close(flow_energy(flow), torch.full((5,), 5.0))


def test_the_energy_is_smoothed_by_a_gaussian_of_two_frames():
    flow = torch.zeros(31, 2, 2, 1)
    flow[15, 0, 1] = 1
    energy = flow_energy(flow)
    weights = [math.exp(-((t - 15) ** 2) / 8) if abs(t - 15) <= 6 else 0 for t in range(31)]
    torch.testing.assert_close(energy, torch.tensor(weights) / sum(weights))


def test_extrema_are_the_turns_of_the_energy():
    assert find_extrema(torch.tensor([0.0, 1, 3, 2, 1, 2, 5, 4])) == [2, 4, 6]
    assert find_extrema(torch.tensor([0.0, 1, 2, 3])) == [2]
    assert find_extrema(torch.zeros(1)) == [0]


@pytest.mark.parametrize(("period", "shift"), [(8, 0), (12, 5), (25, 11)])
def test_phases_of_a_sinusoid_start_at_its_maxima(period, shift):
    frames = torch.arange(3 * period)
    phases = find_phases(3 + torch.cos(2 * math.pi * (frames - shift) / period))
    expected = (frames - shift) % period / period
    apart = (phases - expected).abs()
    assert torch.minimum(apart, 1 - apart).max() < 1e-6
    assert phases.min() >= 0
    assert phases.max() < 1


def test_the_strongest_sinusoid_decides():
    frames = torch.arange(60)
    both = torch.cos(2 * math.pi * frames / 20) + 0.3 * torch.cos(2 * math.pi * frames / 7)
    assert find_phases(both)[[0, 5, 10, 15, 20]].tolist() == pytest.approx([0, 0.25, 0.5, 0.75, 0], abs=0.02)


def test_a_tracklet_shorter_than_a_step_is_one_step():
    assert find_phases(torch.tensor([1.0, 5, 2, 0])).tolist() == [0, 0.25, 0.5, 0.75]
    assert find_phases(torch.zeros(1)).tolist() == [0]
