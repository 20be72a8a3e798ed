"""The scores of one ranking as plain text."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from tabulate import tabulate

from vreid_bench.records.scores import explain_refusals
from vreid_bench.scoring.few_people import show_interval


def render_scores(metrics: Mapping[str, Any]) -> str:
    """What `Report.metrics` returns, as a table in percent and one line for each convention without numbers."""
    rates = next((list(c["tar"]) for c in metrics["conventions"].values() if "tar" in c), [])
    headers = ["convention", "mAP", "95 %", "R1", "95 %", "R5", "R10", "R20", "mINP"]
    depths = next((list(c["mAP@"]) for c in metrics["conventions"].values() if "mAP@" in c), [])
    headers += [*(f"mAP@{depth}" for depth in depths)]
    headers += [*(f"TAR@{rate}" for rate in rates), "queries"]
    table, refused = [], {}
    for name, numbers in metrics["conventions"].items():
        if "not_computable" in numbers:
            refused[name] = numbers["not_computable"]
            continue
        cells = [name]
        for metric in ("mAP", "R1"):
            cells += [f"{100 * numbers[metric]:.1f}", show_interval(numbers["interval"][metric])]
        cells += [f"{100 * numbers[metric]:.1f}" for metric in ("R5", "R10", "R20", "mINP")]
        cells += [f"{100 * numbers['mAP@'][depth]:.1f}" for depth in depths]
        cells += [f"{100 * numbers['tar'][rate]:.1f}" for rate in rates]
        table.append([*cells, str(numbers["queries"])])
    lines = [tabulate(table, headers, disable_numparse=True, colalign=["left", *["right"] * (len(headers) - 1)])]
    few: dict[str, None] = dict.fromkeys(
        c["no_interval"] for c in metrics["conventions"].values() if "no_interval" in c
    )
    notes = [*explain_left_out(metrics["conventions"]), *(f"note: {why}" for why in few)]
    return "\n".join([*lines, *explain_refusals(refused), *notes])


def explain_left_out(conventions: Mapping[str, Any], rankings: int = 1) -> Iterator[str]:
    """How many queries do not count, with the conventions that leave them out.

    conventions: by name, the numbers `left_out` and, of those that count, `queries`; rankings: over how many splits and
    conditions these numbers are, each of which asks its queries.
    """
    where = f" in {rankings:,} rankings" if rankings > 1 else ""
    names: dict[tuple[int, int], list[str]] = {}
    for name, numbers in conventions.items():
        if left_out := numbers.get("left_out", 0):
            names.setdefault((left_out, left_out + numbers["queries"]), []).append(name)
    for (left_out, queries), under in names.items():
        asked = f"{left_out:,} of {queries:,} queries{where}"
        yield f"note: {asked} have no match under {', '.join(under)}, and do not count"


def render_precisions(precisions: Mapping[str, Mapping[str, Mapping[str, float]]]) -> Iterator[str]:
    """Convention -> precision -> scores and losses, as a table with columns for each precision, in percent."""
    if not precisions:
        return
    names = list(next(iter(precisions.values())))
    headers = ["convention", *(f"{name} {column}" for name in names for column in ("mAP", "mAP loss", "R1", "R1 loss"))]
    table = [
        [
            convention,
            *(
                f"{100 * row[key]:.{1 if key == metric else 3}f}"
                for row in map(found.__getitem__, names)
                for metric in ("mAP", "R1")
                for key in (metric, f"{metric}_loss")
            ),
        ]
        for convention, found in precisions.items()
    ]
    yield ""
    yield tabulate(table, headers, disable_numparse=True, colalign=["left", *["right"] * (len(headers) - 1)])


def render_parts(parts: Mapping[str, Mapping[str, Sequence[Mapping[str, Any]]]]) -> Iterator[str]:
    """Convention -> attribute -> the scores of each value, as a table for each attribute."""
    attributes = next(iter(parts.values()), {})
    for attribute in attributes:
        table = [
            [
                name,
                row["value"] or "not known",
                f"{100 * row['mAP']:.1f}",
                f"{100 * row['R1']:.1f}",
                f"{row['queries']:,}",
            ]
            for name, found in parts.items()
            for row in found[attribute]
        ]
        headers = ["convention", attribute, "mAP", "R1", "queries"]
        yield ""
        yield tabulate(table, headers, disable_numparse=True, colalign=["left", "left", "right", "right", "right"])
