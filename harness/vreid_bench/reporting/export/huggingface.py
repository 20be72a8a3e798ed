"""Records as the metadata of a model card of Hugging Face: `model-index`.

Source of the fields: modelcard.md of huggingface/hub-docs. The newer files `.eval_results/*.yaml` name a data set of
the Hub that is registered as a benchmark; none of this field is.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any

from vreid_bench.records.entries import describe_data
from vreid_bench.records.record import Record
from vreid_bench.reporting.export.scores import Score, list_scores, name_row
from vreid_bench.reporting.text import sanitize

TASK = {"type": "video-person-re-identification", "name": "Video person re-identification"}


def render_model_card(records: Sequence[Record]) -> str:
    """The metadata block that a model card begins with: a model for each method, a result for each condition."""
    models = [
        {"name": name, "results": [result for record in alike for result in _list_results(record)]}
        for name, alike in groupby(sorted(records, key=lambda each: (name_row(each), each.id)), key=name_row)
    ]
    return "\n".join(["---", *_write_yaml({"model-index": models}), "---"]) + "\n"


def _list_results(record: Record) -> Iterator[dict[str, Any]]:
    dataset = record.dataset
    for condition, scores in groupby(list_scores(record), key=lambda score: score.condition):
        args = {"protocol": record.protocol.name, "lists": dataset.fingerprint, "seed": record.seed}
        yield {
            "task": TASK,
            "dataset": {
                "type": dataset.name,
                "name": f"{dataset.name}, {describe_data([dataset])}",
                "config": record.protocol.name,
                "split": "test",
                "args": args | ({"condition": condition} if condition else {}),
            },
            "metrics": [_describe(score) for score in scores],
        }


def _describe(score: Score) -> dict[str, Any]:
    """A metric; the Hub shows the value as it stands, which is a fraction here."""
    args: dict[str, Any] = {"convention": score.convention, "rules": score.fingerprint, "queries": score.queries}
    if score.interval:
        args |= {"low": score.interval[0], "high": score.interval[1]}
    return {
        "type": score.metric,
        "value": score.value,
        "name": f"{score.metric} ({score.convention})",
        "args": args,
        "verified": False,
    }


def _write_yaml(value: object, indent: str = "") -> Iterator[str]:
    """Mappings and lists as lines of YAML. Every text is quoted as in JSON, which YAML reads alike."""
    if isinstance(value, Mapping):
        for name, each in value.items():
            if isinstance(each, Mapping | list):
                yield f"{indent}{name}:"
                yield from _write_yaml(each, f"{indent}  ")
            else:
                yield f"{indent}{name}: {_write_scalar(each)}"
    elif isinstance(value, list):
        for each in value:
            first, *others = _write_yaml(each, f"{indent}  ")
            yield f"{indent}- {first.removeprefix(f'{indent}  ')}"
            yield from others


def _write_scalar(value: object) -> str:
    return json.dumps(sanitize(value) if isinstance(value, str) else value, ensure_ascii=False)
