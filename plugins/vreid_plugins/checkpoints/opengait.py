"""Checkpoints of OpenGait, which are told apart and refused: its networks read what no data set here has."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, NamedTuple

from vreid_bench import Checkpoint, CheckpointFamily, InputError, Shapes, hookimpl

SILHOUETTES = "reads silhouettes, skeletons or other outlines of people, which no data set here has"
COLOURS = (
    "reads colour frames through a frozen DINOv2 and a mask of the person, padded to the shape that each crop had, and "
    "is not built here"
)
BUFFERS = ("running_mean", "running_var")  # ends of names of numbers that are counted, not learned


class Network(NamedTuple):
    """A network of OpenGait: what it is called, and the beginning of a name that it has before those below it."""

    name: str
    begins: str
    reads: str = SILHOUETTES


NETWORKS = (
    Network("BiggerGait", "HumanSpace_Conv.", COLOURS),
    Network("BigGait", "Denoising_Branch.", COLOURS),
    Network("FoundationGait", "teacher_backbone."),
    Network("GaitGL", "GLConvA0."),
    Network("GaitSet", "set_block1."),
    Network("GaitPart", "TFA."),
    Network("DeepGaitV2", "layer0.forward_block."),
    Network("GaitBase", "Backbone.forward_block."),
    Network("a network", ""),
)


def read(shapes: Shapes, beside: Mapping[str, float | str]) -> Checkpoint:
    """Raises InputError for every file: which network it is, and what to do instead."""
    network = next(each for each in NETWORKS if any(name.startswith(each.begins) for name in shapes))
    learned = sum(math.prod(shape) for name, shape in shapes.items() if not name.endswith(BUFFERS))
    at = f", saved at iteration {beside['iteration']}" if "iteration" in beside else ""
    raise InputError(
        f"found {network.name} of OpenGait with {learned:,} parameters{at}, which {network.reads}; write its "
        "embeddings with OpenGait's own test, and score them with `vreid-bench score` (docs/scoring.md)"
    )


FAMILY = CheckpointFamily(
    "OpenGait (<name>-<iteration>.pt): recognised and refused; its networks read silhouettes, so score its embeddings.",
    signs=(
        ("FCs.fc_bin", "BNNecks.fc_bin"),
        ("Head.fc_bin",),
        ("Head0.fc_bin", "LTA.0.conv3d.weight"),
        ("Mask_Branch.down_sampling.weight", "Mask_Branch.up_sampling.weight"),
        ("teacher_backbone.layer0.forward_block.0.weight",),
    ),
    read=read,
)


@hookimpl
def vreid_checkpoints() -> Mapping[str, Any]:
    """`opengait`."""
    return {"opengait": FAMILY}
