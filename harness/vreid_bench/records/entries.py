"""What a run was: the method, the rules, the data, the weights, what it took and where it ran."""

from __future__ import annotations

from typing import Any, ClassVar, Literal, Self

from pydantic import JsonValue, model_validator

from vreid_bench.contracts.convention import Convention
from vreid_bench.contracts.dataset import Source
from vreid_bench.contracts.protocol import Protocol
from vreid_bench.records.fields import Amount, Count, Entry, Fraction, Hash, MethodName, Name, Text
from vreid_bench.system.fingerprint import digest


class Provider(Entry):
    """Who provides one part of the run."""

    kind: Name
    name: Text
    distribution: Text
    version: Text


class ReportedNumber(Entry):
    """`vreid_bench.contracts.recipe.Reported`: one number as its paper prints it."""

    dataset: Text
    metric: Text
    value: Fraction
    where: Text
    note: Text = ""
    reranked: bool = False

    later: ClassVar[tuple[str, ...]] = ("reranked",)


class MethodEntry(Entry):
    """What ran, with every option resolved, and how far it is from what was published."""

    name: MethodName
    paper: Text
    recipe: dict[str, JsonValue]  # encoder, aggregator, matcher, losses, stages, test clipping, size
    providers: tuple[Provider, ...]
    overrides: dict[str, JsonValue]  # path -> value, of `--set`
    swapped: Text | None  # the component that stands in the baseline recipe, e.g. "aggregator personvlad"
    modified: bool  # such a row never passes for the published method
    reported: tuple[ReportedNumber, ...]
    quoted: tuple[ReportedNumber, ...] = ()  # of other systems, from the same paper's tables

    later: ClassVar[tuple[str, ...]] = ("quoted",)

    @model_validator(mode="after")
    def _owns_up(self) -> Self:
        if (self.overrides or self.swapped) and not self.modified:
            raise ValueError("a method with overrides or a swapped component is modified")
        return self


class Ruled(Entry):
    """Rules by fingerprint: the digest of the rules as printed here, so neither can change alone."""

    version: Text
    fingerprint: Hash
    rules: dict[str, JsonValue]

    @model_validator(mode="after")
    def _matches(self) -> Self:
        if digest(self.rules) != self.fingerprint or self.rules.get("version") != self.version:
            raise ValueError("version, fingerprint and rules disagree")
        return self


class ProtocolEntry(Ruled):
    """The protocol that ran."""

    name: Name
    headline: Name


def ruled(rule: Protocol | Convention) -> dict[str, Any]:
    """`version`, `fingerprint` and `rules` of a protocol or convention, as the record holds them."""
    return {"version": rule.version, "fingerprint": rule.fingerprint, "rules": rule.rules}


class DatasetEntry(Entry):
    """The data as it lay on disk."""

    name: Name
    fingerprint: Hash
    source: Source
    notes: tuple[Text, ...]  # banners, e.g. that the data was withdrawn
    counts: dict[str, Count]


class Pretraining(Entry):
    """The file that the encoder's training began from."""

    file: Text  # its name
    sha256: Hash
    names: Text  # whose names its tensors have
    taken: Count  # how many tensors of the encoder it filled
    tensors: Count  # of how many

    @property
    def words(self) -> str:
        """All of it on one line."""
        return f"{self.file} (sha256 {self.sha256}), {self.taken} of {self.tensors} tensors, names of {self.names}"


class Weights(Entry):
    """The weights that were tested, and where they come from."""

    sha256: Hash
    origin: Literal["trained", "record", "file"]  # by this run, by another record's run, or unknown
    trained_by: Hash | None = None  # id of that other record
    trained_under: Text | None = None  # its folder: protocol/source
    trained_as: tuple[Text, ...] = ()  # its variant
    pretrained: Pretraining | None = None  # what their training began from; None: random weights

    later: ClassVar[tuple[str, ...]] = ("pretrained",)

    @model_validator(mode="after")
    def _agrees(self) -> Self:
        if (self.origin == "record") != (self.trained_by is not None and self.trained_under is not None):
            raise ValueError("trained_by and trained_under belong to weights of origin 'record', and to those alone")
        return self


class Disclosure(Entry):
    """What a reader should know before comparing the numbers."""

    selected_on: Literal["none", "dev", "test"]
    camera_id_at_test: bool
    reranking: Text | None
    test_time_augmentation: Text | None
    pretraining: Text | None  # what the encoder had learned before, e.g. "ImageNet-1k"
    corruption_in_training: Text | None = None  # what spoiled clips that were trained on

    later: ClassVar[tuple[str, ...]] = ("corruption_in_training",)


class Budget(Entry):
    """What training took and what it made. Per step of the largest stage; steps over all stages."""

    identities: Count
    tracklets: Count
    clips: Count
    frames: Count
    steps: Count
    parameters: Count
    embedding: Count  # numbers per tracklet as matched
    # per clip at test, of encoder and aggregator: what matrix products and convolutions take
    multiply_adds: Count | None = None

    later: ClassVar[tuple[str, ...]] = ("multiply_adds",)


class Cost(Entry):
    """Wall-clock and processor time, and the highest memory in use, of the process or of the device's pool."""

    seconds: Amount
    cpu_seconds: Amount
    peak_mb: Amount


class Costs(Entry):
    """By stage of the run; none where it was not counted, as `train` in a run that loads its weights."""

    train: Cost | None
    embed: Cost | None
    score: Cost


class Environment(Entry):
    """Where it ran."""

    python: Text
    packages: dict[str, Text]  # name -> version: torch, numpy, vreid-bench
    machine: Text
    cpu: Text | None
    device: Text
    threads: Count
