"""One run's result: everything needed to believe it and to repeat it, as JSON of a versioned schema."""

from __future__ import annotations

import hashlib
import json
import math
from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from statistics import stdev
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    JsonValue,
    SerializerFunctionWrapHandler,
    ValidationError,
    model_serializer,
    model_validator,
)
from pydantic.types import StringConstraints

from vreid_bench.data import Source
from vreid_bench.errors import InputError
from vreid_bench.protocol import Convention, Protocol, digest
from vreid_bench.recipe import Preset
from vreid_bench.splits import written

LARGEST = 1 << 20  # bytes; a record with 2,730 people has a fifth of it, so a larger file is something else


def _is_time(text: str) -> str:
    datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
    return text


# A name becomes a part of a path: no separator, no leading dot, nothing that a shell or Markdown would read.
Name = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9._-]*$", max_length=80)]
MethodName = Annotated[  # a part in the baseline may be one of a family: `timm:resnet50`
    str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9._-]{0,79}(:[a-z0-9][a-z0-9._-]{0,79})?$")
]
Text = Annotated[str, StringConstraints(max_length=2000)]
Hash = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
Time = Annotated[str, StringConstraints(pattern=r"^\d{4}(-\d\d){2}T\d\d(:\d\d){2}Z$"), AfterValidator(_is_time)]
Fraction = Annotated[float, Field(ge=0, le=1)]
Amount = Annotated[float, Field(ge=0)]
Count = Annotated[int, Field(ge=0, le=1 << 53)]  # what every reader of JSON holds exactly


