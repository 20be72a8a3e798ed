"""Any network of timm (Wightman, "PyTorch Image Models") by its name in timm, frame by frame: `timm:resnet50`."""

from __future__ import annotations

import difflib
import math
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from functools import partial
from importlib.util import find_spec
from typing import Any

import torch
from torch import Tensor, nn

from vreid_bench import Family, InputError, Published, hookimpl


class TimmModel(nn.Module):
    """A network of timm without its classifier, applied to each frame separately; D is its `num_features`.

    It starts from random weights, because timm would download others; `--weights encoder=FILE` takes a file with
    timm's names. Colours are normalised by the mean and deviation that timm states for the weights of that name; a
    name with a tag (`vit_small_patch16_224.augreg_in21k`) says which weights.

    name: the model.
    size: height and width of the frames, for networks that are built for one size, such as transformers. Their
        position embedding then has another shape than in a file for 224 x 224, and is not loaded.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, name: str, size: Sequence[int] = ()) -> None:
        super().__init__()
        self.model = _create(name, {"img_size": tuple(size)} if size else {})
        stated = self.model.pretrained_cfg
        classifier = stated.get("classifier") or ()
        heads = (classifier,) if isinstance(classifier, str) else tuple(classifier)
        self.published = (
            Published("timm", tuple(f"{head}." for head in heads), self._own),
            Published("EfficientNet-PyTorch", ("_fc.",), self._own_of_efficientnet),
        )
        self.register_buffer("mean", torch.tensor(stated["mean"]).view(3, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(stated["std"]).view(3, 1, 1), persistent=False)

    def forward(self, clips: Tensor) -> Tensor:
        """clips [B, T, 3, H, W] in [0, 1] -> maps [B, T, D, h, w]."""
        B, T, _, H, W = clips.shape
        x: Tensor = ((clips - self.mean) / self.std).flatten(0, 1)  # [B T, 3, H, W]
        maps = self._maps(self.model.forward_features(x), H / W)
        return maps.reshape(B, T, *maps.shape[1:])  # [B, T, D, h, w]

    def _maps(self, features: Tensor, ratio: float) -> Tensor:
        """timm's [N, D, h, w], [N, h, w, D] or tokens [N, L, D] of frames with H / W = ratio -> [N, D, h, w]."""
        D = self.model.num_features
        if features.ndim == 4:
            return features if features.shape[1] == D else features.permute(0, 3, 1, 2)
        tokens = features[
            :, getattr(self.model, "num_prefix_tokens", 0) :
        ]  # without those that stand for the whole frame
        h = round(math.sqrt(tokens.shape[1] * ratio))
        return torch.unflatten(tokens.transpose(1, 2), 2, (h, -1))

    def _own(self, tensors: Mapping[str, Tensor]) -> Mapping[str, Tensor]:
        """Tensors with timm's names -> the same with the prefix `model.`, where the network has the name."""
        known = self.model.state_dict().keys()
        return {f"model.{name}" if name in known else name: value for name, value in tensors.items()}

    def _own_of_efficientnet(self, tensors: Mapping[str, Tensor]) -> Mapping[str, Tensor]:
        """Tensors with the names of EfficientNet-PyTorch, which numbers blocks through all stages -> our own."""
        known = self.model.state_dict().keys()
        places = {(int(m[1]), int(m[2])) for name in known if (m := re.match(r"blocks\.(\d+)\.(\d+)\.", name))}
        blocks = [f"blocks.{stage}.{at}" for stage, at in sorted(places)]
        return {rename_efficientnet(name, blocks, known): value for name, value in tensors.items()}


# Names of EfficientNet-PyTorch -> those of timm: outside of blocks, in those without, and in those with expansion.
OUTSIDE = {"_conv_stem": "conv_stem", "_bn0": "bn1", "_conv_head": "conv_head", "_bn1": "bn2"}
NARROW = {"_depthwise_conv": "conv_dw", "_bn1": "bn1", "_project_conv": "conv_pw", "_bn2": "bn2"}
WIDE = {"_expand_conv": "conv_pw", "_bn0": "bn1", "_depthwise_conv": "conv_dw", "_bn1": "bn2"}
WIDE |= {"_project_conv": "conv_pwl", "_bn2": "bn3"}
WEIGHING = {"_se_reduce": "se.conv_reduce", "_se_expand": "se.conv_expand"}


def rename_efficientnet(name: str, blocks: Sequence[str], known: Collection[str]) -> str:
    """`_blocks.3._bn0.weight` -> `model.blocks.2.0.bn1.weight`; a name that has no place stays as it is.

    blocks: timm's names of all blocks, in order. known: timm's names of all tensors.
    """
    if match := re.fullmatch(r"_blocks\.(\d+)\.(\w+)\.(\w+)", name):
        if int(match[1]) >= len(blocks):
            return name
        block = blocks[int(match[1])]
        table = WEIGHING | (WIDE if f"{block}.bn3.weight" in known else NARROW)
        return f"model.{block}.{table[match[2]]}.{match[3]}" if match[2] in table else name
    layer, _, tensor = name.partition(".")
    return f"model.{OUTSIDE[layer]}.{tensor}" if layer in OUTSIDE else name


def _create(name: str, options: Mapping[str, Any]) -> Any:
    try:
        import timm
    except (ImportError, RuntimeError) as fault:  # a torchvision for another torch cannot register its operators
        raise InputError(
            f"encoder timm:{name}: timm cannot be imported ({type(fault).__name__}: {fault}); install the torchvision "
            f"that belongs to torch {torch.__version__}"
        ) from fault
    if not timm.is_model(name):
        near = ", ".join(difflib.get_close_matches(name, timm.list_models()))
        raise InputError(f"encoder timm:{name}: timm {timm.__version__} has no such model; near: {near or 'none'}")
    return timm.create_model(name, pretrained=False, num_classes=0, **options)


def member(name: str) -> Callable[..., TimmModel]:
    """The factory of the encoder `timm:name`; timm is imported when it is called."""
    if find_spec("timm") is None:
        raise InputError(f"encoder timm:{name}: timm is not installed; `pip install vreid-bench[timm]` installs it")
    return partial(TimmModel, name)


@hookimpl
def vreid_encoders() -> Mapping[str, Any]:
    """`timm:`."""
    return {"timm:": Family(member, "timm:NAME is the network of that name in timm, an optional extra.", "timm")}
