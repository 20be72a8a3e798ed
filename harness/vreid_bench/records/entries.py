"""The parts of a record that say what ran: method, rules, data, weights, costs, environment."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any, Literal, Self, cast, get_args

from pydantic import JsonValue, SerializerFunctionWrapHandler, model_serializer, model_validator

from vreid_bench.contracts.convention import Convention
from vreid_bench.contracts.dataset import Source
from vreid_bench.contracts.precision import Precision
from vreid_bench.contracts.protocol import Protocol
from vreid_bench.contracts.recipe import LOADABLE, Loadable
from vreid_bench.records.fields import Amount, Count, Entry, Fraction, Hash, MethodName, Name, Text
from vreid_bench.system.arithmetic import Arithmetic
from vreid_bench.system.fingerprint import digest

# rules of a protocol that make it special, unless they have one of the plain values
SPECIAL = ("holdout", "target", "test")
PLAIN: tuple[JsonValue, ...] = (None, "", 0.0, {"strategy": "plain"})
# The entry that `--validate` makes among the overrides. It is no setting: the share of the training people who are
# held out of training.
HELD_OUT = "validate.held-out"
# What a recipe with lengths in epochs has beside its settings: each training with its people and its lengths in steps.
TRAININGS = "trainings"
# The entry that `--from-scratch` makes among the overrides. It is no setting: the parts that the method begins from
# published weights, and that began from random ones.
FROM_SCRATCH = "from-scratch"
NO_SETTINGS = (HELD_OUT, FROM_SCRATCH)


class Provider(Entry):
    """Who provides one part of the run."""

    kind: Name
    name: Text
    distribution: Text
    version: Text
    code: Hash | None  # of a part: its source code, with what it imports from its distribution; None: not known


class Code(Entry):
    """Hashes over the code that a run's numbers belong to, of its parts and of the harness."""

    training: Hash
    features: Hash
    test: Hash


class ReportedNumber(Entry):
    """One number as its paper prints it: `vreid_bench.contracts.recipe.Reported`."""

    dataset: Text
    metric: Text
    value: Fraction
    where: Text
    note: Text
    reranked: bool
    condition: Text  # of the protocol; empty: what the protocol ranks by
    settings: dict[str, JsonValue]  # of the method, path -> value; empty: as declared


class MethodEntry(Entry):
    """The method that ran, with every option filled in, and how it differs from the published one."""

    name: MethodName
    paper: Text  # empty where a part is in the baseline, as are the numbers
    recipe: dict[str, JsonValue]  # encoder, aggregator, matcher, losses, stages, test clipping, size; and TRAININGS
    providers: tuple[Provider, ...]
    overrides: dict[str, JsonValue]  # path -> value, of `--set`; `validate.held-out`, `from-scratch`
    swapped: Text | None  # the part that was put into the baseline recipe, e.g. "aggregator personvlad"
    modified: bool  # True: its row is never taken for the published method
    reported: tuple[ReportedNumber, ...]
    quoted: tuple[ReportedNumber, ...]  # of other systems, from the same paper's tables

    @model_validator(mode="after")
    def _check_modified(self) -> Self:
        if (self.overrides or self.swapped) and not self.modified:
            raise ValueError("a method with overrides or a swapped part is modified")
        return self

    @model_validator(mode="after")
    def _check_held_out(self) -> Self:
        share = self.held_out
        if share is not None and not (isinstance(share, float) and 0 < share <= 0.5):
            raise ValueError(f"the override {HELD_OUT} must be a share above 0 and up to 0.5")
        return self

    @property
    def held_out(self) -> float | None:
        """The share of the training people whom `--validate` held out of training; None: nobody."""
        return cast("float | None", self.overrides.get(HELD_OUT))

    @property
    def from_scratch(self) -> tuple[str, ...]:
        """The parts that began from random weights though the method begins them from published ones."""
        return tuple(cast("list[str]", self.overrides.get(FROM_SCRATCH, [])))

    @property
    def changes(self) -> tuple[str, ...]:
        """In words: the swapped part and the settings that were changed."""
        return list_changes(self.swapped, self.overrides)

    @property
    def settings(self) -> dict[str, JsonValue]:
        """The recipe without what followed from the data."""
        return {name: value for name, value in self.recipe.items() if name != TRAININGS}

    @property
    def trainings(self) -> list[dict[str, Any]]:
        """What its lengths in epochs were in steps; empty if all were given in steps."""
        return cast("list[dict[str, Any]]", self.recipe.get(TRAININGS, []))

    @property
    def assignments(self) -> list[str]:
        """The overrides as `--set` takes them."""
        return [f"{path}={json.dumps(value)}" for path, value in self.overrides.items() if path not in NO_SETTINGS]


