"""Which part of a training step failed, or gave the first value that is not finite; or that the training diverges."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

import torch
from torch import Tensor, nn

from vreid_bench.contracts.parts import Batch, Clips
from vreid_bench.modeling.model import MethodParts, Step
from vreid_bench.registry.entry import blame
from vreid_bench.system.errors import InputError

GROWN = 100.0  # times: parameters that have become so much larger show that a training diverges
SMALL = 0.01  # what parameters that begin at zero are compared with


class Seen(NamedTuple):
    """What one step has computed before its losses."""

    frames: Tensor | None  # [S, T, P, H, W], augmented; None where features come from a cache
    maps: Tensor | None  # [S, T', D, h, w]; None where features come from a cache
    clips: Clips


def are_finite(tensors: Iterable[Tensor | None]) -> bool:
    """Are all values of these tensors finite? Copies one number from the device."""
    found = [tensor.isfinite().all() for tensor in tensors if tensor is not None]
    return not found or bool(torch.stack(found).all())


def call_loss(loss: nn.Module, name: str, stage: Step, batch: Batch) -> Tensor:
    """The loss `name` of a batch. Raises InputError that names it, or the matcher that it uses, if its code fails."""
    try:
        with blame(stage.titles[f"loss.{name}"]):
            value: Tensor = loss(batch.seen_by(loss))
            return value
    except InputError:
        with blame(stage.titles["matcher"]):  # it computes what the batch gives: is the fault its own?
            _ = batch.labelled.hardest
        raise


def measure_parts(parts: MethodParts) -> dict[str, float]:
    """Part (`encoder`, `aggregator`, `matcher`, `loss.<name>`) -> the largest absolute value of its parameters."""
    model = parts.model
    modules = {"encoder": model.encoder, "aggregator": model.aggregator, "matcher": model.matcher}
    modules |= {f"loss.{name}": loss for name, loss in parts.losses.items()}
    largest = {
        part: max((float(p.detach().abs().max()) for p in module.parameters() if p.numel()), default=0.0)
        for part, module in modules.items()
    }
    return {part: value for part, value in largest.items() if value}


def advise(found: str, parts: MethodParts, begun: Mapping[str, float], stage: Step, setting: str) -> str:
    """What to do about a value that is not finite: lower the rate of a training that diverges, else correct the part.

    found: of `find_part`. begun: of `measure_parts`, before the first step. setting: the path of the stage's rate.
    A part is sound as long as its parameters are moderate, so whether they have grown tells the two apart.
    """
    now = measure_parts(parts)
    grown = {part: value / max(begun.get(part, 0.0), SMALL) for part, value in now.items() if part in stage.titles}
    most = max(grown, key=lambda part: grown[part], default="")
    if most and not grown[most] <= GROWN:  # a parameter may be infinite
        return (
            f"{found} is the first that is not finite, but the training diverges: the largest parameter of "
            f"{stage.titles[most]} was {begun.get(most, 0.0):.3g} and is {now[most]:.3g}; lower the learning rate, "
            f"{setting}"
        )
    return f"{found} is the first that is not finite; correct this part"


def find_part(parts: MethodParts, stage: Step, seen: Seen, batch: Batch, losses: Mapping[str, Tensor]) -> str:
    """The first part whose output is not finite, or else the one whose gradient is not: `its output` and who it is.

    Outputs are looked at in the order of the walk: augmentations, encoder, aggregator, matcher, losses. Gradients are
    looked at against it, each loss by itself, and are computed anew; this is called once, in a step that fails.
    """
    titles, clips = stage.titles, seen.clips
    outputs: dict[str, list[Tensor | None]] = {
        "augmentation": [seen.frames],
        "encoder": [seen.maps],
        "aggregator": [clips.embedding, clips.importance, *clips.extra.values()],
        "matcher": _matched(batch),
        **{f"loss.{name}": [value] for name, value in losses.items()},
    }
    for part, tensors in outputs.items():
        if not are_finite(tensors):
            return _say("output", part, titles)
    leaves = Clips(_leaf(clips.embedding), _leaf(clips.importance), clips.valid, _leaves(clips.extra))
    inputs = [leaves.embedding, leaves.importance, *leaves.extra.values()]
    total = [torch.zeros_like(leaf) for leaf in inputs]
    for name, weight in stage.recipe.losses.items():
        represented = batch.matcher.represent(leaves)
        cut = replace(represented, embedding=_leaf(represented.embedding))  # between matcher and loss
        again = Batch(leaves, batch.pids, batch.camids, batch.matcher)
        vars(again)["represented"] = cut
        loss = parts.losses[name]
        own = [p for p in loss.parameters() if p.requires_grad]
        given = again.seen_by(loss)
        gradients = _follow(loss(given), [cut.embedding, *inputs, *own])
        if not are_finite(gradients):
            known = {"distance", "hardest"} & vars(given).keys()
            sound = not known or are_finite(_follow(batch.matcher.distance(cut, cut).sum(), [cut.embedding]))
            return _say("gradient", f"loss.{name}" if sound else "matcher", titles)
        through = _follow(represented.embedding, inputs, gradients[0])
        if not are_finite(through):
            return _say("gradient", "matcher", titles)
        for at, each in enumerate(zip(gradients[1 : 1 + len(inputs)], through, strict=True)):
            total[at] += weight * sum(gradient for gradient in each if gradient is not None)
    whole = seen.maps is not None and len(seen.maps) == int(clips.valid.sum())  # not the share of one process
    if whole and seen.maps is not None and _breaks(parts, seen.maps.detach(), clips, total):
        return _say("gradient", "aggregator", titles)
    return _say("gradient", "encoder", titles)


def _say(what: str, part: str, titles: Mapping[str, str]) -> str:
    alias = part.partition(".")[2]  # the name of a loss in the method, where it is not that of the plugin
    known = titles[part]
    return f"the {what} of {known}" + (f" (in the method: {alias})" if alias and f"{alias!r}" not in known else "")


def _matched(batch: Batch) -> list[Tensor | None]:
    """What the matcher has computed for the losses; an anchor without a positive or negative has no distance."""
    found: list[Tensor | None] = []
    for used in map(vars, (batch, batch.labelled)):
        found += [used["represented"].embedding] if "represented" in used else []
        if "hardest" in used:
            hardest, ok = used["hardest"], used["hardest"].ok
            found += [hardest.positive[ok], hardest.negative[ok]]
        found.append(used.get("distance"))
    return found


def _follow(value: Tensor, inputs: Sequence[Tensor], given: Tensor | None = None) -> Sequence[Tensor | None]:
    """Gradients of a scalar, or of a tensor whose own gradient is given; None where there is no path."""
    if not value.requires_grad or (value.ndim and given is None):
        return [None] * len(inputs)
    return torch.autograd.grad(value, inputs, given, allow_unused=True)


def _breaks(parts: MethodParts, maps: Tensor, clips: Clips, total: list[Tensor]) -> bool:
    """Does the aggregator turn the finite gradients of its outputs into ones that are not finite?"""
    leaf = _leaf(maps)
    features = parts.model.aggregate(leaf)
    embedding = total[0][clips.valid].to(features.embedding.dtype)
    own = [p for p in parts.model.aggregator.parameters() if p.requires_grad]
    return not are_finite(_follow(features.embedding, [leaf, *own], embedding))


def _leaf(value: Tensor) -> Tensor:
    return value.detach().requires_grad_(True)


def _leaves(values: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {name: _leaf(value) for name, value in values.items() if value.is_floating_point()}
