"""Every part of a method built once without its data, so that an option that a part refuses is told before any is read.

It costs a clip through the network, at most about a second.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import chain
from typing import Any

import torch

from vreid_bench.contracts.parts import PLANES, ClipFeatures, Clips
from vreid_bench.contracts.recipe import Method
from vreid_bench.modeling.clips import check_clipping
from vreid_bench.modeling.loss_checks import build_loss
from vreid_bench.modeling.model import Model
from vreid_bench.modeling.probe import draw_clips, hold_warnings, keep_streams
from vreid_bench.registry.factories import Factories, Factory
from vreid_bench.system.errors import InputError

PEOPLE = (100, 10_000, 2)  # to train on: how many there are is not known without data


def size_parts(method: Method, factories: Factories) -> dict[str, int] | None:
    """Build every part, and give each what the one before makes of a random clip.

    Returns the widths of what a loss may learn from, as `Model.dims` has them; None if a part was built but does not
    work, which `assemble` tells better. Raises InputError for a part that cannot be built, and for a loss that cannot
    be for any number of people.
    """
    for clipping in (method.test, *(stage.clipping for stage in method.stages)):
        check_clipping(clipping)
    with keep_streams(), hold_warnings(), torch.no_grad():
        for augmentation in chain(*factories.augment):
            augmentation()
        try:
            dims = _size(method, factories)
        except InputError:
            raise
        except Exception:  # a plugin can raise anything
            return None
        for loss in factories.losses.values():
            _check_loss(loss, dims)
    return dims


def measure_width(method: Method, factories: Factories) -> int:
    """How many numbers the embedding of a clip has. Raises InputError, as `assemble` does, for a part that fails."""
    dims = size_parts(method, factories)
    if dims is None:
        with keep_streams():
            dims = Model(method, factories).dims
    return dims["clips"]


def _size(method: Method, factories: Factories) -> dict[str, int]:
    encoder = factories.encoder().eval()
    channels = sum(PLANES[plane] for plane in getattr(encoder, "planes", ("rgb",)))
    maps = encoder(draw_clips(1, method.test.T or 4, channels, method.size))
    features: Any = factories.aggregator(tuple(maps.shape[2:])).eval()(maps)
    features = features if isinstance(features, ClipFeatures) else ClipFeatures(features)
    width = features.embedding.shape[1]
    for replacing in filter(None, factories.matchers):
        replacing(width)
    represented = factories.matcher(width).eval().represent(Clips.single(features.embedding))
    dims = {name: value.shape[-1] for name, value in features.extra.items()}
    return dims | {"clips": width, "embedding": represented.embedding.shape[-1]}


def _check_loss(factory: Factory, dims: Mapping[str, int]) -> None:
    faults = []
    for people in PEOPLE:
        try:
            build_loss(factory, dims, people)
            return
        except InputError as fault:
            faults.append(fault)
    raise faults[0]
