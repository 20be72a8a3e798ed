"""Losses tried on a small batch before anything trains: what they return, and what their gradients reach."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from vreid_bench.contracts.packing import pad_features
from vreid_bench.contracts.parts import Batch, ClipFeatures, Matcher
from vreid_bench.registry.factories import Factory
from vreid_bench.system.errors import TRACEBACK, InputError, suggestion


class Size(NamedTuple):
    """How large the batch is on which a loss is tried."""

    people: int
    tracklets: int  # of each
    clips: int  # of each tracklet

    @property
    def total(self) -> int:
        """All clips of the batch."""
        return self.people * self.tracklets * self.clips


class Trial(NamedTuple):
    """A copy of a part in training mode, and its factory."""

    part: Any
    factory: Factory

    @property
    def title(self) -> str:
        """Kind, name and distribution, as messages say them."""
        return self.factory.entry.title

    @property
    def parameters(self) -> list[nn.Parameter]:
        """Its parameters; all of them require a gradient now."""
        found = [p for p in self.part.parameters() if p.is_floating_point()]
        for parameter in found:
            parameter.requires_grad_(True)
        return found


class Reach(NamedTuple):
    """What the gradients of a stage's losses reach."""

    features: frozenset[str]  # outputs of the aggregator: embedding, importance, names of extras
    parts: frozenset[str]  # `matcher` and `loss.<name>`
    cut: str  # title of the part that passes no gradient to the features, if there is one


def build_loss(factory: Factory, dims: Mapping[str, int], identities: int) -> Any:
    """Build a loss. Raises InputError that says what there is if it asks for a width that is not in `dims`."""
    try:
        return factory(dims, identities)
    except InputError as fault:
        raise _explain(fault, factory.entry.title, dims) from fault


def try_losses(
    losses: Mapping[str, Trial], matcher: Trial, features: ClipFeatures, size: Size, identities: int
) -> Reach:
    """Call each loss twice on a batch of that size, as a training step would.

    The second call is the one whose gradients are followed: a loss with a memory has nothing to compare with at first.
    features: of `size.total` clips. Raises InputError that names the loss, or the matcher that it uses, for an output
    that is not a finite scalar with a gradient.
    """
    leaves = _leaves(features)
    fixed = {name: value.detach() for name, value in features.extra.items() if not value.is_floating_point()}
    reached: set[str] = set()
    parts: set[str] = set()
    cut = ""
    for name, loss in losses.items():
        batches = [_batch({**leaves, **fixed}, matcher.part, size, identities) for _ in range(2)]
        values = [_call(loss, matcher, batch) for batch in batches]
        if not any(value.requires_grad for value in values):
            guilty = _find_cut(batches[-1], matcher.title)
            raise InputError(
                f"{guilty or loss.title} returns values without a gradient, so nothing can learn; expected values "
                "computed from the batch without detach(), item() or no_grad()"
            )
        named = {**leaves, **{f"matcher {i}": p for i, p in enumerate(matcher.parameters)}}
        named |= {f"loss {i}": p for i, p in enumerate(loss.parameters)}
        with loss.factory.blame():
            gradients = torch.autograd.grad(values[-1], list(named.values()), allow_unused=True)
        found = {key: gradient for key, gradient in zip(named, gradients, strict=True) if gradient is not None}
        for gradient in found.values():
            if not gradient.isfinite().all():
                raise InputError(
                    f"{_find_infinite(loss, matcher, batches[0])}: its gradient is NaN or infinite for "
                    "random features; expected finite numbers: look for the root of a distance that can be 0"
                )
        reached |= leaves.keys() & found.keys()
        parts |= {"matcher" for key in found if key.startswith("matcher ")}
        parts |= {f"loss.{name}" for key in found if key.startswith("loss ")}
        if not leaves.keys() & found.keys():
            cut = _find_cut(batches[-1], matcher.title) or loss.title
    return Reach(frozenset(reached), frozenset(parts), "" if reached else cut)


def _leaves(features: ClipFeatures) -> dict[str, Tensor]:
    named = {"embedding": features.embedding, **features.extra}
    if features.importance is not None:
        named["importance"] = features.importance
    return {
        name: value.detach().float().requires_grad_(True) for name, value in named.items() if value.is_floating_point()
    }


def _batch(values: Mapping[str, Tensor], matcher: Matcher, size: Size, identities: int) -> Batch:
    extra = {name: value for name, value in values.items() if name not in ("embedding", "importance")}
    features = ClipFeatures(values["embedding"], values.get("importance"), extra)
    labels = torch.arange(size.people) * (max(identities, 1) - 1) // (size.people - 1)  # from the first to the last
    pids = labels.repeat_interleave(size.tracklets)  # [N]
    camids = 1 + torch.arange(len(pids)) % 2
    return Batch(pad_features([features], [size.clips] * len(pids)), pids, camids, matcher)


def _call(loss: Trial, matcher: Trial, batch: Batch) -> Tensor:
    """The loss of a batch, checked."""
    try:
        with loss.factory.blame():
            value = loss.part(batch)
    except InputError as fault:
        with matcher.factory.blame():  # the matcher computes what the batch gives: is the fault its own?
            matcher.part.distance(batch.represented, batch.represented)
            _ = batch.hardest
        raise _explain(fault, loss.title, {"embedding": 0, "clips": 0, **batch.clips.extra}) from fault
    if not isinstance(value, Tensor):
        raise InputError(
            f"{loss.title} returned {type(value).__name__}, expected a tensor with one number; return the mean or the "
            "sum, without .item() or float()"
        )
    if value.ndim or not value.is_floating_point():
        found = f"a tensor of shape {list(value.shape)} and type {str(value.dtype).removeprefix('torch.')}"
        raise InputError(f"{loss.title} returned {found}, expected a floating-point scalar; take the mean or the sum")
    if not value.isfinite():
        raise InputError(
            f"{loss.title} returned {value.item()} for random features, expected a finite number; look for a division "
            "by zero or the logarithm of 0"
        )
    return value


def _explain(fault: InputError, title: str, given: Mapping[str, Any]) -> InputError:
    """A KeyError by the name of a feature that is not there, with the names that are; any other fault unchanged."""
    cause = fault.__cause__
    if not isinstance(cause, KeyError) or len(cause.args) != 1 or cause.args[0] in given:
        return fault
    name, names = str(cause.args[0]), ", ".join(sorted(given))
    return InputError(
        f"{title} reads {name!r}, which the aggregator does not give here; it gives {names}"
        f"{suggestion(name, given)}; {TRACEBACK}=1 shows where"
    )


def _find_cut(batch: Batch, title: str) -> str:
    """The title of the matcher if it passes on no gradient of what the loss has used, else nothing."""
    used = vars(batch)
    outputs: Sequence[Any] = (
        getattr(used.get("represented"), "embedding", None),
        used.get("distance"),
        getattr(used.get("hardest"), "positive", None),
    )
    return title if any(isinstance(value, Tensor) and not value.requires_grad for value in outputs) else ""


def _find_infinite(loss: Trial, matcher: Trial, batch: Batch) -> str:
    """The title of the matcher if already its distances have a gradient that is not finite, else that of the loss."""
    if batch.distance.requires_grad:
        [gradient] = torch.autograd.grad(batch.distance.sum(), [batch.clips.embedding], allow_unused=True)
        if gradient is not None and not gradient.isfinite().all():
            return matcher.title
    return loss.title
