"""Whether the parts of a method and its optimizers can be built with their options; asked before any data is read."""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from fnmatch import fnmatchcase
from importlib.metadata import version

from vreid_bench.contracts.recipe import Method, Optimizer, Train
from vreid_bench.planning.method import ChosenMethod
from vreid_bench.registry.entry import sign
from vreid_bench.registry.factories import Factories
from vreid_bench.registry.registry import Registry
from vreid_bench.registry.source_code import fingerprint_imports, fingerprint_packages
from vreid_bench.system.cache_folder import read_cached, write_cached
from vreid_bench.system.errors import InputError, UnknownName
from vreid_bench.system.fingerprint import digest

SHOWN = 8  # parameters of losses that a message names


def check_buildable(registry: Registry, chosen: ChosenMethod) -> None:
    """Raises InputError, naming the part and its distribution, for an option that a part or an optimizer refuses.

    What could be built once is remembered with the code of all parts, so that a finished run is shown without torch.
    """
    harness = [fingerprint_packages("vreid_bench.modeling"), fingerprint_imports([__name__], [__name__])]
    code = [chosen.providers, *harness, version("torch")]
    known = f"built/{digest([chosen.settings, chosen.reranking, code])[:16]}"
    if read_cached(known) is not None:
        return
    # a part in the baseline is named by the fault itself, and the baseline is not at fault
    with nullcontext() if chosen.swapped else sign(registry.entry("methods", chosen.name).title):
        check_parts(chosen.method, registry.factories(chosen.method))
    if chosen.reranker is not None:
        registry.factory("rerankers", chosen.reranker)()
    write_cached(known, b"")


def check_parts(method: Method, factories: Factories) -> None:
    """Build every part of a method and every optimizer of its stages once, without its data.

    Raises InputError for one that cannot be built, and for a pattern that names no parameter, with those that there
    are.
    """
    from vreid_bench.modeling.sizes import size_parts  # imports torch

    sizes = size_parts(method, factories)
    for number, stage in enumerate(method.stages):
        if isinstance(stage, Train):
            if sizes is not None and sizes.names:
                _check_learning(sizes.names, stage, f"stages.{number}")
            _check_optimizer(stage.optimizer, f"stages.{number}")


def _check_learning(names: Mapping[str, Sequence[str]], stage: Train, where: str) -> None:
    """Raise InputError for a stage whose patterns choose no parameter, or none that learns from its losses."""
    from vreid_bench.modeling.parameter_names import choose_parameters

    try:
        chosen = choose_parameters(names, stage, where)
    except UnknownName as fault:
        raise InputError(f"{_propose_losses(fault)} {_list_parameters(fault.known)}") from fault
    learning = [part for part, each in names.items() if not set(each).isdisjoint(chosen)]
    used = {f"loss.{name}" for name in stage.losses}
    if all(part.startswith("loss.") and part not in used for part in learning):
        raise InputError(
            f"{where}: only parameters of {' and '.join(learning)} would learn, but the losses of this stage are "
            f"{', '.join(stage.losses)}; train or leave unfrozen other parameters, or add a loss to {where}.losses"
        )


def _propose_losses(fault: UnknownName) -> str:
    """The beginning of a message about a pattern that names no parameter, up to those that there are.

    `centre.*` for `loss.centre.*` is near no parameter, as similar names are sought, not patterns.
    """
    pattern = f"loss.{fault.name}"
    if any(fnmatchcase(name, pattern) for name in fault.known):
        problem = str(fault).partition("; did you mean")[0]
        return f"{problem}; did you mean {pattern}? There are"
    return f"{fault} There are" if str(fault).endswith("?") else f"{fault}; there are"


def _list_parameters(names: Sequence[str]) -> str:
    """The parts that have parameters, as patterns; of losses every name, as their authors choose them."""
    parts = dict.fromkeys(f"{name.partition('.')[0]}.*" for name in names if not name.startswith("loss."))
    losses = [name for name in names if name.startswith("loss.")]
    more = [f"{len(losses) - SHOWN} more of losses"] if len(losses) > SHOWN else []
    return ", ".join([*parts, *losses[:SHOWN], *more])


def _check_optimizer(optimizer: Optimizer, where: str) -> None:
    """Raise InputError for options that an optimizer does not have or does not accept; `where` is its stage."""
    import torch

    factory = getattr(torch.optim, optimizer.name)
    known = [name for name in inspect.signature(factory).parameters if name not in ("params", "lr")]
    for name in optimizer.options:
        if name == "lr":
            raise InputError(f"{where}.optimizer.options: the rate is {where}.schedule.rate; leave lr out")
        if name not in known:
            problem = f"{where}.optimizer.options: {optimizer.name} has no option"
            raise UnknownName(problem, name, known, f"its options: {', '.join(known)}")
    try:
        factory([torch.nn.Parameter(torch.zeros(1))], lr=1.0, **optimizer.options)
    except (TypeError, ValueError, RuntimeError) as fault:
        raise InputError(f"{where}: optimizer {optimizer.name} does not accept its options: {fault}") from fault
