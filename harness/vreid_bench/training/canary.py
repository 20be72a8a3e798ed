"""Whether this machine repeats a training under portable arithmetic to the last bit: the weights of a few steps.

`leaderboard/canary.json` has the sha256 of the weights of one method for each family of encoders. Write it again after
a change to what training computes:

    python -m vreid_bench.training.canary --write
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from vreid_bench.contracts.recipe import Train
from vreid_bench.system.arithmetic import PINS, choose_arithmetic, explain_processor
from vreid_bench.system.errors import RunError
from vreid_bench.system.files import write_atomic

if TYPE_CHECKING:  # the arithmetic is chosen before torch is imported
    from torch import nn

CANARY = Path(__file__).parents[3] / "leaderboard" / "canary.json"  # of a checkout
STEPS = 5  # of each stage: a difference in the first step stays
PEOPLE, CAMERAS, SIZE = 4, 3, (64, 32)  # of the rendered world


@dataclass(frozen=True)
class Canary:
    """The weights that a training must end in."""

    torch: str  # the version that computed them, with its build: others may have other bits
    weights: dict[str, str]  # method -> sha256

    @classmethod
    def read(cls) -> Canary:
        """The one of this checkout. Raises OSError if the package was installed without it."""
        return cls(**json.loads(CANARY.read_text()))

    def write(self) -> None:
        """Write it into this checkout."""
        write_atomic(CANARY, (json.dumps(asdict(self), indent=1, sort_keys=True) + "\n").encode())


def train_apart(methods: Sequence[str]) -> Canary:
    """Train these methods in a process of its own, under portable arithmetic. Raises RunError if that fails."""
    command = [sys.executable, "-m", "vreid_bench.training.canary", *methods]
    environment = {name: value for name, value in os.environ.items() if name not in ("VREID_NATIVE", *PINS)}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RunError(f"the training of {', '.join(methods)} failed: {done.stderr.strip().splitlines()[-1]}")
    return Canary(**json.loads(done.stdout))


def compare_here(*, every: bool) -> str:
    """In words: does this machine repeat the first of the trainings, or `every` one?"""
    if reason := explain_processor():
        return f"not compared: {reason}"
    try:
        expected = Canary.read()
    except OSError:
        return f"not compared: {CANARY} is not there; it is part of a checkout"
    methods = list(expected.weights)[: None if every else 1]
    try:
        found = train_apart(methods)
    except RunError as fault:
        return f"not compared: {fault}"
    if other := [name for name in methods if found.weights[name] != expected.weights[name]]:
        build = "" if found.torch == expected.torch else f" (by torch {expected.torch}; here is {found.torch})"
        return f"{', '.join(other)}: other weights than those of {CANARY.name}{build}; scores differ as of another seed"
    return f"{', '.join(methods)}: the same weights as elsewhere, to the last bit"


def train_few_steps(method: str, data: Path) -> nn.Module:
    """The model of a method at preset small after STEPS steps of each of its stages on the people of `data`."""
    from vreid_bench.planning.plan import RunRequest, plan_run
    from vreid_bench.records.run_directory import FoldDirectory
    from vreid_bench.registry.registry import Registry
    from vreid_bench.system.environment import prepare
    from vreid_bench.training.train import TrainingRecipe, train

    registry = Registry.installed()
    stages = registry.values("methods")[method]("small").stages
    assignments = tuple(f"stages.{at}.steps={STEPS}" for at, stage in enumerate(stages) if isinstance(stage, Train))
    request = RunRequest(method, "mars", data, "small", assignments=assignments, quiet=True, device="cpu")
    plan = plan_run(registry, request, dry=True)
    with tempfile.TemporaryDirectory() as folder:
        place = FoldDirectory(Path(folder), Path(folder), alone=True)
        machine = prepare("cpu", None, quiet=True)
        return train(TrainingRecipe.of(plan), plan.folds[0], place, machine, lambda *_: None)


def hash_weights(module: nn.Module) -> str:
    """sha256 over names and bytes of the module's state."""
    total = hashlib.sha256()
    for name, value in sorted(module.state_dict().items()):
        total.update(name.encode())
        total.update(value.contiguous().numpy().tobytes())
    return total.hexdigest()


def train_here(methods: Sequence[str]) -> Canary:
    """Train these methods in this process, which holds to portable arithmetic from now on."""
    choose_arithmetic("portable")
    import torch

    from vreid_bench.registry.registry import Registry

    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder) / "mars"
        reader = Registry.installed().entry("datasets", "mars").value
        reader.synthesize(data, ids=PEOPLE, cameras=CAMERAS, size=SIZE, workers=1, progress=False)
        weights = {method: hash_weights(train_few_steps(method, data)) for method in methods}
    return Canary(torch.__version__, weights)


def main(arguments: Sequence[str]) -> None:
    """Print the weights of the methods, or `--write` those of CANARY again."""
    if list(arguments) == ["--write"]:
        train_here(list(Canary.read().weights)).write()
    else:
        sys.stdout.write(json.dumps(asdict(train_here(arguments))))


if __name__ == "__main__":
    main(sys.argv[1:])
