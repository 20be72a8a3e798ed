"""The code that a run's numbers belong to: of the parts, and of the harness."""

from __future__ import annotations

from dataclasses import dataclass

from vreid_bench.contracts.protocol import Protocol
from vreid_bench.planning.method import ChosenMethod
from vreid_bench.registry.source_code import fingerprint_modules, fingerprint_packages
from vreid_bench.system.fingerprint import digest
from vreid_bench.system.native import VERSION

MODEL = ("vreid_bench.ops", "vreid_bench.contracts", "vreid_bench.modeling")
EMBEDDING = ("encoder", "aggregator", "matcher")  # the kinds of the parts that decide features


@dataclass(frozen=True)
class Code:
    """A hash over the code for each step of a run; it changes whenever that code does, but not with its comments."""

    training: str  # all that can change weights
    features: str  # all that can change the features of given weights
    test: str  # all that can change the scores of given weights


def fingerprint_code(chosen: ChosenMethod, protocol: Protocol) -> Code:
    """The code of a method and of a protocol's test as it is installed now, with the versions of its distributions."""
    parts = [dict(provider) for provider in chosen.providers if provider["kind"] != "method"]
    model = [fingerprint_packages(*MODEL), VERSION, [part for part in parts if part["kind"] in EMBEDDING]]
    learning = [part for part in parts if part["kind"] in ("loss", "augmentation")]
    ranking = [part for part in parts if part["kind"] == "re-ranker"]
    strategy = fingerprint_modules([type(protocol.test).__module__])
    return Code(
        training=digest([model, fingerprint_packages("vreid_bench.training"), learning]),
        features=digest([model, fingerprint_packages("vreid_bench.evaluation"), strategy]),
        test=digest([model, fingerprint_packages("vreid_bench.evaluation", "vreid_bench.scoring"), strategy, ranking]),
    )
