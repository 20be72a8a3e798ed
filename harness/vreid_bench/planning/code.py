"""The code that a run's numbers belong to: of the parts, and of the harness."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import NamedTuple

from vreid_bench.contracts.protocol import Strategy
from vreid_bench.planning.protocols import find_protocol
from vreid_bench.records.entries import PLAIN
from vreid_bench.records.record import Record
from vreid_bench.registry.entry import KINDS
from vreid_bench.registry.plugin_files import HASH, shorten_version
from vreid_bench.registry.plugins import HARNESS
from vreid_bench.registry.registry import Registry
from vreid_bench.registry.source_code import fingerprint_imports, fingerprint_modules
from vreid_bench.system.errors import InputError
from vreid_bench.system.fingerprint import digest
from vreid_bench.system.native import VERSION


class Step(NamedTuple):
    """What of the harness a step of a run consists of. A module that it does not import decides none of its numbers."""

    begins: str  # the module with which it begins
    rooms: tuple[str, ...]  # the packages in which its imports are followed


MODELING = ("vreid_bench.ops", "vreid_bench.contracts", "vreid_bench.modeling")
LEARNING = Step("vreid_bench.training.train", (*MODELING, "vreid_bench.training"))
EMBEDDING = Step("vreid_bench.modeling.embed", MODELING)
TESTING = Step("vreid_bench.evaluation.run_record", (*MODELING, "vreid_bench.evaluation", "vreid_bench.scoring"))
# Modules that decide no weights and no features, whatever they say. What a data set holds is in its own fingerprints;
# a validation watches a training and changes nothing of it, as its tests hold.
WATCHING = ("vreid_bench.contracts.dataset", "vreid_bench.training.validation")
# The checks before a training work on copies and decide no number, as a test holds. They count as they were when the
# boards were trained: another hash would give every training, and with it every file of weights, another fingerprint.
SETTLED = {
    "vreid_bench.modeling.training_checks": "9e11879e1fdf003871e719276d4878404287b1575f654456448cbbeb03d53e99",
}
DECIDES_FEATURES = ("encoder", "aggregator", "matcher")  # the kinds of parts that do

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
    model = [VERSION, [part for part in parts if part["kind"] in DECIDES_FEATURES]]
    learning = [part for part in parts if part["kind"] in ("loss", "augmentation")]
    ranking = [part for part in parts if part["kind"] == "re-ranker"]
    embedding = [_fingerprint_step(EMBEDDING, WATCHING), _fingerprint_strategy(test, MODELING, WATCHING)]
    testing = [_fingerprint_step(TESTING), _fingerprint_strategy(test, TESTING.rooms)]
    return Code(
        training=digest([model, fingerprint_learning(), learning]),
        features=digest([model, *embedding]),
        test=digest([model, *testing, ranking]),
    )


def fingerprint_learning() -> str:
    """The code of the harness that can change weights; that of the parts is in their entries."""
    return digest([_fingerprint_step(LEARNING, WATCHING), VERSION])


def _fingerprint_step(step: Step, without: Collection[str] = ()) -> str:
    return fingerprint_imports([step.begins], step.rooms, without, SETTLED)


def _fingerprint_strategy(test: Strategy | None, rooms: Sequence[str], without: Collection[str] = ()) -> str:
    """The code of the test of a protocol: of one of the harness as far as it is in these rooms; empty for the plain."""
    if test is None:
        return ""
    module = type(test).__module__
    if module.partition(".")[0] == HARNESS:
        return fingerprint_imports([module], [module, *rooms], without, SETTLED)
    return fingerprint_modules([module])


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
    was_file = _is_file(provider)
    if now is None:
        return "" if was_file else f"{part}, which is not installed now"  # a file is a plugin of its commands alone
    alike = now["version"] == provider["version"] and now["distribution"] == provider["distribution"]
    if not alike and not (was_file and _is_file(now)):  # the name and the hash of a file change with less than its code
        return f"{part} of {provider['distribution']} {shorten_version(str(provider['version']))}"
    return f"other code of {part}" if now["code"] != provider["code"] else ""


def _is_file(provider: Provider) -> bool:
    return str(provider["version"]).startswith(HASH)
