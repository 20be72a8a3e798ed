"""How a stage learns: which parameters, at which rate, by which optimizer."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from vreid_bench.contracts.length import plain_steps
from vreid_bench.contracts.recipe import Schedule, Train
from vreid_bench.modeling.parameter_names import choose_parameters, name_parameters
from vreid_bench.system.errors import InputError


def learning_rate(schedule: Schedule, step: int, steps: int) -> float:
    """The rate of a step. `one-cycle` (Smith & Topin 2018): a cosine from rate/25 up to the rate over the first
    30 % of the steps and a cosine down to rate/250,000 over the rest."""
    if schedule.kind == "constant":
        return schedule.rate
    if schedule.kind == "step":
        return schedule.rate_after(step // plain_steps(schedule.every))
    rise = 0.3 * steps
    low, high, share = schedule.rate / 25, schedule.rate, step / max(rise, 1)
    if step >= rise:
        low, high, share = (
            schedule.rate / 250_000,
            schedule.rate,
            1 - (step - rise) / max(steps - 1 - rise, 1),
        )
    return low + (high - low) * (1 - math.cos(math.pi * share)) / 2


def trainable(module: nn.ModuleDict, stage: Train, where: str) -> dict[str, nn.Parameter]:
    """Set which parameters learn in a stage, and put frozen modules into evaluation mode.

    Returns the parameters that learn, by name: `encoder.…`, `aggregator.…`, `matcher.…`, `loss.<name>.…`. Raises
    InputError, which begins with the path `where` of the stage, if a pattern matches no parameter or if nothing learns.
    """
    losses = {f"loss.{name}": loss for name, loss in module["loss"].named_children()}
    parts = {**dict(module["model"].named_children()), **losses}
    learning = frozenset(choose_parameters(name_parameters(parts), stage, where))
    named = {shorten_name(name): value for name, value in module.named_parameters()}
    chosen = {name: value for name, value in named.items() if name in learning}
    for name, value in named.items():
        value.requires_grad_(name in chosen)
    module.train()
    for each in module.modules():  # frozen also means: no batch statistics, no dropout
        parameters = list(each.parameters())
        if parameters and not any(p.requires_grad for p in parameters):
            each.eval()
    return chosen


def shorten_name(name: str) -> str:
    """The name by which recipes and files know a parameter: `encoder.…`, `loss.<name>.…`."""
    return name.removeprefix("model.")


def build_optimizer(
    stage: Train, named: Mapping[str, nn.Parameter], state: Mapping[str, Tensor]
) -> torch.optim.Optimizer:
    """The optimizer of a stage over the parameters that learn, by name, with its state from a checkpoint.

    Raises InputError for options that it does not accept.
    """
    factory: Any = getattr(torch.optim, stage.optimizer.name)
    try:
        optimizer: torch.optim.Optimizer = factory(list(named.values()), lr=1.0, **stage.optimizer.options)
    except (TypeError, ValueError) as fault:
        raise InputError(f"optimizer {stage.optimizer.name} does not accept its options: {fault}") from fault
    for key, value in state.items():
        name, _, field = key.rpartition("/")
        parameter = named[name]
        device = torch.device("cpu") if field == "step" else parameter.device
        kept = value.to(device)
        if kept.shape == parameter.shape:  # in the order of the parameter, as without the interruption
            kept = torch.empty_like(parameter, dtype=value.dtype).copy_(kept)
        optimizer.state[parameter][field] = kept
    return optimizer


def optimizer_state(optimizer: torch.optim.Optimizer, named: Mapping[str, nn.Parameter]) -> dict[str, Tensor]:
    """The state of the optimizer, by parameter and field, as a checkpoint keeps it."""
    kept = ((name, optimizer.state.get(parameter, {})) for name, parameter in named.items())
    return {f"{name}/{field}": value for name, fields in kept for field, value in fields.items()}