def list_changes(swapped: str | None, overrides: Mapping[str, Any], reranking: str | None = None) -> tuple[str, ...]:
    """In words: the part that was put into the baseline recipe, the settings that were changed, the re-ranker."""
    settings = (f"{path}={json.dumps(value)}" for path, value in sorted(overrides.items()))
    return (*([swapped] if swapped else ()), *settings, *([f"re-ranking: {reranking}"] if reranking else ()))


class Ruled(Entry):
    """Rules and their fingerprint, which is the digest of these rules: neither can change alone."""

    version: Text
    fingerprint: Hash
    rules: dict[str, JsonValue]

    @model_validator(mode="after")
    def _check_fingerprint(self) -> Self:
        if digest(self.rules) != self.fingerprint or self.rules.get("version") != self.version:
            raise ValueError("version, fingerprint and rules do not agree")
        return self


class ProtocolEntry(Ruled):
    """The protocol that ran."""

    name: Name
    headline: Name

    @property
    def special(self) -> bool:
        """Whether it differs from its dataset's own test: it holds people out, transfers, corrupts or selects."""
        return any(self.rules.get(rule) not in PLAIN for rule in SPECIAL)


def describe_rules(rule: Protocol | Convention) -> dict[str, Any]:
    """`version`, `fingerprint` and `rules` of a protocol or convention: the fields of `Ruled`."""
    return {"version": rule.version, "fingerprint": rule.fingerprint, "rules": rule.rules}


class DatasetEntry(Entry):
    """A dataset as it was read from disk."""

    name: Name
    label: Name  # which copy: `official`, `synthetic`, or the folder of an unverified one
    fingerprint: Hash  # of its lists
    content: Hash | None  # of its frames; None: not known
    source: Source
    notes: tuple[Text, ...]  # printed above its tables, e.g. that the data was withdrawn
    counts: dict[str, Count]
    # of rendered data, the hash of what was rendered; None is left out of the file, as of real data and older records
    twin: Hash | None = None

    @model_serializer(mode="wrap")
    def _leave_out_no_twin(self, serialize: SerializerFunctionWrapHandler) -> dict[str, JsonValue]:
        fields: dict[str, JsonValue] = serialize(self)
        return {name: value for name, value in fields.items() if name != "twin" or value is not None}


def list_copies(datasets: Iterable[DatasetEntry]) -> str:
    """The folders of those that nothing vouches for; else empty."""
    return ", ".join(sorted({each.label for each in datasets} - set(get_args(Source))))


def describe_data(datasets: Iterable[DatasetEntry]) -> str:
    """`official data`; of a copy that nothing vouches for also its folder: `unverified data (my-people)`."""
    every = list(datasets)
    sources, copies = ", ".join(sorted({each.source for each in every})), list_copies(every)
    return f"{sources} data" + (f" ({copies})" if copies else "")


class Pretraining(Entry):
    """The file of weights that the training of a part began from."""

    file: Text  # its name
    sha256: Hash
    names: Text  # whose naming scheme its tensors follow
    taken: Count  # how many of the part's tensors were read from it
    tensors: Count  # how many tensors the part has
    # by the package of the part, so that it belongs to the method; False is left out of the file, as of older records
    shipped: bool = False

    @model_serializer(mode="wrap")
    def _leave_out_false(self, serialize: SerializerFunctionWrapHandler) -> dict[str, JsonValue]:
        fields: dict[str, JsonValue] = serialize(self)
        return {name: value for name, value in fields.items() if name != "shipped" or value}

    @property
    def words(self) -> str:
        """The whole entry on one line."""
        return f"{self.file} (sha256 {self.sha256}), {self.taken} of {self.tensors} tensors, names of {self.names}"


