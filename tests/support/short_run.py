"""A run of less than a second: few steps, small batches, and frames as small as the rendered data sets have them."""

import json
from pathlib import Path

from vreid_bench import Train
from vreid_bench.records.record import Record

CLIPS = {"test.sampler": "uniform", "test.clips": 8}  # a number of clips that can be changed
OVERRIDES = {"size": [32, 16], "stages.0.steps": 6, "stages.0.P": 4, "stages.0.K": 2, **CLIPS}


def with_settings(settings):
    """The options of `vreid-bench run` that set these."""
    return tuple(word for name, value in settings.items() for word in ("--set", f"{name}={json.dumps(value)}"))


def shorten(method):
    """The options of `vreid-bench run` that leave a step of each stage: two people, tracklets, clips and frames.

    Aggregators of 1,024 units and more get 128: to write their weights to the disk takes longer than to train them.
    """
    size = (64, 32) if method.encoder.name == "inception-v3" else (32, 16)  # it has no place left of smaller frames
    found = {"size": size, **_shorten_clips(method.test, "test")}
    narrow = {name: 128 for name in ("hidden", "width") if method.aggregator.options.get(name, 0) > 512}
    found |= {f"aggregator.{name}": value for name, value in narrow.items()}
    for at, stage in enumerate(method.stages):
        found |= _shorten_clips(stage.clipping, f"stages.{at}.clipping")
        if isinstance(stage, Train):
            found |= {f"stages.{at}.{name}": value for name, value in {"steps": 1, "P": 2, "K": 2}.items()}
            found |= {f"stages.{at}.cached": 1} if stage.cached else {}
    return with_settings(found)


def _shorten_clips(clipping, path):
    return {f"{path}.{name}": min(2, getattr(clipping, name)) for name in ("T", "clips")}


SHORT = ("--preset", "small", *with_settings(OVERRIDES))


def record_of(report):
    """The record of a run, from what `run --json` has printed."""
    return Record.from_file(Path(report["run"]) / "record.json")
