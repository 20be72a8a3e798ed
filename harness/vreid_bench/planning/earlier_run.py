"""The weights of a finished run, tested again (`--from`)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vreid_bench.contracts.dataset import Dataset
from vreid_bench.contracts.people import DISTRACTOR
from vreid_bench.contracts.precision import Precision
from vreid_bench.contracts.protocol import Protocol as TestProtocol
from vreid_bench.contracts.recipe import Preset
from vreid_bench.planning.code import find_other_code
from vreid_bench.planning.data_root import read_dataset
from vreid_bench.planning.folds import Fold, divide
from vreid_bench.planning.method import OF_TEST, ChosenMethod, MethodRequest
from vreid_bench.planning.protocols import find_protocol
from vreid_bench.records.data_roots import read_data_roots
from vreid_bench.records.entries import Weights
from vreid_bench.records.named_run import find_run
from vreid_bench.records.record import Record
from vreid_bench.records.run_directory import RunDirectory
from vreid_bench.registry.assigned_values import name_option
from vreid_bench.registry.assignments import override
from vreid_bench.registry.entry import Entry
from vreid_bench.registry.missing_plugins import advise_plugin, check_parts
from vreid_bench.registry.plugin_files import HASH, shorten_version
from vreid_bench.registry.registry import Registry
from vreid_bench.registry.settings import describe
from vreid_bench.system.errors import InputError, UnknownName
from vreid_bench.system.fingerprint import sha256
from vreid_bench.system.progress import tell_once

if TYPE_CHECKING:  # planning does not import torch
    from vreid_bench.modeling.model import Model


@dataclass(frozen=True)
class EarlierRun:
    """A `Source` that takes the weights of a finished run."""

    folder: RunDirectory
    record: Record

    trains = False
    disclosure = ""

    @classmethod
    def open(
        cls,
        run: Path,
        runs: Path,
        given: tuple[str | None, Preset | None, int | None, Precision | None],
    ) -> EarlierRun:
        """The run with that path or id.

        given: method, preset, seed and precision of the new run; None means that of the earlier run.
        Raises InputError if they differ, if the run is not finished, or if its record is not valid.
        """
        *choices, precision = given
        if precision is not None:
            raise InputError(f"--precision {precision}: is of a training, but --from does not train; leave one out")
        folder = find_run(run, runs)
        record = Record.from_file(folder.record)
        if record.weights.origin == "file":
            raise InputError(
                f"--from {run}: its weights are those of a checkpoint of {record.method.name}, which that run only "
                "tested; name the file itself with --checkpoint"
            )
        was = record.method.name, record.preset, record.seed
        if any(new not in (None, old) for new, old in zip(choices, was, strict=True)):
            words = "{}, preset {}, seed {}".format(*was)
            raise InputError(f"--from {run}: its weights are those of {words}; leave --plugin, --preset and --seed out")
        return cls(folder, record)

    def find_protocol(self, registry: Registry, name: str | None) -> TestProtocol:
        """The protocol of that name, or its own.

        Raises InputError, with what to do, if no plugin provides its own protocol or a part of its method now.
        """
        providers = [each.model_dump() for each in self.record.method.providers]
        check_parts(self.folder.path, providers, registry)
        known = registry.values("protocols")
        if name is not None:
            return find_protocol(known, name)
        try:
            return find_protocol(known, self.record.protocol.name)
        except UnknownName as fault:
            raise InputError(f"{self.folder.path}: {fault}; {advise_plugin(providers)}") from fault

    @property
    def method_request(self) -> MethodRequest:
        """The method of the earlier run, as a request."""
        method, preset, seed = self.record.method, self.record.preset, self.record.seed
        return MethodRequest(method.name, preset, seed, method.assignments, trained=True, held_out=method.held_out)

    @property
    def fingerprints(self) -> dict[str, str]:
        """The sha256 of the weights of all its folds."""
        return {"weights": self.record.weights.sha256}

    @property
    def precision(self) -> Precision | None:
        """Of the network in their training."""
        return self.record.weights.precision

    @property
    def budget(self) -> dict[str, int]:
        """The size of its training, as `Method.budget` has it."""
        return self.record.budget.model_dump(include={"identities", "tracklets", "clips", "frames", "steps"})

    @property
    def folds(self) -> tuple[int, ...]:
        """The folds whose weights it has."""
        return (0,) if self.record.splits is None else self.record.splits.ran

    @property
    def total(self) -> int:
        """How many folds its protocol has."""
        return 1 if self.record.splits is None else self.record.splits.total

    def weights(self, fold: int) -> Path:
        """The file with the weights of a fold; a run of one fold serves every fold."""
        return self.folder.fold(fold % self.total, self.total).weights

    def begin(self, model: Model) -> None:
        """Do nothing: these weights are already trained."""

    def report(self) -> str:
        """Empty: nothing is trained."""
        return ""

    def entry(self, sha256: str) -> Weights:
        """The entry for weights that the earlier run trained, or loaded itself."""
        return self.record.lend_weights(sha256)

    @property
    def data_roots(self) -> dict[str, Path]:
        """Where its data was, by name of the data set."""
        return read_data_roots(self.folder.path)

    def check_data(self, datasets: Mapping[str, Dataset], protocol: TestProtocol) -> None:
        """Raises InputError if one of its own data sets is not what its record has.

        datasets: those of `protocol`, by name. One that `protocol` divides in another way, or whose folder the run
        did not keep, is not compared.
        """
        rules: dict[str, Any] = dict(self.record.protocol.rules)
        tested = rules["target"] or rules["dataset"]
        entries = {rules["dataset"]: self.record.taught or self.record.dataset, tested: self.record.dataset}
        before = {rules["target"]: rules["target_variant"], rules["dataset"]: rules["variant"]}
        now = {protocol.target: protocol.target_variant, protocol.dataset: protocol.variant}
        for name in datasets.keys() & entries.keys() & self.data_roots.keys():
            new, old = datasets[name], entries[name]
            same_lists = (new.fingerprint, new.source) == (old.fingerprint, old.source)
            same_pictures = old.content in (None, new.content)
            if before[name] == now[name] and not (same_lists and same_pictures):
                what = "has other pictures than" if same_lists else "differs from"
                raise InputError(
                    f"{new.root}: {what} the {name} data that {self.folder.path} used; restore that data, "
                    "or name the copy to test on with --data"
                )

    def check(
        self, chosen: ChosenMethod, protocol: TestProtocol, every: Sequence[Fold], numbers: Sequence[int], tested: Entry
    ) -> None:
        """Raises InputError if its weights cannot be tested on the folds `numbers` of `every`.

        The recipe and the weights must be those of its record, and it must not have trained on a person who is queried.
        tested: the reader of the tested dataset.
        """
        self._check_files(chosen)
        if describe(chosen.inherited) != self.record.method.settings:
            raise InputError(
                f"--from: the recipe of {chosen.name!r} has changed since that run; train it anew, or install the "
                f"version that trained it ({self.record.environment.packages.get('vreid-bench', 'unknown')})"
            )
        for number in sorted({*self.folds, *(number % self.total for number in numbers)}):
            file = self.weights(number)
            if number not in self.folds:
                raise InputError(
                    f"--from {self.folder.path}: it has no weights for split {number}; choose others with --splits"
                )
            if not file.exists():
                name = file.relative_to(self.folder.path)
                raise InputError(f"--from {self.folder.path}: {name} is missing; repeat the command of that run")
        if sha256(b"".join(self.weights(number).read_bytes() for number in self.folds)) != self.record.weights.sha256:
            raise InputError(f"--from {self.folder.path}: its weights differ from those of its record; train anew")
        for trained in self._list_training_protocols(protocol):
            dataset = read_dataset(tested, trained.variant, every[0].dataset.root)
            before = divide(trained, {trained.dataset: dataset}, trains=False)
            for fold in every:
                [training] = before[fold.number % len(before)].training
                persons = {tracklet.pid for tracklet in training.tracklets}
                queried = {fold.test.test[row].pid: fold.test.test[row].person_name for row in fold.test.query}
                seen = sorted(pid for pid in persons & queried.keys() if pid > DISTRACTOR)
                if seen:
                    raise InputError(
                        f"--from: {self.record.protocol.name} trained on {len(seen)} of the people whom "
                        f"{protocol.name} queries, such as {queried[seen[0]]}, which makes the test invalid; train "
                        "under this protocol"
                    )

    def _check_files(self, chosen: ChosenMethod) -> None:
        """Raises InputError if a part was a file (`--plugin FILE.py`), and is now another one or of a package."""
        now = {(each["kind"], each["name"]): str(each["version"]) for each in chosen.providers}
        for was in self.record.method.providers:
            there = now.get((was.kind, was.name), was.version)
            if was.version.startswith(HASH) and there != was.version:
                raise InputError(
                    f"--from {self.folder.path}: its {was.kind} {was.name!r} was the file {was.distribution} with "
                    f"{shorten_version(was.version)}, found {shorten_version(there)}; name that file with --plugin, or "
                    "train anew"
                )

    def tell_other_code(self, registry: Registry) -> None:
        """Print to stderr what of its code is not what is installed now, if anything is."""
        if other := "; ".join(find_other_code(self.record, registry)):
            tell_once(f"note: {self.folder.path} ran with {other}")

    def tell_idle(self, assignments: Sequence[str], chosen: ChosenMethod, registry: Registry) -> None:
        """Print to stderr which of these assignments, all of this request, set what its method has already."""
        unchanged = (each for each in assignments if not override(chosen.inherited, [each], registry, OF_TEST)[1])
        idle = [f"{name_option(each)} {each}" for each in unchanged]
        if idle:
            verb = "changes" if len(idle) == 1 else "change"
            tell_once(f"note: {' and '.join(idle)} {verb} nothing: {self.folder.path} was tested so")

    def _list_training_protocols(self, protocol: TestProtocol) -> list[TestProtocol]:
        """`protocol` with each training part of the earlier run that belongs to the tested dataset."""
        rules: dict[str, Any] = dict(self.record.protocol.rules)
        parts = [(rules["dataset"], rules["variant"], rules["holdout"])]
        if rules["fine_tune"]:
            parts.append((rules["target"], rules["target_variant"], 0.0))
        return [
            replace(
                protocol, dataset=name, variant=variant, holdout=holdout, target="", target_variant="", fine_tune=0.0
            )
            for name, variant, holdout in parts
            if name == protocol.test_dataset
        ]
