"""Pools the frames of a tracklet by an aggregator that needs no training."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from vreid_bench.importing.content import Array, find_precision
from vreid_bench.importing.frames import Pool
from vreid_bench.registry.assignments import parse_part
from vreid_bench.registry.registry import Registry
from vreid_bench.system.errors import InputError


def make_pool(name: str, registry: Registry) -> Pool:
    """The frames of a tracklet as one vector, by the aggregator of that name, with options as `NAME:OPTION=VALUE`.

    Raises InputError for an unknown name, and for an aggregator that is trained.
    """
    part = parse_part("aggregators", name, registry)
    factory = registry.factory("aggregators", part)
    modules: dict[int, Any] = {}

    def pool(frames: Array) -> Array:
        width = frames.shape[1]
        if width not in modules:
            module = factory((width, 1, 1))
            if any(True for _ in module.parameters()) or hasattr(module, "fit"):
                raise InputError(
                    f"--pool {name}: it is trained with its encoder; choose one without weights: average, max"
                )
            modules[width] = module.eval()
        maps = torch.from_numpy(np.array(frames, find_precision(frames.dtype)))[
            None, :, :, None, None
        ]  # [1, T, E, 1, 1]
        with torch.inference_mode():
            found = modules[width](maps)
        pooled: Array = getattr(found, "embedding", found)[0].numpy()
        return pooled

    return pool
