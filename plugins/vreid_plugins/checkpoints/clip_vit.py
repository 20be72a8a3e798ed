"""Shared by the families of CLIP's image encoder (Radford et al. 2021): the transformer, its head, what shapes tell."""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor, nn

from vreid_bench import Checkpoint, Clipping, InputError, Method, Part, Renaming, Shapes, hookimpl, part
from vreid_plugins.encoders.colours import find_scale

PATCH = 16  # side of a patch, in pixels
HEAD = 64  # channels of an attention head
SIZES = ((256, 128), (384, 128), (224, 224))  # height and width of the published inputs
STRIDES = (16, 12)  # of the patches, by default and with overlap
CAMERAS = "cv_embed"  # the embedding of the camera
# beginnings of names that no test needs: classifiers, the necks before them, prompts, the text encoder, cameras
LEFT = ("classifier", "bottleneck", "prompt_learner.", "text_encoder.", CAMERAS, "SSP.")
FOUND = (
    "image_encoder.class_embedding",
    "image_encoder.proj",
    "bottleneck_proj.weight",
)  # in each file of the families


class QuickGELU(nn.Module):
    """CLIP's approximation of GELU."""

    def forward(self, x: Tensor) -> Tensor:
        """Any shape -> the same shape."""
        return x * torch.sigmoid(1.702 * x)


