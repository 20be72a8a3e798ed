"""Checkpoints of VSLA-CLIP (Zhang et al. 2024): CLIP's image encoder with adapters within and between frames."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from vreid_bench import Checkpoint, CheckpointFamily, Clipping, Shapes, hookimpl, part
from vreid_plugins.checkpoints.clip_vit import FOUND, build_checkpoint, describe_vit

ADAPTER = "image_encoder.transformer.resblocks.0.dat.down.weight"
BETWEEN = "image_encoder.transformer.resblocks.0.dat_cross.temporal_block.temporal_attn.in_proj_weight"
TEST = Clipping("restricted-random", T=8)


def read(shapes: Shapes) -> Checkpoint:
    """The transformer and adapters that the shapes tell. Raises InputError, as `describe_vit` does."""
    encoder = describe_vit(shapes, narrow=shapes[ADAPTER][0], scale="imagenet")
    aggregator = part("clip-embedding", width=shapes["image_encoder.proj"][1])
    return build_checkpoint(shapes, "VSLA-CLIP's ViT", encoder, aggregator, TEST)


FAMILY = CheckpointFamily(
    "VSLA-CLIP (.pth, a bare state dict): CLIP's ViT-B/16 with adapters within and between frames.",
    signs=((*FOUND, ADAPTER, BETWEEN),),
    read=read,
)


@hookimpl
def vreid_checkpoints() -> Mapping[str, Any]:
    """`vsla-clip`."""
    return {"vsla-clip": FAMILY}