def name_first_weights(part: str, file: str, sha256: str) -> str:
    """In words: what a user's file of published weights changes."""
    return f"{part} pre-trained: {file} ({sha256[:8]})"


class Weights(Entry):
    """The weights that were tested, and where they come from."""

    sha256: Hash
    origin: Literal["trained", "record", "file"]  # trained by this run, by another record's run, or unknown
    trained_by: Hash | None  # id of that other record
    trained_under: Text | None  # its folder: protocol/source
    trained_as: tuple[Text, ...]  # its changes
    precision: Precision | None  # of the network in their training; None: not known
    # what the training of each part began from; None: all parts began from random weights
    pretrained: dict[Loadable, Pretraining] | None

    @model_validator(mode="after")
    def _check_origin(self) -> Self:
        if (self.origin == "record") != (self.trained_by is not None and self.trained_under is not None):
            raise ValueError("trained_by and trained_under belong to weights of origin 'record', and only to those")
        if self.pretrained == {}:
            raise ValueError("pretrained must be null if no part began from a file")
        return self

    @property
    def pretraining(self) -> str | None:
        """What training began from, on one line; None: random weights."""
        return "; ".join(f"{part} from {entry.words}" for part, entry in self.begun) or None

    @property
    def begun(self) -> list[tuple[Loadable, Pretraining]]:
        """Each part that began from a file, in the order of a model's parts."""
        begun = self.pretrained or {}
        return [(part, begun[part]) for part in LOADABLE if part in begun]


class Disclosure(Entry):
    """What a reader must know before comparing the scores."""

    selected_on: Literal["none", "dev", "test"]
    camera_id_at_test: bool
    reranking: Text | None
    test_time_augmentation: Text | None
    pretraining: Text | None  # what the parts were trained on before, e.g. "ImageNet-1k"
    corruption_in_training: Text | None  # how training clips were corrupted


class Budget(Entry):
    """The size of training and model. Counts are per step of the largest stage; `steps` is over all stages."""

    identities: Count
    tracklets: Count
    clips: Count
    frames: Count
    steps: Count
    parameters: Count
    embedding: Count  # numbers per tracklet that the matcher compares
    multiply_adds: Count  # of encoder and aggregator for a test clip, in matrix products and convolutions


class Cost(Entry):
    """Wall-clock time, processor time, peak memory of the process or of the device's pool, frames in the network."""

    seconds: Amount
    cpu_seconds: Amount
    peak_mb: Amount
    frames: Count | None  # each as often as it went through the network; None: not known

    @property
    def frames_per_second(self) -> float | None:
        """How fast frames were read and went through the network; None if no frame did, or if it is not known."""
        return self.frames / self.seconds if self.frames and self.seconds else None


class Costs(Entry):
    """By stage of the run; None for a stage that did not run, such as `train` where weights are loaded."""

    train: Cost | None
    embed: Cost | None
    score: Cost


class Environment(Entry):
    """Where it ran."""

    python: Text
    packages: dict[str, Text]  # name -> version: torch, numpy, vreid-bench
    machine: Text
    cpu: Text | None
    instruction_set: Text | None  # the widest that torch uses; None: not known
    device: Text
    threads: Count
    # None: not known. It is then left out of the file too, as it is of older records.
    arithmetic: Arithmetic | None = None
    processes: Count | None = None  # that trained together; None: one, which is left out as well

    @model_serializer(mode="wrap")
    def _leave_out_unknown(self, serialize: SerializerFunctionWrapHandler) -> dict[str, JsonValue]:
        fields: dict[str, JsonValue] = serialize(self)
        optional = ("arithmetic", "processes")
        return {name: value for name, value in fields.items() if name not in optional or value is not None}
