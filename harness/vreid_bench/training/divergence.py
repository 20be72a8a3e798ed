"""Which part of a training step gave the first value that is not finite."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

import torch
from torch import Tensor, nn

from vreid_bench.contracts.parts import Batch, Clips
from vreid_bench.modeling.model import MethodParts, Step


class Seen(NamedTuple):
    """What one step has computed before its losses."""

    maps: Tensor | None  # [S, T', D, h, w]; None where features come from a cache
    clips: Clips


def are_finite(tensors: Iterable[Tensor | None]) -> bool:
    """Are all values of these tensors finite? Copies one number from the device."""
    found = [tensor.isfinite().all() for tensor in tensors if tensor is not None]
    return not found or bool(torch.stack(found).all())


def find_part(parts: MethodParts, stage: Step, seen: Seen, batch: Batch, losses: Mapping[str, Tensor]) -> str:
    """The first part whose output is not finite, or else the one whose gradient is not: `its output` and who it is.

    Outputs are looked at in the order of the walk: encoder, aggregator, matcher, losses. Gradients are looked at
    against it, each loss by itself, and are computed anew; this is called once, in a step that fails.
    """
    titles, clips = stage.titles, seen.clips
    outputs: dict[str, list[Tensor | None]] = {
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
        again = Batch(leaves, batch.pids, batch.camids, batch.matcher)
        own = [*parts.losses[name].parameters(), *_parameters(batch.matcher)]
        wanted = [p for p in own if p.requires_grad]
        value = parts.losses[name](again)
        gradients = torch.autograd.grad(value, [*inputs, *wanted], allow_unused=True) if value.requires_grad else ()
        if not are_finite(gradients):
            return _say("gradient", "loss." + name if _is_matched(again, leaves) else "matcher", titles)
        for at, gradient in enumerate(gradients[: len(inputs)]):
            total[at] += 0 if gradient is None else weight * gradient
    if seen.maps is not None and _breaks(parts, seen.maps.detach(), clips, total):
        return _say("gradient", "aggregator", titles)
    return _say("gradient", "encoder", titles)


def _say(what: str, part: str, titles: Mapping[str, str]) -> str:
    alias = part.partition(".")[2]  # the name of a loss in the method, where it is not that of the plugin
    known = titles[part]
    return f"the {what} of {known}" + (f" (in the method: {alias})" if alias and f"{alias!r}" not in known else "")


def _matched(batch: Batch) -> list[Tensor | None]:
    """What the matcher has computed for the losses; an anchor without a positive or negative has no distance."""
    used = vars(batch)
    found = [used["represented"].embedding] if "represented" in used else []
    if "hardest" in used:
        hardest, ok = used["hardest"], used["hardest"].ok
        found += [hardest.positive[ok], hardest.negative[ok]]
    return [*found, used.get("distance")]


def _is_matched(batch: Batch, leaves: Clips) -> bool:
    """Do the matcher's distances alone have a finite gradient?"""
    if not {"distance", "hardest"} & vars(batch).keys():
        return True
    distance = batch.matcher.distance(batch.represented, batch.represented)
    if not distance.requires_grad:
        return True
    again = batch.matcher.represent(leaves)
    distance = batch.matcher.distance(again, again)
    return are_finite(torch.autograd.grad(distance.sum(), [leaves.embedding], allow_unused=True))


def _breaks(parts: MethodParts, maps: Tensor, clips: Clips, total: list[Tensor]) -> bool:
    """Does the aggregator turn the finite gradients of its outputs into ones that are not finite?"""
    leaf = _leaf(maps)
    features = parts.model.aggregate(leaf)
    embedding = total[0][clips.valid].to(features.embedding.dtype)
    wanted = [leaf, *[p for p in parts.model.aggregator.parameters() if p.requires_grad]]
    if not features.embedding.requires_grad:
        return False
    return not are_finite(torch.autograd.grad(features.embedding, wanted, embedding, allow_unused=True))


def _parameters(part: object) -> list[nn.Parameter]:
    return list(part.parameters()) if isinstance(part, nn.Module) else []


def _leaf(value: Tensor) -> Tensor:
    return value.detach().requires_grad_(True)


def _leaves(values: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {name: _leaf(value) for name, value in values.items() if value.is_floating_point()}
