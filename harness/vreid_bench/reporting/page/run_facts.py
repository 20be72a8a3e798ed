"""What ran, in words and numbers: the facts at the top of the page of a run, and all others by subject."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from vreid_bench.records.entries import Cost, DatasetEntry, describe_data
from vreid_bench.records.record import Record
from vreid_bench.records.scores import Summary
from vreid_bench.reporting.leaderboard_tables import cpu_seconds
from vreid_bench.reporting.page.run_data import RunData
from vreid_bench.reporting.text import sanitize
from vreid_bench.scoring.few_people import FEW, NO_INTERVAL, render_interval

Facts = list[tuple[str, str]]
COUNTS = {
    "test_identities": "people in the test",
    "test_tracklets": "test tracklets",
    "distractors": "distractors",
    "junk": "junk tracklets",
    "train_identities": "people trained on",
    "train_tracklets": "training tracklets",
}
ORIGINS = {"trained": "trained by this run", "record": "of another run", "file": "of a file, trained elsewhere"}


def percent(fraction: float) -> str:
    """`71.2`."""
    return f"{100 * fraction:.1f}"


def clean(facts: Iterable[tuple[str, str]]) -> Facts:
    """The facts that say something, each on one line and without control characters."""
    return [(sanitize(name), sanitize(text)) for name, text in facts if text]


def list_facts(run: RunData) -> Facts:
    """The few that stand at the top."""
    record = run.record
    result = record.conventions[run.headline]
    people = run.count_people(record, run.headline, result)
    return clean(
        [
            ("ranked by mAP under", run.headline),
            *((metric, _with_interval(result, metric, people)) for metric in ("mAP", "R1")),
            ("queries", f"{result.queries:,}"),
            ("people queried", f"{people:,}" if people else ""),
            ("mean over", record.splits.words if record.splits else ""),
            ("processor time", _duration(cpu_seconds(record))),
            ("made", record.created.replace("T", " ")),
        ]
    )


def _with_interval(result: Summary, metric: str, people: int) -> str:
    interval = render_interval(getattr(result.interval, metric), people or FEW)
    return f"{percent(getattr(result, metric))}" + (f" ({interval})" if interval != NO_INTERVAL else "")


def list_details(record: Record) -> Iterator[tuple[str, Facts]]:
    """All others, by subject."""
    method, protocol, weights, disclosure = record.method, record.protocol, record.weights, record.disclosure
    providers = dict.fromkeys(f"{each.distribution} {each.version}" for each in method.providers)
    yield (
        "Method",
        [
            ("method", method.name),
            ("paper", method.paper),
            ("preset", record.preset),
            ("seed", str(record.seed)),
            ("changed", "; ".join(record.changes)),
            ("provided by", ", ".join(providers)),
        ],
    )
    taught = record.taught
    counts = [(words, f"{record.dataset.counts[name]:,}") for name, words in COUNTS.items() if _counts(record, name)]
    yield (
        "Protocol and data",
        [
            ("protocol", f"{protocol.name}, version {protocol.version}"),
            ("splits", record.splits.words if record.splits else ""),
            ("tested on", _describe_data(record.dataset)),
            ("trained first on", _describe_data(taught) if taught else ""),
            *counts,
        ],
    )
    yield (
        "Weights and disclosure",
        [
            ("weights", f"{weights.sha256[:8]}, {ORIGINS[weights.origin]}"),
            ("trained under", weights.trained_under or ""),
            ("precision of training", weights.precision or ""),
            ("pre-training", disclosure.pretraining or "none"),
            ("re-ranking", disclosure.reranking or "none"),
            ("augmentation at test", disclosure.test_time_augmentation or "none"),
            ("corruption in training", disclosure.corruption_in_training or "none"),
            ("model selected on", disclosure.selected_on),
            ("camera id at test", "used" if disclosure.camera_id_at_test else "not used"),
        ],
    )
    budget = record.budget
    yield (
        "Budget",
        [
            ("parameters", f"{budget.parameters:,}"),
            ("vector of a tracklet", f"{budget.embedding:,} numbers"),
            ("multiply-adds of a clip", f"{budget.multiply_adds:,}"),
            ("training steps", f"{budget.steps:,}"),
            (
                "largest batch",
                f"{budget.identities:,} people, {budget.tracklets:,} tracklets, {budget.clips:,} clips, "
                f"{budget.frames:,} frames",
            ),
        ],
    )
    costs = record.costs
    yield (
        "Time and memory",
        [
            (words, _describe_cost(cost))
            for words, cost in (("training", costs.train), ("features", costs.embed), ("scores", costs.score))
        ],
    )
    there = record.environment
    yield (
        "Where it ran",
        [
            ("arithmetic", there.arithmetic or "not known"),
            ("device", there.device),
            ("processor", " ".join(filter(None, (there.cpu, there.instruction_set)))),
            ("threads", str(there.threads)),
            ("packages", ", ".join(f"{name} {version}" for name, version in sorted(there.packages.items()))),
            ("ranked by", record.backend),
        ],
    )


def _counts(record: Record, name: str) -> bool:
    return bool(record.dataset.counts.get(name))


def _describe_data(dataset: DatasetEntry) -> str:
    return f"{dataset.name}, {describe_data([dataset])}"


def _describe_cost(cost: Cost | None) -> str:
    if cost is None:
        return "not computed in this run"
    speed = cost.frames_per_second
    words = [f"{_duration(cost.seconds)} ({_duration(cost.cpu_seconds)} of a processor)", f"{cost.peak_mb:,.0f} MB"]
    return ", ".join(words + ([f"{speed:,.0f} frames a second"] if speed else []))


def _duration(seconds: float) -> str:
    if seconds < 60:
        return f"{seconds:.1f} s"
    return f"{seconds / 60:.1f} min" if seconds < 3600 else f"{seconds / 3600:.1f} h"
