"""A record as a file of Every Eval Ever, the shared schema of evaluation results of the EvalEval Coalition.

Source of the fields: every_eval_ever/schemas/eval.schema.json of evaleval/every_eval_ever, version 0.3.0. Every
`additional_details` is a mapping of texts to texts there.
"""

from __future__ import annotations

import json
import uuid
from datetime import UTC, datetime
from pathlib import PurePosixPath
from typing import Any

from vreid_bench.records.record import Record, in_path
from vreid_bench.reporting.export.scores import Score, describe_metric, list_scores, name_row
from vreid_bench.reporting.text import sanitize

VERSION = "0.3.0"
PROGRAM = "vreid-bench"


def describe_evaluation(record: Record) -> dict[str, Any]:
    """The record as an object of that schema; the same record gives the same object."""
    made = datetime.strptime(record.created, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
    model = f"{PROGRAM}/{in_path(record.method.name)}-{record.preset}"
    moment = str(int(made.timestamp()))
    return {
        "schema_version": VERSION,
        # two records of one second differ in their seed or their changes, so the id of the record goes with it
        "evaluation_id": f"{record.protocol.name}/{model}/{moment}-{record.id[:8]}",
        "evaluation_timestamp": moment,
        "retrieved_timestamp": moment,
        "source_metadata": {
            "source_name": f"{PROGRAM}, protocol {record.protocol.name}",
            "source_type": "evaluation_run",
            "source_organization_name": PROGRAM,
            "evaluator_relationship": "other",  # a record does not tell who ran it
            "additional_details": {"record": record.id, "schema_version": str(record.schema_version)},
        },
        "eval_library": {
            "name": PROGRAM,
            "version": record.environment.packages.get(PROGRAM, "unknown"),
            "additional_details": {"backend": record.backend, "device": sanitize(record.environment.device)},
        },
        "model_info": {
            "name": sanitize(name_row(record)),
            "id": model,
            "developer": PROGRAM,
            "inference_engine": {"name": "torch", "version": record.environment.packages.get("torch", "unknown")},
            "additional_details": _describe_model(record),
        },
        "evaluation_results": [_describe_result(record, score) for score in list_scores(record)],
    }


def render_evaluation(record: Record) -> str:
    """That object as the text of its file."""
    return json.dumps(describe_evaluation(record), indent=1, sort_keys=True) + "\n"


def evaluation_path(record: Record) -> PurePosixPath:
    """Where the file belongs in the data store: benchmark, developer, model, and a UUID by the id of the record."""
    name = uuid.UUID(bytes=bytes.fromhex(record.id)[:16], version=4)
    return PurePosixPath(
        "data", record.protocol.name, PROGRAM, f"{in_path(record.method.name)}-{record.preset}", f"{name}.json"
    )


def _describe_model(record: Record) -> dict[str, str]:
    return {
        "deployment_type": "self_deployed",
        "model_availability": "unknown",  # a record has a hash of the weights, not the weights
        "paper": sanitize(record.method.paper),
        "changes": sanitize("; ".join(record.variant)),
        "seed": str(record.seed),
        "weights_sha256": record.weights.sha256,
        "parameters": str(record.budget.parameters),
        "embedding": str(record.budget.embedding),
        "pretraining": sanitize(record.disclosure.pretraining or "none"),
        "reranking": sanitize(record.disclosure.reranking or "none"),
    }


def _describe_result(record: Record, score: Score) -> dict[str, Any]:
    dataset = record.dataset
    condition = sanitize(score.condition)
    where = [record.protocol.name, *([condition] if condition else []), score.convention, score.metric]
    result: dict[str, Any] = {
        "evaluation_name": " / ".join(where),
        "source_data": {
            "dataset_name": dataset.name,
            "source_type": "other",
            "additional_details": {
                "copy": dataset.source,
                "label": dataset.label,
                "lists": dataset.fingerprint,
                **({"frames": dataset.content} if dataset.content else {}),
            },
        },
        "metric_config": {
            "evaluation_description": f"{describe_metric(score.metric)}, under convention {score.convention}",
            "metric_name": score.metric,
            "metric_unit": "proportion",
            "lower_is_better": False,
            "score_type": "continuous",
            "min_score": 0,
            "max_score": 1,
            "additional_details": {
                "convention": score.convention,
                "rules": score.fingerprint,
                "condition": condition,
                "headline": str(score.headline).lower(),
            },
        },
        "score_details": {"score": score.value},
    }
    if score.interval:
        low, high = score.interval
        interval = {"lower": low, "upper": high, "confidence_level": 0.95, "method": "bootstrap over people"}
        result["score_details"]["uncertainty"] = {"confidence_interval": interval, "num_samples": score.queries}
    return result
