"""From the training sets of a fold to its final weights: trained here, or taken from where they were trained."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click

from vreid_bench.modeling.embed import FrameReader
from vreid_bench.modeling.model import Model
from vreid_bench.planning.folds import Fold, TrainingSet
from vreid_bench.planning.source import Source
from vreid_bench.planning.training_recipe import TrainingRecipe
from vreid_bench.records.adoption import adopt_weights
from vreid_bench.records.run_directory import FoldDirectory, RunDirectory
from vreid_bench.records.weights import load_weights, save_weights
from vreid_bench.system.environment import Machine
from vreid_bench.system.files import write_atomic
from vreid_bench.system.meter import Meter
from vreid_bench.training.checkpoint import Checkpoints
from vreid_bench.training.log import Listener, StepLog
from vreid_bench.training.stages import Training


def report_beginning(source: Source, folder: RunDirectory, quiet: bool) -> None:
    """Say what training begins from, if it is a file: on stderr in short, in the run's folder name by name."""
    if report := source.report():
        write_atomic(folder.pretraining, report.encode())
        if not quiet:
            click.echo(source.report(shown=4), err=True, nl=False)


def train(recipe: TrainingRecipe, fold: Fold, folder: FoldDirectory, machine: Machine, listen: Listener) -> Model:
    """The model of a fold with its final weights, which lie in the fold's folder from then on.

    Where the recipe's source has them, or an equal training has ended in a folder beside this one, they are taken
    from there. `listen` hears the values of the steps that are logged.
    """
    ready, sets, before = recipe.source.weights(fold.number), fold.training, None
    if ready is not None:
        write_atomic(folder.weights, ready.read_bytes())
    elif len(sets) > 1:
        before = folder.pretrained.weights
        if not folder.weights.exists():
            train_on(recipe, sets[:-1], folder.pretrained, None, machine, listen)
    return train_on(recipe, sets, folder, before, machine, listen).to(machine.device)


def train_on(
    recipe: TrainingRecipe,
    sets: Sequence[TrainingSet],
    folder: FoldDirectory,
    before: Path | None,
    machine: Machine,
    listen: Listener,
) -> Model:
    """The model trained on the last of the sets, from the weights `before` that training on the others has left."""
    parts = recipe.build(sets)
    folder.path.mkdir(exist_ok=True)
    made_by = recipe.fingerprint(sets, machine)
    found = adopt_weights(folder, made_by)
    if found and not machine.quiet:
        click.echo(f"trained already: its weights are taken from {found}", err=True)
    if not folder.weights.exists():
        with Meter(folder.costs, machine.device).stage("train", resumes=True) as count:
            if before is None:
                recipe.source.begin(parts.model.encoder)
            else:
                load_weights(before, parts.model)
            reader = FrameReader.of(sets[-1].dataset.root, recipe.method.size, machine)
            checkpoints = Checkpoints(folder.checkpoint, count, machine.checkpoint_every)
            Training(parts, sets[-1].tracklets, reader, recipe.seed).run(checkpoints, StepLog(folder.log, listen))
            save_weights(folder.weights, parts.model, made_by)
    load_weights(folder.weights, parts.model)
    return parts.model
