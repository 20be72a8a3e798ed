"""What decides weights, beside the data: the method with all that its training begins from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import torch

from vreid_bench.contracts.dataset import people
from vreid_bench.contracts.recipe import Fit, Method, Stage, Train
from vreid_bench.modeling.model import Assembled, assemble
from vreid_bench.planning.folds import TrainingSet
from vreid_bench.planning.source import Source
from vreid_bench.registry.registry import Registry
from vreid_bench.registry.settings import described
from vreid_bench.system.environment import Machine
from vreid_bench.system.fingerprint import digest


@dataclass(frozen=True)
class TrainingRecipe:
    """Equal recipes on equal data end in equal weights on one machine."""

    method: Method
    registry: Registry
    providers: Sequence[Mapping[str, str]]  # who provides each part
    seed: int
    source: Source

    def fingerprint(self, sets: Sequence[TrainingSet], machine: Machine) -> str:
        """A hash over all that decides the weights of training on these sets, the machine's arithmetic included."""
        method = {name: value for name, value in described(self.method).items() if name != "test"}
        parts = [dict(p) for p in self.providers if p["kind"] not in ("method", "re-ranker")]
        where = [machine.device.type, machine.threads, torch.__version__]
        begun = self.source.fingerprints if self.source.trains else {}
        return digest([method, parts, self.seed, where, [each.fingerprint for each in sets], begun])

    def build(self, sets: Sequence[TrainingSet]) -> Assembled:
        """The parts with their initial values, for training on the last of the sets after the others."""
        method = self.method if len(sets) == 1 else continue_method(self.method, sets[-1].rate)
        torch.manual_seed(self.seed)  # the initial weights
        return assemble(method, self.registry, len(list(people(sets[-1].tracklets))))


def continue_method(method: Method, rate: float) -> Method:
    """The recipe for trained weights on other people: lower learning rates, and no aggregator is fitted anew.

    An aggregator's fit gives training its start (k-means centres); a matcher's is what it learns (XQDA), so it stays.
    """
    stages: list[Stage] = []
    for stage in method.stages:
        if isinstance(stage, Train):
            schedule = replace(stage.schedule, rate=rate * stage.schedule.rate, floor=rate * stage.schedule.floor)
            stages.append(replace(stage, schedule=schedule))
        elif isinstance(stage, Fit) and stage.part == "matcher":
            stages.append(stage)
    return replace(method, stages=tuple(stages))
