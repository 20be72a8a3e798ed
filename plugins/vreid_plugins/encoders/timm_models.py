"""Any network of timm (Wightman, "PyTorch Image Models") by its name in timm, frame by frame: `timm:resnet50`."""

from __future__ import annotations

import difflib
import math
from collections.abc import Callable, Mapping, Sequence
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
        self.published = (Published("timm", tuple(f"{head}." for head in heads), self._own),)
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