class Attention(nn.MultiheadAttention):
    """Self-attention of tokens [N, L, D], in heads of 64 channels."""

    def __init__(self, width: int) -> None:
        super().__init__(width, max(width // HEAD, 1), batch_first=True)

    def attend(self, x: Tensor) -> Tensor:
        """[N, L, D] -> [N, L, D]."""
        y: Tensor = self(x, x, x, need_weights=False)[0]
        return y


def build_mlp(width: int) -> nn.Sequential:
    """The two layers of a block, with CLIP's names."""
    layers = (("c_fc", nn.Linear(width, 4 * width)), ("gelu", QuickGELU()), ("c_proj", nn.Linear(4 * width, width)))
    return nn.Sequential(OrderedDict[str, nn.Module](layers))


class FrameAdapter(nn.Module):
    """A narrow layer beside the block's MLP (VSLA-CLIP, the adapter within a frame)."""

    def __init__(self, width: int, narrow: int) -> None:
        super().__init__()
        self.down, self.gelu, self.up = nn.Linear(width, narrow), QuickGELU(), nn.Linear(narrow, width)

    def forward(self, x: Tensor) -> Tensor:
        """[N, L, D] -> [N, L, D]."""
        y: Tensor = self.up(self.gelu(self.down(x)))
        return y


class SetAdapter(nn.Module):
    """Narrow attention over the frames of a clip, token by token (VSLA-CLIP, the adapter between frames)."""

    def __init__(self, width: int, narrow: int) -> None:
        super().__init__()
        self.down, self.up = nn.Linear(width, narrow), nn.Linear(narrow, width)
        self.temporal_block = nn.ModuleDict({"temporal_attn": Attention(narrow)})

    def forward(self, x: Tensor, T: int) -> Tensor:
        """[B T, L, D] -> [B T, L, D]."""
        y = torch.unflatten(self.down(x), 0, (-1, T)).transpose(1, 2)  # [B, L, T, narrow]
        attention: Any = self.temporal_block["temporal_attn"]
        y = attention.attend(y.flatten(0, 1)).view(y.shape).transpose(1, 2).flatten(0, 1)
        more: Tensor = self.up(y)
        return more


class Block(nn.Module):
    """A block of the transformer, with adapters of width `narrow` unless it is 0."""

    def __init__(self, width: int, narrow: int) -> None:
        super().__init__()
        self.attn, self.ln_1 = Attention(width), nn.LayerNorm(width)
        self.mlp, self.ln_2 = build_mlp(width), nn.LayerNorm(width)
        self.dat = FrameAdapter(width, narrow) if narrow else None
        self.dat_cross = SetAdapter(width, narrow) if narrow else None

    def forward(self, x: Tensor, T: int) -> Tensor:
        """[B T, L, D] -> [B T, L, D]."""
        more = 0 if self.dat_cross is None else self.dat_cross(x, T)
        x = x + self.attn.attend(self.ln_1(x)) + more
        more = 0 if self.dat is None else self.dat(x)
        y: Tensor = x + self.mlp(self.ln_2(x)) + more
        return y


class ClipVit(nn.Module):
    """CLIP's vision transformer up to its last normalisation, for frames of one size; adapters see the whole clip.

    Its maps are one row of L tokens: the token of the class, then the patches, row by row.

    width, layers: of the transformer.
    stride: pixels from one patch of 16 x 16 to the next.
    size: height and width of the frames, in pixels.
    narrow: width of VSLA-CLIP's adapters in each block; 0: none.
    scale: `symmetric` scales colours to [-1, 1], `imagenet` normalises them by the mean and deviation of ImageNet.
    """

    mean: Tensor
    std: Tensor

    def __init__(
        self,
        width: int = 768,
        layers: int = 12,
        stride: int = 16,
        size: tuple[int, int] = (256, 128),
        narrow: int = 0,
        scale: str = "symmetric",
    ) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, width, PATCH, stride, bias=False)
        self.class_embedding = nn.Parameter(width**-0.5 * torch.randn(width))
        self.positional_embedding = nn.Parameter(width**-0.5 * torch.randn(_count_patches(size, stride) + 1, width))
        self.ln_pre, self.ln_post = nn.LayerNorm(width), nn.LayerNorm(width)
        self.transformer = nn.ModuleDict({"resblocks": nn.ModuleList(Block(width, narrow) for _ in range(layers))})
        mean, std = find_scale("clip-vit", scale)
        self.register_buffer("mean", mean, persistent=False)
        self.register_buffer("std", std, persistent=False)

    def forward(self, clips: Tensor) -> Tensor:
        """clips [B, T, 3, H, W] in [0, 1] -> tokens [B, T, D, 1, L]."""
        B, T = clips.shape[:2]
        patches = self.conv1(((clips - self.mean) / self.std).flatten(0, 1)).flatten(2).transpose(1, 2)
        if patches.shape[1] + 1 != len(self.positional_embedding):
            raise InputError(
                f"encoder clip-vit: found frames of {patches.shape[1]} patches, expected "
                f"{len(self.positional_embedding) - 1}; set the option size to that of the frames"
            )
        first = self.class_embedding.expand(B * T, 1, -1)
        x = self.ln_pre(torch.cat((first, patches), 1) + self.positional_embedding)  # [B T, L, D]
        for block in self.transformer["resblocks"].children():
            x = block(x, T)
        tokens = torch.unflatten(self.ln_post(x), 0, (B, T))
        return tokens.transpose(2, 3).unsqueeze(3)


class ClipEmbedding(nn.Module):
    """The class token's features and their projection, side by side; the mean over frames.

    width: of the projection.
    """

    def __init__(self, shape: tuple[int, ...], width: int = 512) -> None:
        super().__init__()
        self.proj = nn.Parameter(shape[0] ** -0.5 * torch.randn(shape[0], width))

    def forward(self, maps: Tensor) -> Tensor:
        """tokens [B, T, D, 1, L] -> [B, D + width]."""
        first = maps[..., 0, 0].mean(1)  # [B, D]; a projection is linear, so its mean is that of the mean
        return torch.cat((first, first @ self.proj), 1)


def describe_vit(shapes: Shapes, **options: Any) -> tuple[Part, tuple[int, int]]:
    """The encoder that the shapes tell, and its frames. Raises InputError for CLIP's ResNet and for unknown sizes."""
    if "image_encoder.conv1.weight" not in shapes or "image_encoder.positional_embedding" not in shapes:
        raise InputError("found CLIP's ResNet, expected its vision transformer, ViT-B/16")
    width = shapes["image_encoder.conv1.weight"][0]
    found = shapes["image_encoder.positional_embedding"][0] - 1
    grids = [(size, stride) for stride in STRIDES for size in SIZES if _count_patches(size, stride) == found]
    if not grids:
        raise InputError(
            f"found a position embedding of {found} patches, expected that of frames of "
            f"{', '.join(f'{height}x{width}' for height, width in SIZES)} at stride 16 or 12"
        )
    size, stride = grids[0]
    pattern = re.compile(r"image_encoder\.transformer\.resblocks\.(\d+)\.ln_1\.weight")
    layers = sum(bool(pattern.fullmatch(name)) for name in shapes)
    return part("clip-vit", width=width, layers=layers, stride=stride, size=size, **options), size


def _count_patches(size: tuple[int, int], stride: int) -> int:
    rows, columns = ((side - PATCH) // stride + 1 for side in size)
    return rows * columns


def build_checkpoint(
    shapes: Shapes, paper: str, encoder: tuple[Part, tuple[int, int]], aggregator: Part, test: Clipping, *notes: str
) -> Checkpoint:
    """A checkpoint of the families: the projection is the aggregator's, the rest of the image encoder the encoder's."""
    network, size = encoder
    cameras = "the embedding of the camera is left out; the authors' test adds it"
    told = (*notes, *([cameras] if CAMERAS in shapes else []))
    method = Method(network, aggregator, part("mean", metric="cosine"), test, size, paper=paper)
    renamings = (
        Renaming("image_encoder.proj", "aggregator.proj"),
        Renaming("image_encoder.", "encoder."),
        Renaming("TMD.", "aggregator.TMD."),
    )
    return Checkpoint(method, renamings, LEFT, told)


@hookimpl
def vreid_encoders() -> Mapping[str, Callable[..., Any]]:
    """`clip-vit`."""
    return {"clip-vit": ClipVit}


@hookimpl
def vreid_aggregators() -> Mapping[str, Callable[..., Any]]:
    """`clip-embedding`."""
    return {"clip-embedding": ClipEmbedding}
