"""What decides the state of a training after each of its stages, as a chain of hashes.

The hash of a stage covers the parts that it and the stages before it use, and nothing else of the method. So methods
that begin with equal stages have equal hashes for these, and one training serves them all: the table of a paper that
trains one network and compares several matchers on it has one network here as well.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from torch import Tensor

from vreid_bench.contracts.recipe import Fit, Method, Part, Stage, Train
from vreid_bench.modeling.model import MethodParts
from vreid_bench.modeling.parameter_names import name_parameters
from vreid_bench.registry.registry import Registry
from vreid_bench.registry.settings import describe, list_places
from vreid_bench.system.fingerprint import digest

TESTED = ("encoder", "aggregator", "matcher")  # the parts whose state is that of the trained model


@dataclass(frozen=True)
class StageKey:
    """The state after a stage: the parts that it belongs to, and a hash over all that decides it."""

    parts: tuple[str, ...]  # `encoder`, `aggregator`, `matcher`, `loss.<name>`: those that the stages so far use
    made_by: str

    def select(self, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Of the state of a whole training, the tensors that belong to these parts."""
        prefixes = tuple(f"{part}." for part in self.parts)
        return {name: value for name, value in tensors.items() if name.startswith(prefixes)}


def key_stages(parts: MethodParts, method: Method, registry: Registry, begun: object) -> tuple[StageKey, ...]:
    """A key for each stage of the method, whose lengths are in steps.

    begun: all that decides a training besides its recipe (data, seed, arithmetic, code of the harness, first weights).
    """
    shapes = [method.size, parts.model.map_shape[1:], parts.model.dims]  # by which parts are built
    keys: list[StageKey] = []
    used, last = dict.fromkeys(TESTED[:2]), digest([begun, describe(shapes)])
    for number, stage in enumerate(method.stages):
        here = list(_list_used(stage))
        used |= dict.fromkeys(here)
        places = [*(name.replace("loss.", "losses.") for name in here), f"stages.{number}."]
        last = digest([last, _describe_stage(stage, here, parts), describe_places(places, method, registry)])
        keys.append(StageKey(tuple(used), last))
    return tuple(keys)


def describe_places(places: list[str], method: Method, registry: Registry) -> list[Any]:
    """The parts of a method whose paths begin with one of these, with their options and with who provides them."""
    found: list[Any] = []
    for path, kind, value, _ in list_places(method):
        if isinstance(value, Part) and any(f"{path}.".startswith(f"{place.rstrip('.')}.") for place in places):
            found.append([path, describe(value), registry.entry(kind, value.name).provider()])
    return found


def _list_used(stage: Stage) -> Iterator[str]:
    """The parts of the method that a stage uses."""
    yield from TESTED[:2]
    if isinstance(stage, Train):
        yield from (f"loss.{name}" for name in stage.losses)
    if stage.part == "matcher" if isinstance(stage, Fit) else stage.matcher is None:
        yield "matcher"


def _describe_stage(stage: Stage, used: list[str], parts: MethodParts) -> Any:
    """Its settings. What learns is given by the parameters' names, as other patterns can choose the same ones."""
    plain = describe(stage)
    if isinstance(stage, Fit):
        return plain
    modules = {part: getattr(parts.model, part) for part in TESTED}
    modules |= {f"loss.{name}": loss for name, loss in parts.losses.items()}
    named = name_parameters({part: modules[part] for part in used})
    learning = [name for each in named.values() for name in each if stage.trains(name)]
    return {**plain, "train": sorted(learning), "freeze": [], "losses": list(stage.losses.items())}
