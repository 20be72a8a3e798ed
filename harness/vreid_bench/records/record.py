"""The record: the result of a run, with everything needed to trust and repeat it, as JSON of a versioned schema."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath
from statistics import fmean, stdev
from typing import Any, Literal, Self

from pydantic import JsonValue, SerializerFunctionWrapHandler, model_serializer, model_validator

from vreid_bench.contracts.precision import DEFAULT
from vreid_bench.contracts.recipe import Preset
from vreid_bench.records.agreement import find_disagreements
from vreid_bench.records.camera_pairs import find_pair_disagreements
from vreid_bench.records.entries import (
    Budget,
    Code,
    Costs,
    DatasetEntry,
    Disclosure,
    Environment,
    MethodEntry,
    ProtocolEntry,
    Weights,
    name_first_weights,
)
from vreid_bench.records.fields import Amount, Count, Entry, Name, Text, Time
from vreid_bench.records.parse import parse
from vreid_bench.records.scores import CameraPairs, Condition, Metrics, People, Result, Splits
from vreid_bench.system.errors import InputError
from vreid_bench.system.fingerprint import digest

AT_TEST = ("test.", "re-ranking: ", "test-time augmentation: ")  # changes that do not touch the weights
LARGEST = 1 << 20  # bytes; a record with 2,730 people takes a fifth of it, so a larger file is not a record


class Record(Entry):
    """The result of one run. Every field is in the file, also where it is null or empty, but those that came later."""

    schema_version: Literal[1]
    created: Time  # UTC
    method: MethodEntry
    code: Code | None  # None: not known
    preset: Preset
    seed: Count
    protocol: ProtocolEntry
    splits: Splits | None  # None: the protocol has one
    dataset: DatasetEntry  # what was tested on
    taught: DatasetEntry | None  # what was trained on first; None: the dataset that was tested on
    conventions: dict[Name, Result]
    conditions: tuple[Condition, ...]  # empty: the protocol tests under one
    not_computable: dict[Name, Text]  # convention -> why it cannot be applied to this test
    # mean diameter of a person's unit vectors over persons, conditions and splits; None: tracklets are not one vector
    cluster_diameter: Amount | None
    people: tuple[People, ...]  # by split; empty: not kept
    weights: Weights
    disclosure: Disclosure
    budget: Budget
    costs: Costs
    backend: Name  # the implementation that ranked: `numpy`, or `native-` and the instruction set
    reranked_by: Name | None  # the same for re-ranking; None: not re-ranked
    clips_by: Name | None  # the same for pairs of clips, `torch` without kernels; None: no clips were compared
    environment: Environment
    # None: not known, one camera, or too many; it is then left out of the file, as of older records
    camera_pairs: CameraPairs | None = None

    @model_serializer(mode="wrap")
    def _leave_out_unknown(self, serialize: SerializerFunctionWrapHandler) -> dict[str, JsonValue]:
        fields: dict[str, JsonValue] = serialize(self)
        return {name: value for name, value in fields.items() if name != "camera_pairs" or value is not None}

    @model_validator(mode="after")
    def _check_agreement(self) -> Self:
        if self.protocol.headline not in self.conventions:
            raise ValueError(f"the headline convention {self.protocol.headline!r} was not scored")
        both = self.conventions.keys() & self.not_computable.keys()
        if both:
            raise ValueError(f"{min(both)!r} is both scored and not computable: one of the two is wrong")
        for name, value in [(self.protocol.name, self.protocol), *self.conventions.items()]:
            if value.rules.get("name") != name:
                raise ValueError(f"the rules of {name!r} are those of {value.rules.get('name')!r}")
        disclosed = self.disclosure.pretraining
        if self.weights.pretrained and disclosed != self.weights.pretraining:
            raise ValueError(f"the disclosed pre-training {disclosed!a} is not that of the weights")
        if self.people and len(self.people) != len(self.conventions[self.protocol.headline].splits):
            raise ValueError("people must have an entry for each split")
        if self.splits:
            # any other test may rank a split several times
            plain = self.protocol.rules.get("test") == {"strategy": "plain"}
            for name, result in self.conventions.items():
                tests, ran = len(result.splits), len(self.splits.ran)
                if tests != ran if plain else tests % ran:
                    raise ValueError(f"{name!r} has scores of {len(result.splits)} splits, but {self.splits.words} ran")
        return self

    @classmethod
    def of(cls, fields: Mapping[str, Any]) -> Record:
        """A record from plain values and entries. Raises InputError, as `from_file` does."""
        text = json.dumps(fields, default=lambda entry: entry.model_dump(mode="json"))
        return cls.from_json(text.encode(), "new record")

    @classmethod
    def from_file(cls, path: Path) -> Record:
        """Read a record. Raises InputError that names the file, the field, what was found and what was expected."""
        try:
            with path.open("rb") as file:
                content = file.read(LARGEST + 1)
        except OSError as fault:
            raise InputError(f"{path}: cannot be read ({fault.strerror})") from fault
        return cls.from_json(content, str(path))

    @classmethod
    def from_json(cls, content: bytes, origin: str) -> Record:
        """Parse a record; `origin` names its source in errors. Raises InputError, as `from_file` does."""
        if len(content) > LARGEST:
            raise InputError(f"{origin}: over {LARGEST} bytes; expected a record, which is much smaller")
        try:
            return parse(content, cls)
        except ValueError as fault:
            raise InputError(f"{origin}: not a valid record: {fault}") from fault

    def to_json(self) -> bytes:
        """The only form of the record on disk: sorted keys, indent 1, ASCII, floats in full precision."""
        return (json.dumps(self.model_dump(mode="json"), sort_keys=True, indent=1, allow_nan=False) + "\n").encode()

    def metrics(self) -> dict[str, Any]:
        """What every `--json` prints: {"conventions": {name: {"mAP": fraction, ..., "queries": count}}}.

        A convention that could not be applied has the reason, `not_computable`, instead of numbers. With several
        splits there are {"splits": {"total", "ran"}} and each convention's `splits`, with an entry for each condition
        and draw in them, and the `sd` over the splits, None for one; with several conditions {"conditions": [{"name",
        "conventions"}]}; {"cluster_diameter"} and {"ties"} where they are known.
        """
        names = set(Metrics.model_fields) | ({"interval", "splits"} if self.splits else {"interval"})
        numbers = {k: v.model_dump(mode="json", include=names) for k, v in self.conventions.items()}
        if self.splits is not None:
            for name in self.conventions:
                means = {metric: self.split_means(name, metric) for metric in Metrics.scores()}
                numbers[name]["sd"] = {metric: stdev(each) if each[1:] else None for metric, each in means.items()}
        refused = {k: {"not_computable": why} for k, why in self.not_computable.items()}
        report: dict[str, Any] = {"conventions": numbers | refused}
        if ties := {k: v.ties.model_dump() for k, v in self.conventions.items() if v.ties is not None}:
            report["ties"] = ties
        if self.cluster_diameter is not None:
            report["cluster_diameter"] = self.cluster_diameter
        if self.splits is not None:
            report["splits"] = self.splits.model_dump(mode="json")
        if self.conditions:
            report["conditions"] = [
                {
                    "name": c.name,
                    "conventions": {k: v.model_dump(mode="json", include=names) for k, v in c.conventions.items()},
                }
                for c in self.conditions
            ]
        return report

    def lend_weights(self, sha256: str) -> Weights:
        """The weights of this run, as the record of another run that tests them names them.

        What this run changed at its test is left out: the weights are the same without it.
        """
        trained_as = self.weights.trained_as  # if this run tested weights as well
        if self.weights.origin != "record":
            trained_as = tuple(words for words in self.changes if not words.startswith(AT_TEST))
        return Weights(
            sha256=sha256,
            origin="record",
            trained_by=self.id,
            trained_under=self.weights.trained_under or self.folder,
            trained_as=trained_as,
            precision=self.weights.precision,
            pretrained=self.weights.pretrained,
        )

    def split_means(self, convention: str, metric: str) -> list[float]:
        """A metric of each split that ran: its mean over the conditions and draws that the row averages."""
        each = [getattr(ranking, metric) for ranking in self.conventions[convention].splits]
        size = len(each) // (len(self.splits.ran) if self.splits else 1)  # the rankings of a split follow one another
        return [fmean(each[start : start + size]) for start in range(0, len(each), size)]

    def disagreements(self) -> list[str]:
        """Which of its scores do not follow from its finer ones, in words."""
        head = self.protocol.headline
        faults = [*find_disagreements(self.conventions, self.conditions, self.people, head)]
        if self.camera_pairs is not None:
            faults += find_pair_disagreements(self.camera_pairs, self.conventions[head])
        return faults

    @property
    def id(self) -> str:
        """sha256 of the record's bytes."""
        return hashlib.sha256(self.to_json()).hexdigest()

    @property
    def folder(self) -> str:
        """Protocol and data source: rows of different folders are never compared."""
        return f"{self.protocol.name}/{self.dataset.source}"

    @property
    def changes(self) -> tuple[str, ...]:
        """In words: everything that makes this run differ from the method at its preset."""
        method, weights, disclosure = self.method, self.weights, self.disclosure
        words = list(method.changes)
        if weights.origin == "file":
            words.append(f"weights from a file ({weights.sha256[:8]})")
        if weights.precision not in (None, DEFAULT):
            words.append(f"trained in {weights.precision}")
        own = [(part, entry) for part, entry in weights.begun if not entry.shipped]
        words += [name_first_weights(part, entry.file, entry.sha256) for part, entry in own]
        if weights.trained_under not in (None, self.folder):
            words.append(f"trained on {weights.trained_under}")
        words += [f"trained with {word}" for word in weights.trained_as if word not in words]
        words += [f"re-ranking: {disclosure.reranking}"] if disclosure.reranking else []
        tta = disclosure.test_time_augmentation
        words += [f"test-time augmentation: {tta}"] if tta else []
        return tuple(words) or (("modified",) if method.modified else ())

    @property
    def variant(self) -> tuple[str, ...]:
        """In words: everything that makes this a row of its own: the changes, and the splits if some were left out."""
        return self.changes + (self.splits.left_out if self.splits else ())


def record_path(record: Record) -> PurePosixPath:
    """The path of a record under `records/`. It follows from the content alone; every name in it was validated."""
    return PurePosixPath(record.folder) / name_file(record.method.name, record.preset, record.seed, record.variant)


def name_file(method: str, preset: Preset, seed: int, variant: Sequence[str]) -> str:
    """The name of the file of a record; variant: `Record.variant`."""
    marked = f"-{digest(list(variant))[:8]}" if variant else ""
    return f"{in_path(method)}-{preset}-seed{seed}{marked}.json"


def in_path(name: str) -> str:
    """A method's name as it stands in a path, valid on every file system."""
    return name.replace(":", "-")
