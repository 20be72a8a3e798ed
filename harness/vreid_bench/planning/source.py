"""Where the weights of a run come from: trained by itself, or by an earlier run (`earlier_run.EarlierRun`), or from a
checkpoint of another program (`checkpoint.CheckpointWeights`)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from vreid_bench.contracts.precision import DEFAULT, Precision
from vreid_bench.contracts.recipe import Method
from vreid_bench.modeling.weights_option import WeightsFile
from vreid_bench.records.entries import Weights
from vreid_bench.registry.registry import Registry
from vreid_bench.system.progress import tell_once

if TYPE_CHECKING:  # they import torch
    from vreid_bench.modeling.model import Model
    from vreid_bench.modeling.pretrained import PretrainedWeights


class Source(Protocol):
    """Where the weights of every fold come from."""

    @property
    def trains(self) -> bool:
        """Does the run train them itself?"""
        ...

    @property
    def fingerprints(self) -> dict[str, str]:
        """The files that decide the weights, besides data, recipe and seed: role of the file -> sha256."""
        ...

    @property
    def precision(self) -> Precision | None:
        """Of the network in the training of the weights; None if that is not known."""
        ...

    def weights(self, fold: int) -> Path | None:
        """The file with the trained weights of a fold; None if the fold has to be trained."""
        ...

    def begin(self, model: Model) -> None:
        """Load the values that training begins from into a new model."""
        ...

    def report(self) -> str:
        """What training begins from, name by name; empty if all values are random."""
        ...

    @property
    def disclosure(self) -> str:
        """What a record says of weights whose training is not known; empty if it is known."""
        ...

    def entry(self, sha256: str) -> Weights:
        """The record's entry for tested weights with that sha256."""
        ...


def _fit(
    files: Sequence[WeightsFile], method: Method, registry: Registry, quiet: bool
) -> tuple[PretrainedWeights, ...]:
    if not files:
        return ()
    from vreid_bench.modeling.pretrained import fit_files  # imports torch, to read tensors

    fitted = fit_files(files, method, registry)
    if not quiet:
        tell_once("".join(each.report(shown=4) for each in fitted).rstrip())
    return fitted


@dataclass(frozen=True)
class NewTraining:
    """The run trains its weights: from random ones, or from those of files that the user has (`--weights`)."""

    files: tuple[WeightsFile, ...] = ()  # of each part that begins from a file
    precision: Precision = DEFAULT
    fit: Callable[[], tuple[PretrainedWeights, ...]] = tuple  # reads them and matches them with the parts, once

    trains = True
    disclosure = ""

    @classmethod
    def open(
        cls, files: Sequence[WeightsFile], method: Method, registry: Registry, quiet: bool, precision: Precision
    ) -> NewTraining:
        """Read the files that `--weights` names and match them with the parts, with a report on stderr.

        Shipped files fit, so they are read when the training begins: a finished run is shown again without them.
        Raises InputError for a file that does not fit its part.
        """
        source = cls(tuple(files), precision, cache(partial(_fit, files, method, registry, quiet)))
        if any(not file.shipped for file in files):
            source.fit()
        return source

    @property
    def fingerprints(self) -> dict[str, str]:
        """The files that parts begin from."""
        return {f"pretrained {file.part}": file.sha256 for file in self.files}

    def weights(self, fold: int) -> Path | None:
        """None: every fold is trained."""
        return None

    def begin(self, model: Model) -> None:
        """Load the files' values into the parts."""
        for each in self.fit():
            each.load(getattr(model, each.file.part))

    def report(self) -> str:
        """What each part takes from its file."""
        return "".join(each.report() for each in self.fit())

    def entry(self, sha256: str) -> Weights:
        """The entry for weights that this run trained."""
        return Weights(
            sha256=sha256,
            origin="trained",
            trained_by=None,
            trained_under=None,
            trained_as=(),
            precision=self.precision,
            pretrained={each.file.part: each.entry for each in self.fit()} or None,
        )
