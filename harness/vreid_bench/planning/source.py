"""Where the weights of a run come from: trained by itself, or by an earlier run (`earlier_run.EarlierRun`)."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from vreid_bench.contracts.precision import DEFAULT, Precision
from vreid_bench.contracts.recipe import Part
from vreid_bench.records.entries import Weights
from vreid_bench.registry.registry import Registry
from vreid_bench.system.progress import tell_once

if TYPE_CHECKING:  # they import torch
    from torch import nn

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

    def begin(self, encoder: nn.Module) -> None:
        """Load the values that training begins from into a new encoder."""
        ...

    def report(self) -> str:
        """What training begins from, name by name; empty if all values are random."""
        ...

    def entry(self, sha256: str) -> Weights:
        """The record's entry for tested weights with that sha256."""
        ...


@dataclass(frozen=True)
class NewTraining:
    """The run trains its weights: from random ones, or from those of a file that the user has (`--weights`)."""

    pretrained: PretrainedWeights | None = None
    precision: Precision = DEFAULT

    trains = True

    @classmethod
    def open(
        cls, weights: str | None, encoder: Part, registry: Registry, quiet: bool, precision: Precision
    ) -> NewTraining:
        """Read the file that `--weights` names and match it with the encoder, with a report on stderr.

        Raises InputError for a file that does not fit the encoder.
        """
        if weights is None:
            return cls(precision=precision)
        from vreid_bench.modeling.pretrained import fit_file, weights_file  # imports torch, to read tensors

        pretrained = fit_file(weights_file(weights), encoder, registry)
        if not quiet:
            tell_once(pretrained.report(shown=4).rstrip())
        return cls(pretrained, precision)

    @property
    def fingerprints(self) -> dict[str, str]:
        """The file that the encoder begins from, if there is one."""
        return {"pretrained": self.pretrained.file.sha256} if self.pretrained else {}

    def weights(self, fold: int) -> Path | None:
        """None: every fold is trained."""
        return None

    def begin(self, encoder: nn.Module) -> None:
        """Load the file's values into the encoder."""
        if self.pretrained is not None:
            self.pretrained.load(encoder)

    def report(self) -> str:
        """What the encoder takes from the file."""
        return self.pretrained.report() if self.pretrained else ""

    def entry(self, sha256: str) -> Weights:
        """The entry for weights that this run trained."""
        return Weights(
            sha256=sha256,
            origin="trained",
            trained_by=None,
            trained_under=None,
            trained_as=(),
            precision=self.precision,
            pretrained=self.pretrained.entry if self.pretrained else None,
        )
