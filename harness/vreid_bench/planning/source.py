"""Where the weights of a run come from: it trains them, or another run has (`--from`). Decided once, in planning."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol

from torch import nn

from vreid_bench.contracts.dataset import people
from vreid_bench.contracts.protocol import Protocol as TestProtocol
from vreid_bench.modeling.pretrained import Pretrained
from vreid_bench.planning.folds import Fold, divide, read_dataset
from vreid_bench.records.entries import Weights
from vreid_bench.records.record import Record
from vreid_bench.records.run_directory import RunDirectory, find_run
from vreid_bench.registry.registry import Registry
from vreid_bench.system.errors import InputError
from vreid_bench.system.fingerprint import sha256


class Source(Protocol):
    """Where the weights of every fold come from."""

    @property
    def trains(self) -> bool:
        """Does the run train them itself?"""
        ...

    @property
    def fingerprints(self) -> dict[str, str]:
        """The files that decide the weights, beside data, recipe and seed: what each is -> its sha256."""
        ...

    def weights(self, fold: int) -> Path | None:
        """The file with the finished weights of a fold; None if the fold has to be trained."""
        ...

    def begin(self, encoder: nn.Module) -> None:
        """Put the values that training begins from into a new encoder."""
        ...

    def report(self, shown: int | None = None) -> str:
        """What training begins from, with so many names for each reason (None: all); empty if it is nothing."""
        ...

    def entry(self, sha256: str) -> Weights:
        """The record's entry for tested weights of that sha256."""
        ...


@dataclass(frozen=True)
class NewTraining:
    """The run trains its weights: from random ones, or from those of a file that the user has (`--weights`)."""

    pretrained: Pretrained | None = None

    trains = True

    @property
    def fingerprints(self) -> dict[str, str]:
        """The file that the encoder begins from, if there is one."""
        return {"pretrained": self.pretrained.file.sha256} if self.pretrained else {}

    def weights(self, fold: int) -> Path | None:
        """None: every fold is trained."""
        return None

    def begin(self, encoder: nn.Module) -> None:
        """Put the file's values into the encoder."""
        if self.pretrained is not None:
            self.pretrained.load(encoder)

    def report(self, shown: int | None = None) -> str:
        """What the encoder takes from the file, with so many names for each reason (None: all)."""
        return self.pretrained.report(shown) if self.pretrained else ""

    def entry(self, sha256: str) -> Weights:
        """Weights that this run has trained."""
        return Weights(sha256=sha256, origin="trained", pretrained=self.pretrained.entry if self.pretrained else None)


@dataclass(frozen=True)
class EarlierRun:
    """The weights of a finished run, tested again (`--from`)."""

    folder: RunDirectory
    record: Record

    trains = False

    @classmethod
    def open(cls, run: Path, runs: Path) -> EarlierRun:
        """The run of that path or id. Raises InputError if it is not finished, or its record is not valid."""
        folder = find_run(run, runs)
        return cls(folder, Record.from_file(folder.record))

    @property
    def fingerprints(self) -> dict[str, str]:
        """The weights of all its folds together."""
        return {"weights": self.record.weights.sha256}

    @property
    def folds(self) -> tuple[int, ...]:
        """The folds that it has weights of."""
        return (0,) if self.record.splits is None else self.record.splits.ran

    @property
    def total(self) -> int:
        """How many folds its protocol has."""
        return 1 if self.record.splits is None else self.record.splits.total

    def weights(self, fold: int) -> Path:
        """The file with the weights of a fold; a run of one fold serves every fold."""
        return self.folder.fold(fold % self.total, self.total).weights

    def begin(self, encoder: nn.Module) -> None:
        """Nothing begins: these weights are finished."""

    def report(self, shown: int | None = None) -> str:
        """Nothing: no training begins."""
        return ""

    def entry(self, sha256: str) -> Weights:
        """Weights that the earlier run has trained, or loaded itself."""
        return self.record.reused(sha256)

    def check_weights(self, folds: Iterable[int]) -> None:
        """Raises InputError if it lacks the weights of one of these folds, or they are not those of its record."""
        for number in sorted({*self.folds, *(fold % self.total for fold in folds)}):
            if number not in self.folds:
                raise InputError(
                    f"--from {self.folder.path}: it has no weights of split {number}; choose others with --splits"
                )
            if not (file := self.weights(number)).exists():
                name = file.relative_to(self.folder.path)
                raise InputError(f"--from {self.folder.path}: {name} is missing, so there is nothing to evaluate")
        if sha256(b"".join(self.weights(number).read_bytes() for number in self.folds)) != self.record.weights.sha256:
            raise InputError(
                f"--from {self.folder.path}: its weights are not those that its record was made with; train anew"
            )

    def check_unseen(self, protocol: TestProtocol, folds: Sequence[Fold], registry: Registry) -> None:
        """Raises InputError if the weights were trained on people who are queries of one of these folds."""
        for trained in self._trained_under(protocol):
            reader = registry.get("datasets", trained.dataset)
            dataset = read_dataset(reader, trained.dataset, trained.variant, folds[0].dataset.root)
            before = divide(trained, {trained.dataset: dataset})
            for fold in folds:
                [training] = before[fold.number % len(before)].training
                seen = set(people(training.tracklets)) & {fold.test.test[row].pid for row in fold.test.query}
                if seen:
                    raise InputError(
                        f"--from: {self.record.protocol.name} trained on {len(seen)} of the people whom "
                        f"{protocol.name} queries; a test on them says nothing, so train under this protocol"
                    )

    def _trained_under(self, protocol: TestProtocol) -> list[TestProtocol]:
        """`protocol` with the training parts of the earlier run, of those that are of the dataset to be tested."""
        rules: dict[str, Any] = dict(self.record.protocol.rules)
        parts = [(rules["dataset"], rules["variant"], rules["holdout"])]
        if rules["fine_tune"]:
            parts.append((rules["target"], rules["target_variant"], 0.0))
        return [
            replace(
                protocol, dataset=name, variant=variant, holdout=holdout, target="", target_variant="", fine_tune=0.0
            )
            for name, variant, holdout in parts
            if name == protocol.tested
        ]
