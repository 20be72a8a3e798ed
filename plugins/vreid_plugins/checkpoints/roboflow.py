"""Models that Roboflow's `reid` saves: a folder of `reid_config.json` and `weights.safetensors`.

The description names the network, the size of the frames and how colours are normalised. `reid` embeds images; here the
features of all frames of a tracklet are averaged.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from vreid_bench import (
    Checkpoint,
    CheckpointFamily,
    Clipping,
    Container,
    InputError,
    Method,
    Opened,
    Part,
    Renaming,
    Shapes,
    hookimpl,
    part,
)
from vreid_plugins.encoders.colours import SCALES

CONFIG, WEIGHTS = "reid_config.json", "weights.safetensors"
EACH_FRAME = Clipping("dense", T=1)  # every frame is a clip of its own, and the matcher averages clips
OSNETS = {"osnet_x0_25": 0.25, "osnet_x0_5": 0.5, "osnet_x0_75": 0.75, "osnet_x1_0": 1.0}
TIMM = "timm:"
LARGEST = 1 << 20  # of a number in a description
SHOWN = 200  # characters of what is in its place
RESAVE = f"save the model again with save_pretrained of reid, or write a {CONFIG} by hand"
DEFAULT = {"input_size": (256, 128), "mean": SCALES["imagenet"][0], "std": SCALES["imagenet"][1]}  # as of reid


class Rescaled(nn.Module):
    """An encoder of frames that normalises colours by ImageNet's numbers, given frames for other numbers.

    network: the encoder. mean, std: a colour c in [0, 1] reaches its first layer as (c - mean) / std.
    """

    def __init__(self, network: Callable[[], nn.Module], mean: Sequence[float], std: Sequence[float]) -> None:
        super().__init__()
        self.network = network()
        ours, theirs = [
            [torch.tensor(each).view(3, 1, 1) for each in pair] for pair in ((mean, std), SCALES["imagenet"])
        ]
        self.register_buffer("scale", theirs[1] / ours[1], persistent=False)
        self.register_buffer("shift", theirs[0] - ours[0] * theirs[1] / ours[1], persistent=False)

    scale: Tensor
    shift: Tensor

    def forward(self, clips: Tensor) -> Tensor:
        """clips [B, T, 3, H, W] in [0, 1] -> maps [B, T, D, h, w]."""
        maps: Tensor = self.network(clips * self.scale + self.shift)
        return maps


class TimmVector(nn.Module):
    """A network of timm with its own pooling, frame by frame: one place for each frame.

    network: the encoder `timm:NAME`. mean, std: of the colours.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, network: Callable[[], Any], mean: Sequence[float], std: Sequence[float]) -> None:
        super().__init__()
        self.network = network()
        self.register_buffer("mean", torch.tensor(mean).view(3, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(std).view(3, 1, 1), persistent=False)

    def forward(self, clips: Tensor) -> Tensor:
        """clips [B, T, 3, H, W] in [0, 1] -> vectors [B, T, D, 1, 1]."""
        vectors: Tensor = self.network.model(((clips - self.mean) / self.std).flatten(0, 1))  # [B T, D]
        return torch.unflatten(vectors, 0, clips.shape[:2])[..., None, None]


def is_folder(path: Path) -> bool:
    """Is it a folder with a description?"""
    return (path / CONFIG).is_file()


def open_folder(path: Path) -> Opened:
    """The weights of a folder, to be read by its description. Raises InputError if it lacks one, or it is damaged."""
    if not (path / WEIGHTS).is_file():
        raise InputError(f"found {CONFIG} without {WEIGHTS} beside it; {RESAVE}")
    try:
        description = json.loads((path / CONFIG).read_text())
    except (OSError, ValueError, RecursionError) as fault:
        raise InputError(f"{CONFIG} cannot be read as JSON ({fault}); {RESAVE}") from fault
    named = description.get("architecture") if isinstance(description, dict) else None
    if not isinstance(named, str):
        raise InputError(f"{CONFIG} has no text `architecture`, such as osnet_x1_0; {RESAVE}")
    given = description.get("preprocessing", {})
    if not isinstance(given, dict):
        raise InputError(f"{CONFIG}: preprocessing is {given!r}, expected an object; {RESAVE}")
    return Opened(path / WEIGHTS, partial(read, named, {**DEFAULT, **given}))


def read(architecture: str, given: Mapping[str, Any], shapes: Shapes) -> Checkpoint:
    """The network of that name. Raises InputError for another one, and for a size or colours that are none."""
    size = tuple(_numbers(given, "input_size", 2, int))
    mean, std = (tuple(map(float, _numbers(given, name, 3))) for name in ("mean", "std"))
    if min(std) <= 0 or min(size) < 1:
        raise InputError(f"{CONFIG}: input_size and std must be above 0, got {list(size)} and {list(std)}; {RESAVE}")
    notes = ["reid publishes no test of tracklets: the features of all frames are averaged"]
    if given.get("resize_mode", "stretch") != "stretch":
        notes.append(
            f"frames are stretched to {size[0]} x {size[1]}, where its description says {given['resize_mode']}"
        )
    encoder, aggregator, inside = _choose(architecture, mean, std)
    method = Method(
        encoder=encoder,
        aggregator=aggregator,
        matcher=part("mean", metric="cosine"),
        test=EACH_FRAME,
        size=(size[0], size[1]),
        paper=f"reid's {architecture}",
    )
    neck = (Renaming("fc.", "aggregator.fc."),) if architecture in OSNETS else ()
    return Checkpoint(method, (*neck, Renaming("", f"encoder.{inside}")), left=("classifier.",), notes=tuple(notes))


def _choose(architecture: str, mean: Sequence[float], std: Sequence[float]) -> tuple[Part, Part, str]:
    """Encoder and aggregator, and where in the encoder the network lies that the file's names belong to."""
    if architecture in OSNETS:
        osnet, aggregator = part("osnet", width=OSNETS[architecture]), part("linear-embedding")
        if (tuple(mean), tuple(std)) == SCALES["imagenet"]:
            return osnet, aggregator, ""
        return part("rescaled", network=osnet, mean=tuple(mean), std=tuple(std)), aggregator, "network."
    if architecture.startswith(TIMM) and architecture != TIMM:
        options = {"network": part(architecture), "mean": tuple(mean), "std": tuple(std)}
        return part("timm-vector", **options), part("average"), "network.model."
    raise InputError(
        f"{CONFIG} names the architecture {architecture!r}, expected one of {', '.join(OSNETS)} or timm:NAME, which "
        "can be built here; export its embeddings and score them with `vreid-bench score`, or write a family for it "
        "(docs/checkpoints.md)"
    )


def _numbers(given: Mapping[str, Any], name: str, count: int, kind: type = float) -> Sequence[Any]:
    """So many numbers of the description."""
    values = given[name]
    whole = isinstance(values, list | tuple) and len(values) == count
    kinds = (int,) if kind is int else (int, float)
    if whole and all(
        isinstance(each, kinds) and not isinstance(each, bool) and abs(each) <= LARGEST for each in values
    ):
        return list(values)
    found = repr(values)[:SHOWN]
    raise InputError(f"{CONFIG}: {name} is {found}, expected a list of {count} numbers up to {LARGEST:,}; {RESAVE}")


def _refuse(shapes: Shapes) -> Checkpoint:
    raise InputError(f"found tensors alone, expected a folder with {CONFIG}, which names the network")


FAMILY = CheckpointFamily(
    f"Roboflow reid (a folder with {CONFIG}): OSNet of any width, or a network of timm.",
    signs=(),
    read=_refuse,
    container=Container(is_folder, open_folder),
)


@hookimpl
def vreid_encoders() -> Mapping[str, Callable[..., Any]]:
    """`rescaled` and `timm-vector`."""
    return {"rescaled": Rescaled, "timm-vector": TimmVector}


@hookimpl
def vreid_checkpoints() -> Mapping[str, Any]:
    """`roboflow`."""
    return {"roboflow": FAMILY}
