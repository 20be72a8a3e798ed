"""A run under way: what every step of the walk needs, and which of its folds is at work."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import click

from vreid_bench.modeling.embed import Reader
from vreid_bench.modeling.pretrained import Pretrained
from vreid_bench.planning.folds import Fold
from vreid_bench.planning.plan import Plan
from vreid_bench.records.run_directory import RunDirectory
from vreid_bench.registry.registry import Registry
from vreid_bench.system.environment import Meter


@dataclass(frozen=True)
class Run:
    """A plan on its way to a record."""

    plan: Plan
    registry: Registry
    directory: RunDirectory
    reader: Reader
    checkpoint_every: float  # seconds
    pretrained: Pretrained | None = None  # what the encoder begins training from

    @property
    def identity(self) -> dict[str, Any]:
        """What trackers are told of a run."""
        plan = self.plan
        names = {"method": plan.name, "protocol": plan.protocol.name, "preset": plan.preset, "seed": plan.seed}
        return {"id": plan.id, "directory": str(self.directory.path), **names}


@dataclass(frozen=True)
class Work:
    """One of the folds of a run, and where its weights and features lie."""

    number: int
    fold: Fold
    directory: RunDirectory
    meter: Meter


def folded(this: Run) -> Iterator[Work]:
    """The folds that run, each with what a run of other splits has finished of it."""
    plan, total = this.plan, len(this.plan.folds)
    kin = [RunDirectory(path) for path in sorted(this.directory.path.parent.glob(f"{plan.family}*"))]
    for number in plan.chosen:
        directory = this.directory.split(number, total)
        directory.path.mkdir(exist_ok=True)
        directory.adopt(other.split(number, total) for other in kin if total > 1)
        yield Work(number, plan.folds[number], directory, Meter(directory.costs, this.reader.device))


def announce(this: Run, work: Work) -> None:
    """Say on stderr which of several splits it is."""
    if len(this.plan.folds) > 1 and not this.reader.quiet:
        place = this.plan.chosen.index(work.number) + 1
        click.echo(f"split {work.number} ({place} of {len(this.plan.chosen)})", err=True)
