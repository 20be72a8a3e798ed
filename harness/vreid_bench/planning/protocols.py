"""Protocols by name, from one dataset to another, and in words."""

from __future__ import annotations

from collections.abc import Iterable

from tabulate import tabulate

from vreid_bench.contracts.protocol import Protocol
from vreid_bench.registry.registry import Registry
from vreid_bench.system.errors import InputError

TO, TUNED = "-to-", "-fine-tuned"
TUNING = 0.1  # the customary share of the learning rates; the papers do not state theirs


def find_protocol(registry: Registry, name: str) -> Protocol:
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
        test=second.test,
        summary=f"Train on {first.dataset}{tuned}; test as {second.name} does.",
        source=second.source,
        counts={**{k: v for k, v in first.counts.items() if k.startswith("train")}, **_tested(second)},
    )


def _tested(protocol: Protocol) -> dict[str, int]:
    return {name: count for name, count in protocol.counts.items() if not name.startswith("train")}


def in_words(protocol: Protocol) -> str:
    """What a protocol does, a line each: names, counts as published, options, source."""
    lines = [
        ("protocol", f"{protocol.name} {protocol.version} ({protocol.fingerprint[:8]})"),
        ("", protocol.summary),
        ("trained on", _divided(protocol.dataset, protocol.variant)),
        ("tested on", _divided(protocol.tested, protocol.target_variant if protocol.target else protocol.variant)),
        ("published counts", ", ".join(f"{n:,} {what}" for what, n in protocol.counts.items()) or "none"),
        ("ranked by", f"mAP under {protocol.headline}"),
        ("scored under", ", ".join(protocol.conventions)),
    ]
    if protocol.holdout:
        lines.append(("held out", f"{protocol.holdout:.0%} of the training identities are the test"))
    if protocol.fine_tune:
        lines.append(("fine-tuned", f"on {protocol.target}'s training part, at {protocol.fine_tune:g} of the rates"))
    if protocol.test:
        lines += protocol.test.describe()
    if any(protocol.conditions):
        lines.append(("conditions", "; ".join(protocol.conditions)))
    if len(protocol.conditions) > 1:
        lines.append(("row", f"mean over {protocol.leading} of them" if protocol.leading > 1 else "the first of them"))
    lines.append(("source", protocol.source))
    return tabulate(lines, tablefmt="plain", maxcolwidths=[None, 96])


def table(protocols: Iterable[Protocol]) -> str:
    """The protocols as a Markdown table, by name: what is trained on, asked for and ranked, and who says so."""
    headers = ["protocol", "trained on", "query", "gallery", "splits", "ranked under", "source"]
    rows = []
    for p in sorted(protocols, key=lambda protocol: protocol.name):
        train = _sum(p, "train identities", "train tracklets")
        trained = f"{p.dataset}{', then ' + p.target if p.fine_tune else ''} ({train})"
        rows.append(
            [
                f"`{p.name}`",
                trained,
                f"{p.tested}: {_sum(p, 'queries')}",
                _sum(p, "gallery"),
                str(p.counts.get("splits", 1)),
                f"`{p.headline}`",
                p.source,
            ]
        )
    return tabulate(rows, headers, tablefmt="pipe", disable_numparse=True)


def _sum(protocol: Protocol, *names: str) -> str:
    missing = "-" if protocol.counts else "as your data has it"
    return ", ".join(f"{protocol.counts[n]:,} {n.split()[-1]}" for n in names if n in protocol.counts) or missing


def _divided(dataset: str, variant: str) -> str:
    return f"{dataset}, divided as {variant}" if variant else dataset
