"""Checkpoints of CAL (Gu et al., CVPR 2022, Simple-CCReID) trained on video: its ResNet-50 that sees each frame alone.

It is AP3D's network without AP3D's convolutions, and saved apart from its class heads.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from vreid_bench import Checkpoint, CheckpointFamily, Clipping, InputError, Method, Renaming, Shapes, hookimpl, part

# Its test cuts each 32 frames into 4 clips of 8 by every fourth frame. Frames do not see each other, so the mean over
# these clips is that of 4 clips one after another; the last clip repeats its frames, in both.
TEST = Clipping("dense", T=8)


def read(shapes: Shapes) -> Checkpoint:
    """The blocks that the names tell. Raises InputError for a network in which frames see each other."""
    if len(shapes["conv1.weight"]) != 5:
        raise InputError(
            f"conv1.weight is {list(shapes['conv1.weight'])}, expected convolutions over clips [64, 3, 1, 7, 7]"
        )
    between = next((name for name in shapes if re.search(r"\.(theta|APM|temporal_conv3d)\.", name)), None)
    if between is not None:
        raise InputError(f"{between}: frames see each other in this network, expected c2dres50, in which they do not")
    blocks = [
        {m[1] for name in shapes if (m := re.match(rf"layer{n}\.(\d+)\.conv1\.weight$", name))} for n in range(1, 5)
    ]
    method = Method(
        encoder=part("ap3d-resnet", layers=tuple("c" * len(numbers) for numbers in blocks)),
        aggregator=part("peak-embedding"),
        matcher=part("mean", metric="cosine"),
        test=TEST,
        size=(256, 128),
        paper="CAL's ResNet-50",
    )
    return Checkpoint(method, (Renaming("bn.", "aggregator.bn."), Renaming("", "encoder.")), left=("classifier.",))


FAMILY = CheckpointFamily(
    "CAL, Simple-CCReID (best_model.pth.tar, trained on video): ResNet-50, frame by frame.",
    signs=(("conv1.weight", "layer1.0.conv2.weight", "layer2.0.conv2.weight", "layer4.2.conv3.weight", "bn.weight"),),
    read=read,
)


@hookimpl
def vreid_checkpoints() -> Mapping[str, Any]:
    """`cal`."""
    return {"cal": FAMILY}
