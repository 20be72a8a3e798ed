"""Features that are not finite: the message names the tracklet and the part that made them."""

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from vreid_bench import ClipFeatures, Clipping, Clips, InputError, Tracklet
from vreid_bench.modeling.embed import FrameReader, embed
from vreid_bench.system.errors import RunError

CLIPPING = Clipping("dense", 2)


class Network(nn.Module):
    """An encoder, an aggregator and a matcher, one of which divides by the brightness of the clip."""

    def __init__(self, broken):
        super().__init__()
        self.broken = broken
        self.titles = {kind: f"{kind} 'mine' of vreid-mine" for kind in ("encoder", "aggregator", "matcher")}
        self.matcher = SimpleNamespace(represent=self.represent)

    def invert(self, part, value):
        return 1 / value if part == self.broken else value

    def encoder(self, clips):  # [S, T, 3, H, W] -> [S, 3]
        return self.invert("encoder", clips.mean((1, 3, 4)))

    def aggregate(self, maps):
        return ClipFeatures(self.invert("aggregator", maps))

    def features(self, clips):
        return self.aggregate(self.encoder(clips))

    def represent(self, clips):
        return Clips(self.invert("matcher", clips.embedding), clips.importance, clips.valid)


@pytest.fixture
def tracklets(tmp_path):
    """A grey one, and one that is black from its third frame on."""
    for name, brightness in (("grey", 128), ("black", 0)):
        Image.fromarray(np.full((8, 4, 3), brightness, np.uint8)).save(tmp_path / f"{name}.png")
    return [Tracklet(("grey.png",) * 4, 1, 1), Tracklet(("grey.png", "grey.png", "black.png", "black.png"), 2, 1)]


@pytest.mark.parametrize("part", ["encoder", "aggregator", "matcher"])
def test_the_part_whose_output_is_not_finite_is_named(tmp_path, tracklets, part):
    reader = FrameReader(Path(tmp_path), (8, 4), torch.device("cpu"), 1, quiet=True)
    with pytest.raises(RunError, match=f"grey.png: the output of {part} 'mine' of vreid-mine is not finite"):
        embed(Network(part), tracklets, CLIPPING, reader)
    assert len(embed(Network(""), tracklets, CLIPPING, reader)) == 2


def test_a_matcher_whose_code_fails_is_named(tmp_path, tracklets):
    def fail(clips):
        raise ValueError("not today")

    network = Network("")
    network.matcher = SimpleNamespace(represent=fail)
    reader = FrameReader(Path(tmp_path), (8, 4), torch.device("cpu"), 1, quiet=True)
    with pytest.raises(InputError, match=r"^matcher 'mine' of vreid-mine failed \(ValueError: not today\)"):
        embed(network, tracklets, CLIPPING, reader)
