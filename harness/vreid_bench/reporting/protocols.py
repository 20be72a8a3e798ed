"""Protocols as text: one described, all as a Markdown table."""

from __future__ import annotations

from collections.abc import Iterable

from tabulate import tabulate

from vreid_bench.contracts.protocol import Protocol

Lines = list[tuple[str, str]]


def describe_protocol(protocol: Protocol) -> str:
    """What a protocol does, one line each: name, data, published counts, conventions, options, source."""
    trained = _describe_division(protocol.dataset, protocol.variant)
    tested = _describe_division(protocol.test_dataset, protocol.target_variant if protocol.target else protocol.variant)
    lines = [
        ("protocol", f"{protocol.name} {protocol.version} ({protocol.fingerprint[:8]})"),
        ("", protocol.summary),
        ("trained on", trained),
        ("tested on", tested),
        ("published counts", ", ".join(f"{n:,} {what}" for what, n in protocol.counts.items()) or "none"),
        ("ranked by", f"mAP under {protocol.headline}"),
        ("scored under", ", ".join(protocol.conventions)),
    ]
    if protocol.least_training_frames:
        lines.append(("left out", f"training tracklets under {protocol.least_training_frames} frames"))
    if protocol.holdout:
        lines.append(("held out", f"{protocol.holdout:.0%} of the training identities are the test"))
    if protocol.fine_tune:
        lines.append(("fine-tuned", f"on {protocol.target}'s training part, at {protocol.fine_tune:g} of the rates"))
    lines += [*_describe_test(protocol), ("source", protocol.source)]
    return tabulate(lines, tablefmt="plain", maxcolwidths=[None, 96])


def _describe_test(protocol: Protocol) -> Lines:
    """The conditions of the test, and how they are made."""
    lines = list(protocol.test.describe()) if protocol.test else []
    if any(protocol.conditions):
        lines.append(("conditions", "; ".join(protocol.conditions)))
    if len(protocol.conditions) > 1:
        lines.append(("row", f"mean over {protocol.leading} of them" if protocol.leading > 1 else "the first of them"))
    return lines


def protocols_table(protocols: Iterable[Protocol]) -> str:
    """The protocols as a Markdown table, sorted by name: data, counts, splits, headline convention, source."""
    headers = ["protocol", "trained on", "query", "gallery", "splits", "ranked under", "source"]
    rows = []
    for p in sorted(protocols, key=lambda protocol: protocol.name):
        train = _describe_counts(p, "train identities", "train tracklets")
        trained = f"{p.dataset}{', then ' + p.target if p.fine_tune else ''} ({train})"
        rows.append(
            [
                f"`{p.name}`",
                trained,
                f"{p.test_dataset}: {_describe_counts(p, 'queries')}",
                _describe_counts(p, "gallery"),
                str(p.counts.get("splits", 1)),
                f"`{p.headline}`",
                p.source,
            ]
        )
    return tabulate(rows, headers, tablefmt="pipe", disable_numparse=True)


def _describe_counts(protocol: Protocol, *names: str) -> str:
    missing = "-" if protocol.counts else "as your data has it"
    return ", ".join(f"{protocol.counts[n]:,} {n.split()[-1]}" for n in names if n in protocol.counts) or missing


def _describe_division(dataset: str, variant: str) -> str:
    return f"{dataset}, divided as {variant}" if variant else dataset