class _Model(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid", frozen=True, allow_inf_nan=False)
    later: ClassVar[tuple[str, ...]] = ()  # fields that came after the first records

    @model_serializer(mode="wrap")
    def _serialized(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Without later fields that say nothing: a record from before them stays byte for byte what it was."""
        return {name: value for name, value in handler(self).items() if value or name not in self.later}


class Provider(_Model):
    """Who provides one part of the run."""

    kind: Name
    name: Text
    distribution: Text
    version: Text


class ReportedNumber(_Model):
    """`vreid_bench.recipe.Reported`: one number as its paper prints it."""

    dataset: Text
    metric: Text
    value: Fraction
    where: Text
    note: Text = ""
    reranked: bool = False

    later: ClassVar[tuple[str, ...]] = ("reranked",)


class MethodEntry(_Model):
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


class Ruled(_Model):
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


class Metrics(_Model):
    """Means over the queries that count."""

    mAP: Fraction
    R1: Fraction
    R5: Fraction
    R10: Fraction
    R20: Fraction
    mINP: Fraction
    queries: Count

    @classmethod
    def scores(cls) -> list[str]:
        """The names of the fractions."""
        return [name for name in Metrics.model_fields if name != "queries"]


class Splits(_Model):
    """Which of a protocol's several splits ran; the scores are means over these."""

    total: Annotated[int, Field(ge=2, le=1000)]
    ran: Annotated[tuple[Count, ...], Field(min_length=1)]  # counted from 0

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if list(self.ran) != sorted(set(self.ran)) or self.ran[-1] >= self.total:
            raise ValueError(f"splits ran must ascend from 0 to below {self.total}")
        return self

    @property
    def words(self) -> str:
        """`10 splits`, or `3 of 10 splits (0-2)`."""
        if len(self.ran) == self.total:
            return f"{self.total} splits"
        return f"{len(self.ran)} of {self.total} splits ({written(self.ran)})"


class Intervals(_Model):
    """95 % bootstrap intervals over query identities: low, high."""

    mAP: tuple[Fraction, Fraction]
    R1: tuple[Fraction, Fraction]


class Summary(Metrics):
    """Means over the splits, and the sum of their queries."""

    interval: Intervals
    splits: Annotated[tuple[Metrics, ...], Field(min_length=1)]


class Condition(_Model):
    """The scores under one of several conditions that the same weights were tested under."""

    name: Text
    conventions: dict[Name, Summary]


class Result(Summary, Ruled):
    """The scores under one convention: of the conditions that lead, where there are several."""

    def deviation(self, metric: str) -> float | None:
        """The sample standard deviation over the splits; of one split there is none."""
        values = [getattr(split, metric) for split in self.splits]
        return stdev(values) if len(values) > 1 else None


class People(_Model):
    """Of each identity, by rising pid, the sums over its queries in one split under the headline convention.

    What paired tests between rows need. An identity is there if any of its queries counts in any split.
    """

    queries: tuple[Count, ...]
    AP: tuple[Amount, ...]
    R1: tuple[Count, ...]

    @model_validator(mode="after")
    def _agrees(self) -> Self:
        if not len(self.queries) == len(self.AP) == len(self.R1):
            raise ValueError("queries, AP and R1 must have as many entries as there are identities")
        return self


class DatasetEntry(_Model):
    """The data as it lay on disk."""

    name: Name
    fingerprint: Hash
    source: Source
    notes: tuple[Text, ...]  # banners, e.g. that the data was withdrawn
    counts: dict[str, Count]


class Pretraining(_Model):
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


class Weights(_Model):
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

    @classmethod
    def of(cls, sha256: str, record: Record) -> Weights:
        """Weights that `record` trained, or loaded itself."""
        return cls(
            sha256=sha256,
            origin="record",
            trained_by=record.id,
            trained_under=record.weights.trained_under or record.folder,
            trained_as=record.changes,
            pretrained=record.weights.pretrained,
        )


class Disclosure(_Model):
    """What a reader should know before comparing the numbers."""

    selected_on: Literal["none", "dev", "test"]
    camera_id_at_test: bool
    reranking: Text | None
    test_time_augmentation: Text | None
    pretraining: Text | None  # what the encoder had learned before, e.g. "ImageNet-1k"
    corruption_in_training: Text | None = None  # what spoiled clips that were trained on

    later: ClassVar[tuple[str, ...]] = ("corruption_in_training",)


class Budget(_Model):
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


class Cost(_Model):
    """Wall-clock and processor time, and the highest memory in use, of the process or of the device's pool."""

    seconds: Amount
    cpu_seconds: Amount
    peak_mb: Amount


class Costs(_Model):
    """By stage of the run; none where it was not counted, as `train` in a run that loads its weights."""

    train: Cost | None
    embed: Cost | None
    score: Cost


class Environment(_Model):
    """Where it ran."""

    python: Text
    packages: dict[str, Text]  # name -> version: torch, numpy, vreid-bench
    machine: Text
    cpu: Text | None
    device: Text
    threads: Count


class Record(_Model):
    """One run's result."""

    schema_version: Literal[1]
    created: Time  # UTC
    method: MethodEntry
    preset: Preset
    seed: Count
    protocol: ProtocolEntry
    splits: Splits | None = None  # None: the protocol has one
    dataset: DatasetEntry
    taught: DatasetEntry | None = None  # what was trained on first, where that is not the dataset
    conventions: dict[Name, Result]
    conditions: tuple[Condition, ...] = ()  # where the protocol tests under several
    not_computable: dict[Name, Text] = Field(default_factory=dict)  # convention -> why this input cannot support it
    # of one person's unit vectors (`clusters.mean_diameter`), mean over persons, conditions and splits
    cluster_diameter: Amount | None = None
    people: tuple[People, ...] = ()  # by split; records from before this field have none
    weights: Weights
    disclosure: Disclosure
    budget: Budget
    costs: Costs
    backend: Name  # which implementation ranked: `numpy`, or `native-` and the instruction set
    reranked_by: Name | None = None  # the same for re-ranking; None without
    clips_by: Name | None = None  # the same for pairs of clips, `torch` without kernels; None where none are compared
    environment: Environment

    @model_validator(mode="after")
    def _agrees(self) -> Self:
        if self.protocol.headline not in self.conventions:
            raise ValueError(f"the headline convention {self.protocol.headline!r} was not scored")
        both = self.conventions.keys() & self.not_computable.keys()
        if both:
            raise ValueError(f"{min(both)!r} was scored and could not be: one of the two is wrong")
        for name, value in [(self.protocol.name, self.protocol), *self.conventions.items()]:
            if value.rules.get("name") != name:
                raise ValueError(f"the rules of {name!r} are those of {value.rules.get('name')!r}")
        told = self.disclosure.pretraining
        if self.weights.pretrained and told != self.weights.pretrained.words:
            raise ValueError(f"the disclosed pre-training {told!a} is not that of the weights")
        if self.people and len(self.people) != len(self.conventions[self.protocol.headline].splits):
            raise ValueError("people must have an entry for each split")
        if self.splits:
            for name, result in self.conventions.items():
                tests, ran = len(result.splits), len(self.splits.ran)
                if tests % ran if self.conditions else tests != ran:
                    raise ValueError(f"{name!r} has scores of {len(result.splits)} splits, but {self.splits.words} ran")
        return self

    later: ClassVar[tuple[str, ...]] = (
        "splits", "taught", "reranked_by", "clips_by", "not_computable", "people", "conditions", "cluster_diameter",
    )  # fmt: skip

    @classmethod
    def of(cls, fields: Mapping[str, Any]) -> Record:
        """A record from plain values, dataclass-free: lists or tuples, mappings, entries of this module."""
        text = json.dumps(fields, default=lambda entry: entry.model_dump(mode="json"))
        return cls.from_json(text.encode(), "new record")

    @classmethod
    def from_file(cls, path: Path) -> Record:
        """Read a record. Raises InputError that names the file, the field, what was found and wanted."""
        try:
            with path.open("rb") as file:
                content = file.read(LARGEST + 1)
        except OSError as fault:
            raise InputError(f"{path}: cannot be read ({fault.strerror})") from fault
        return cls.from_json(content, str(path))

    @classmethod
    def from_json(cls, content: bytes, origin: str) -> Record:
        """Parse a record that came from `origin`. Raises InputError, as `from_file` does."""
        if len(content) > LARGEST:
            raise InputError(f"{origin}: over {LARGEST} bytes; a record is far smaller")
        try:
            record = cls.model_validate_json(content)
            json.loads(content, object_pairs_hook=_unique, parse_float=_finite, parse_constant=_finite)
        except ValidationError as fault:
            raise InputError(f"{origin}: not a valid record: {_told(fault)}") from fault
        except ValueError as fault:
            raise InputError(f"{origin}: not a valid record: {fault}") from fault
        return record

    def to_json(self) -> bytes:
        """The record's one form on disk: sorted keys, indent 1, ASCII, floats in full precision."""
        return (json.dumps(self.model_dump(mode="json"), sort_keys=True, indent=1, allow_nan=False) + "\n").encode()

    def metrics(self) -> dict[str, Any]:
        """What every `--json` prints: {"conventions": {name: {"mAP": fraction, ..., "queries": count}}}.

        A convention that could not be applied has `not_computable`, the reason, in the place of numbers.
        Of several splits also {"splits": {"total", "ran"}}, and for each convention the `splits` and their `sd`; of
        several conditions {"conditions": [{"name", "conventions"}]}; {"cluster_diameter"} where it is known.
        """
        names = set(Metrics.model_fields) | ({"interval", "splits"} if self.splits else {"interval"})
        numbers = {k: v.model_dump(mode="json", include=names) for k, v in self.conventions.items()}
        if self.splits is not None:
            for name, result in self.conventions.items():
                numbers[name]["sd"] = {metric: result.deviation(metric) for metric in Metrics.scores()}
        refused = {k: {"not_computable": why} for k, why in self.not_computable.items()}
        report: dict[str, Any] = {"conventions": numbers | refused}
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
        """In words, all by which this is not simply the method at its preset."""
        method, weights, disclosure = self.method, self.weights, self.disclosure
        words = [method.swapped] if method.swapped else []
        words += [f"{path}={json.dumps(value)}" for path, value in sorted(method.overrides.items())]
        if weights.origin == "file":
            words.append(f"weights from a file ({weights.sha256[:8]})")
        if weights.pretrained is not None:
            words.append(f"encoder pre-trained: {weights.pretrained.file} ({weights.pretrained.sha256[:8]})")
        if weights.trained_under not in (None, self.folder):
            words.append(f"trained on {weights.trained_under}")
        words += [f"trained with {word}" for word in weights.trained_as if word not in words]
        words += [f"re-ranking: {disclosure.reranking}"] if disclosure.reranking else []
        tta = disclosure.test_time_augmentation
        words += [f"test-time augmentation: {tta}"] if tta else []
        return tuple(words) or (("modified",) if method.modified else ())

    @property
    def variant(self) -> tuple[str, ...]:
        """In words, all that sets this row apart: the changes, and the splits if some were left out."""
        partial = self.splits is not None and len(self.splits.ran) < self.splits.total
        return self.changes + ((self.splits.words,) if self.splits and partial else ())


def record_path(record: Record) -> PurePosixPath:
    """Where a record lies under `records/`, from its content alone; every name in it was validated."""
    variant = f"-{digest(list(record.variant))[:8]}" if record.variant else ""
    file = f"{in_path(record.method.name)}-{record.preset}-seed{record.seed}{variant}.json"
    return PurePosixPath(record.folder) / file


def in_path(name: str) -> str:
    """A method's name as part of a path, on every file system."""
    return name.replace(":", "-")


def ruled(rule: Protocol | Convention) -> dict[str, Any]:
    """`version`, `fingerprint` and `rules` of a protocol or convention, as the record holds them."""
    return {"version": rule.version, "fingerprint": rule.fingerprint, "rules": rule.rules}


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        (twice, _), *_ = Counter(key for key, _ in pairs).most_common(1)
        raise ValueError(f"key {twice!a} stands twice in one object")
    return found


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"{text} is no finite number")
    return number


def _told(fault: ValidationError) -> str:
    """The first faults as field, found, wanted. Keys and values are a stranger's: shown in ASCII, cut short."""
    faults = fault.errors(include_url=False)
    told = [_sentence(".".join(map(str, e["loc"])), e["type"], e["msg"], e.get("input")) for e in faults[:3]]
    return "; ".join(told) + (f"; and {len(faults) - 3} more" if len(faults) > 3 else "")


def _sentence(where: str, kind: str, message: str, found: object) -> str:
    field = ascii(where)[1:-1][:120] or "the file"
    if kind == "missing":
        return f"{field}: is missing"
    if kind == "extra_forbidden":
        return f"{field}: is not a field of this schema"
    if kind in ("json_invalid", "value_error"):
        return f"{field}: {message.removeprefix('Value error, ')}"
    shown = type(found).__name__ if isinstance(found, dict | list) else ascii(found)[:60]
    return f"{field}: found {shown}, wanted {message.removeprefix('Input should be ').removeprefix('String should ')}"
