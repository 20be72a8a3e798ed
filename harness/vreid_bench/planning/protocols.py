"""Protocols by name, and from one dataset to another."""

from __future__ import annotations

from vreid_bench.contracts.protocol import Protocol
from vreid_bench.registry.registry import Registry
from vreid_bench.system.errors import InputError

TO, TUNED = "-to-", "-fine-tuned"
TUNING = 0.1  # the customary share of the learning rates; the papers do not state theirs


def named(registry: Registry, name: str) -> Protocol:
    """The protocol of that name: a plugin's, or `A-to-B` and `A-to-B-fine-tuned` of any two of them.

    Raises InputError for a name that nobody carries, and for transfer that would test on people trained on.
    """
    entry = registry.find("protocols", name)
    if entry is None:
        places = [at for at in range(len(name)) if name.startswith(TO, at)]
        pairs = [(name[:at], name[at + len(TO) :].removesuffix(TUNED)) for at in places]
        for pair in pairs:
            if all(registry.find("protocols", one) for one in pair):
                first, second = (registry.get("protocols", one) for one in pair)
                return transfer(first, second, TUNING if name.endswith(TUNED) else 0.0)
    found: Protocol = registry.get("protocols", name)
    return found


def transfer(first: Protocol, second: Protocol, fine_tune: float = 0.0) -> Protocol:
    """Train under `first`, test under `second`; `fine_tune` > 0 goes on training on the second's training part.

    Raises InputError where both divide one dataset, so that people of the test could have been trained on.
    """
    if first.dataset == second.dataset:
        raise InputError(
            f"{first.name} to {second.name}: both divide {first.dataset}, so one may train on people whom the other "
            "tests on; transfer wants two datasets"
        )
    for one in (first, second):
        if one.target:
            raise InputError(f"{one.name} is transfer already; name two protocols of one dataset each")
    if second.holdout:
        raise InputError(f"{second.name} tests on training identities; name a protocol that tests on the test part")
    tuned = f", then on {second.dataset}'s training part at {fine_tune:g} of the learning rates" if fine_tune else ""
    return Protocol(
        name=f"{first.name}{TO}{second.name}{TUNED if fine_tune else ''}",
        version="1",
        dataset=first.dataset,
        variant=first.variant,
        holdout=first.holdout,
        target=second.dataset,
        target_variant=second.variant,
        fine_tune=fine_tune,
        headline=second.headline,
        conventions=second.conventions,
        corruption=second.corruption,
        selection=second.selection,
        summary=f"Train on {first.dataset}{tuned}; test as {second.name} does.",
        source=second.source,
        counts={**{k: v for k, v in first.counts.items() if k.startswith("train")}, **_tested(second)},
    )


def _tested(protocol: Protocol) -> dict[str, int]:
    return {name: count for name, count in protocol.counts.items() if not name.startswith("train")}
