"""Every part of a method built once without its data, so that an option that a part refuses is told before any is read.

It costs a clip through the network, at most about a second.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import chain
from typing import Any, NamedTuple

import torch
from torch import nn

from vreid_bench.contracts.parts import PLANES, ClipFeatures, Clips
from vreid_bench.contracts.recipe import Method
from vreid_bench.modeling.clips import check_clipping
from vreid_bench.modeling.loss_checks import build_loss
from vreid_bench.modeling.model import Model
from vreid_bench.modeling.parameter_names import Names, name_parameters
from vreid_bench.modeling.probe import draw_clips, hold_warnings, keep_streams
from vreid_bench.registry.factories import Factories, Factory
from vreid_bench.system.errors import InputError

PEOPLE = (100, 10_000, 2)  # to train on: how many there are is not known without data


class Sizes(NamedTuple):
    """What is known of the parts of a method once they are built."""

    dims: dict[str, int]  # the widths of what a loss may learn from, as `Model.dims` has them
    names: Names  # of all parameters; none if a part is no module, which `assemble` tells better


def size_parts(method: Method, factories: Factories) -> Sizes | None:
    """Build every part, and give each what the one before makes of a random clip.

    Returns None if a part was built but does not work, which `assemble` tells better. Raises InputError for a part that
    cannot be built, and for a loss that cannot be for any number of people.
    """
    for clipping in (method.test, *(stage.clipping for stage in method.stages)):
        check_clipping(clipping)
    with keep_streams(), hold_warnings(), torch.no_grad():
        for augmentation in chain(*factories.augment):
            augmentation()
        try:
            dims, parts = _size(method, factories)
        except InputError:
            raise
        except Exception:  # a plugin can raise anything
            return None
        parts |= {f"loss.{name}": _build_loss(loss, dims) for name, loss in factories.losses.items()}
    modules = all(isinstance(each, nn.Module) for each in parts.values())
    return Sizes(dims, name_parameters(parts) if modules else {})


def measure_width(method: Method, factories: Factories) -> int:
    """How many numbers the embedding of a clip has. Raises InputError, as `assemble` does, for a part that fails."""
    sizes = size_parts(method, factories)
    if sizes is not None:
        return sizes.dims["clips"]
    with keep_streams():
        return Model(method, factories).dims["clips"]


def _size(method: Method, factories: Factories) -> tuple[dict[str, int], dict[str, Any]]:
    """The widths, and the parts that were built for them, by name."""
    encoder = factories.encoder().eval()
    channels = sum(PLANES[plane] for plane in getattr(encoder, "planes", ("rgb",)))
    maps = encoder(draw_clips(1, method.test.T or 4, channels, method.size))
    aggregator = factories.aggregator(tuple(maps.shape[2:])).eval()
    features: Any = aggregator(maps)
    features = features if isinstance(features, ClipFeatures) else ClipFeatures(features)
    width = features.embedding.shape[1]
    for replacing in filter(None, factories.matchers):
        replacing(width)
    matcher = factories.matcher(width).eval()
    represented = matcher.represent(Clips.single(features.embedding))
    dims = {name: value.shape[-1] for name, value in features.extra.items()}
    dims |= {"clips": width, "embedding": represented.embedding.shape[-1]}
    return dims, {"encoder": encoder, "aggregator": aggregator, "matcher": matcher}


def _build_loss(factory: Factory, dims: Mapping[str, int]) -> Any:
    """The loss for the first number of people that it accepts."""
    faults = []
    for people in PEOPLE:
        try:
            return build_loss(factory, dims, people)
        except InputError as fault:
            faults.append(fault)
    raise faults[0]
