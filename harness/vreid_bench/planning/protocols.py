"""Protocols by name, from one dataset to another, and in words."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from tabulate import tabulate

from vreid_bench.contracts.protocol import Protocol
from vreid_bench.registry.registry import suggestion
from vreid_bench.system.errors import InputError

TO, TUNED = "-to-", "-fine-tuned"
TUNING = 0.1  # the customary share of the learning rates; the papers do not state theirs


def find_protocol(known: Mapping[str, Protocol], name: str) -> Protocol:
    """The protocol of that name: a plugin's, or `A-to-B` and `A-to-B-fine-tuned` of any two of them.

    Raises InputError for a name that nobody carries, and for transfer that would test on people trained on.
    """
    if name in known:
        return known[name]
    pairs = [
        (name[:at], name[at + len(TO) :].removesuffix(TUNED)) for at in range(len(name)) if name.startswith(TO, at)
    ]
    pair = next((pair for pair in pairs if pair[0] in known and pair[1] in known), None)
    if pair is None:
        near = suggestion(name, known)
        raise InputError(f"no protocol is named {name!r}{near}; `vreid-bench list protocols` shows all")
    return known[pair[0]].transfer_to(known[pair[1]], name, TUNING if name.endswith(TUNED) else 0.0)


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
