"""Checkpoints of TF-CLIP (Yu et al., AAAI 2024) and its children: CLIP's image encoder and a memory over frames."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor, nn

from vreid_bench import Checkpoint, CheckpointFamily, Clipping, Shapes, hookimpl, part
from vreid_plugins.checkpoints.clip_vit import FOUND, Attention, build_checkpoint, build_mlp, describe_vit

MEMORY = "TMD.resblocks.0.message_fc.weight"
TEST = Clipping("dense", T=8)


class MemoryBlock(nn.Module):
    """A message of each frame meets those of the others, and then the tokens of its frame (TMC and MD)."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.message_fc, self.message_attn = nn.Linear(width, width), Attention(width)
        self.message_ln = nn.LayerNorm(width)
        self.attn, self.ln_1 = Attention(width), nn.LayerNorm(width)
        self.mlp, self.ln_2 = build_mlp(width), nn.LayerNorm(width)

    def forward(self, x: Tensor) -> Tensor:
        """tokens [B, T, L, D] -> [B, T, L + 1, D]."""
        message = self.message_fc(x.mean(2))  # [B, T, D]
        message = message + self.message_attn.attend(self.message_ln(message))
        x = torch.cat((x, message[:, :, None]), 2)
        y = x.flatten(0, 1)  # [B T, L + 1, D]
        y = y + self.attn.attend(self.ln_1(y))
        y = y + self.mlp(self.ln_2(y))
        tokens: Tensor = y.view(x.shape)
        return tokens


class MemoryEmbedding(nn.Module):
    """The class token's features, their projection, and the mean over the tokens after a memory over frames.

    width: of the projection. layers: of the memory.
    """

    def __init__(self, shape: tuple[int, ...], width: int = 512, layers: int = 1) -> None:
        super().__init__()
        self.proj = nn.Parameter(shape[0] ** -0.5 * torch.randn(shape[0], width))
        self.TMD = nn.ModuleDict({"resblocks": nn.Sequential(*(MemoryBlock(shape[0]) for _ in range(layers)))})

    def forward(self, maps: Tensor) -> Tensor:
        """tokens [B, T, D, 1, L] -> [B, D + width + D]."""
        first = maps[..., 0, 0].mean(1)  # [B, D]
        memory = self.TMD["resblocks"](maps.squeeze(3).transpose(2, 3)).mean((1, 2))
        return torch.cat((first, first @ self.proj, memory), 1)


def read(shapes: Shapes) -> Checkpoint:
    """The transformer and memory that the shapes tell. Raises InputError, as `describe_vit` does."""
    encoder = describe_vit(shapes, scale="symmetric")
    layers = sum(bool(re.fullmatch(r"TMD\.resblocks\.\d+\.message_fc\.weight", name)) for name in shapes)
    aggregator = part("memory-embedding", width=shapes["image_encoder.proj"][1], layers=layers)
    return build_checkpoint(shapes, "TF-CLIP's ViT", encoder, aggregator, TEST)


FAMILY = CheckpointFamily(
    "TF-CLIP and its children (.pth.tar, a bare state dict): CLIP's ViT-B/16 and a memory over the frames of a clip.",
    signs=((*FOUND, MEMORY),),
    read=read,
)


@hookimpl
def vreid_aggregators() -> Mapping[str, Callable[..., Any]]:
    """`memory-embedding`."""
    return {"memory-embedding": MemoryEmbedding}


@hookimpl
def vreid_checkpoints() -> Mapping[str, Any]:
    """`tf-clip`."""
    return {"tf-clip": FAMILY}
