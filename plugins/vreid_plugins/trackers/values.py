"""What all trackers share: the names under which values are logged, and the import of their package."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from importlib import import_module
from typing import Any

from vreid_bench import InputError

METRICS = ("mAP", "R1", "R5", "R10", "R20", "mINP")
TAGS = ("method", "protocol", "preset", "seed")  # of a run's identity


def import_package(name: str, tracker: str) -> Any:
    """The package that a tracker writes with. Raises InputError if it is not installed."""
    try:
        return import_module(name)
    except ImportError as fault:
        raise InputError(
            f"--tracker {tracker}: {name} cannot be imported ({fault}); pip install 'vreid-bench[{tracker}]', or leave "
            f"--tracker {tracker} out"
        ) from fault


def name_place(run: Mapping[str, Any]) -> str:
    """Where a step is counted, as a prefix: `stage1`, after the split and the training if there are several."""
    parts = [f"split{run['split']}"] if run["splits"] > 1 else []
    parts += [f"training{run['training'] + 1}"] if run["training"] else []  # the first one has no name of its own
    return "-".join([*parts, f"stage{run['stage'] + 1}"])


def list_scores(record: Mapping[str, Any]) -> Iterator[tuple[str, float]]:
    """Name and value of the scores: of each convention, of its splits if there are several, and of each condition."""
    ran = (record.get("splits") or {}).get("ran", [0])
    for convention, result in record["conventions"].items():
        yield from ((f"{convention}/{metric}", result[metric]) for metric in METRICS)
        if len(ran) > 1:
            for number, split in zip(ran, result["splits"], strict=False):
                yield from ((f"split{number}/{convention}/{metric}", split[metric]) for metric in METRICS)
    for condition in record.get("conditions") or []:
        for convention, result in condition["conventions"].items():
            yield from ((f"{condition['name']}/{convention}/{metric}", result[metric]) for metric in METRICS)
