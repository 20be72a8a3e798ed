"""Checkpoints of CLIP-ReID (Li et al., AAAI 2023): CLIP's image encoder, fine-tuned on images."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from vreid_bench import Checkpoint, CheckpointFamily, Clipping, Shapes, hookimpl, part
from vreid_plugins.checkpoints.clip_vit import FOUND, build_checkpoint, describe_vit

EACH_FRAME = Clipping("dense", T=1)  # every frame is a clip of its own, and the matcher averages clips


def read(shapes: Shapes) -> Checkpoint:
    """The transformer that the shapes tell. Raises InputError, as `describe_vit` does."""
    encoder = describe_vit(shapes, scale="symmetric")
    aggregator = part("clip-embedding", width=shapes["image_encoder.proj"][1])
    note = "CLIP-ReID publishes no test of tracklets: the features of all frames are averaged"
    return build_checkpoint(shapes, "CLIP-ReID's ViT", encoder, aggregator, EACH_FRAME, note)


FAMILY = CheckpointFamily(
    "CLIP-ReID (.pth, a bare state dict): CLIP's ViT-B/16, features of the class token and their projection.",
    signs=(FOUND,),
    read=read,
)


@hookimpl
def vreid_checkpoints() -> Mapping[str, Any]:
    """`clip-reid`."""
    return {"clip-reid": FAMILY}
