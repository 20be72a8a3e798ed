"""The code that a run's numbers belong to: of the parts, and of the harness."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass

from vreid_bench.contracts.protocol import Strategy
from vreid_bench.planning.protocols import find_protocol
from vreid_bench.records.entries import PLAIN
from vreid_bench.records.record import Record
from vreid_bench.registry.entry import KINDS
from vreid_bench.registry.registry import Registry
from vreid_bench.registry.source_code import fingerprint_modules, fingerprint_packages
from vreid_bench.system.errors import InputError
from vreid_bench.system.fingerprint import digest
from vreid_bench.system.native import VERSION

MODEL = ("vreid_bench.ops", "vreid_bench.contracts", "vreid_bench.modeling")
EMBEDDING = ("encoder", "aggregator", "matcher")  # the kinds of the parts that decide features

Provider = Mapping[str, str | None]  # of a part, as `Registry.providers` gives it


@dataclass(frozen=True)
class Code:
    """A hash over the code for each step of a run; it changes whenever that code does, but not with its comments."""

    training: str  # all that can change weights
    features: str  # all that can change the features of given weights
    test: str  # all that can change the scores of given weights


def fingerprint_code(providers: Iterable[Provider], test: Strategy | None) -> Code:
    """The code for parts of these providers and for the test of a protocol: of the harness, as it is installed now.

    providers: who provides each part, in which version and with which code (`Registry.providers`).
    """
    parts = [dict(provider) for provider in providers if provider["kind"] != "method"]
    model = [fingerprint_packages(*MODEL), VERSION, [part for part in parts if part["kind"] in EMBEDDING]]
    learning = [part for part in parts if part["kind"] in ("loss", "augmentation")]
    ranking = [part for part in parts if part["kind"] == "re-ranker"]
    strategy = fingerprint_modules([type(test).__module__])
    return Code(
        training=digest([model, fingerprint_packages("vreid_bench.training"), learning]),
        features=digest([model, fingerprint_packages("vreid_bench.evaluation"), strategy]),
        test=digest([model, fingerprint_packages("vreid_bench.evaluation", "vreid_bench.scoring"), strategy, ranking]),
    )


def fingerprint_learning() -> str:
    """The code of the harness that can change weights; that of the parts is in their entries."""
    return digest([fingerprint_packages(*MODEL, "vreid_bench.training"), VERSION])


def find_other_code(record: Record, registry: Registry) -> Iterator[str]:
    """What of the code that a record belongs to is not the code that is installed now, in words.

    Each part whose code or version differs, then what the harness does otherwise. Code that is not known is left out.
    """
    providers = [each.model_dump() for each in record.method.providers]
    yield from filter(None, (_compare_part(each, registry) for each in providers))
    if record.code is not None and all(each["code"] for each in providers if each["kind"] != "method"):
        try:
            test = _find_test(record, registry)
        except InputError as fault:  # it was installed then
            yield str(fault)
            return
        before, now = record.code.model_dump(), asdict(fingerprint_code(providers, test))
        steps = [step for step in now if now[step] != before[step]]
        if steps:
            yield f"other code of the harness for {', '.join(steps)}"


def _find_test(record: Record, registry: Registry) -> Strategy | None:
    """The test of the record's protocol; only a special one is asked of its plugin, which is imported for that."""
    if record.protocol.rules.get("test") in PLAIN:
        return None
    return find_protocol(registry.values("protocols"), record.protocol.name).test


def _compare_part(provider: Provider, registry: Registry) -> str:
    """In words, what is not as it was; empty if the part is the same, or if it is not known what it was."""
    part = f"{provider['kind']} {provider['name']}"
    if provider["code"] is None:
        return ""
    kind = next((kind for kind, one in KINDS.items() if one == provider["kind"]), None)
    try:
        entry = registry.find(kind, str(provider["name"])) if kind else None
        now = entry.provider() if entry else None
    except InputError:  # its plugin is broken, or lacks a package that it had then
        now = None
    if now is None:
        return f"{part}, which is not installed now"
    if now["version"] != provider["version"] or now["distribution"] != provider["distribution"]:
        return f"{part} of {provider['distribution']} {provider['version']}"
    return f"other code of {part}" if now["code"] != provider["code"] else ""
