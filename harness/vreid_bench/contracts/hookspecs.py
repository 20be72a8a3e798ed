"""Every hook a plugin may implement. Registration hooks take no arguments and return {name: value}."""

# mypy: disable-error-code="empty-body"
# (pluggy reads the signature and the docstring of a specification; nobody calls it)

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pluggy

hookspec = pluggy.HookspecMarker("vreid_bench")
hookimpl = pluggy.HookimplMarker("vreid_bench")  # marks a function of a plugin as the implementation of a hook


@hookspec
def vreid_datasets() -> Mapping[str, Any]:
    """name -> dataset reader (`contracts.dataset.DatasetReader`)."""


@hookspec
def vreid_encoders() -> Mapping[str, Any]:
    """name -> factory of an encoder (`contracts.parts.Encoder`); `name:` -> `Family`, here and for all parts."""


@hookspec
def vreid_aggregators() -> Mapping[str, Any]:
    """name -> factory of an aggregator (`contracts.parts.Aggregator`)."""


@hookspec
def vreid_matchers() -> Mapping[str, Any]:
    """name -> factory of a matcher (`contracts.parts.Matcher`)."""


@hookspec
def vreid_losses() -> Mapping[str, Any]:
    """name -> factory of a loss (`contracts.parts.Loss`)."""


@hookspec
def vreid_augmentations() -> Mapping[str, Any]:
    """name -> factory of an augmentation (`contracts.parts.Augmentation`)."""


@hookspec
def vreid_protocols() -> Mapping[str, Any]:
    """name -> `contracts.protocol.Protocol`."""


@hookspec
def vreid_conventions() -> Mapping[str, Any]:
    """name -> `contracts.convention.Convention`."""


@hookspec
def vreid_methods() -> Mapping[str, Any]:
    """name -> function of the preset that returns a `vreid_bench.Method`."""


@hookspec
def vreid_rerankers() -> Mapping[str, Any]:
    """name -> factory of a re-ranker (`contracts.parts.Reranker`)."""


@hookspec
def vreid_checkpoints() -> Mapping[str, Any]:
    """name -> family of checkpoints of other programs (`contracts.checkpoint.CheckpointFamily`)."""


@hookspec
def vreid_executors() -> Mapping[str, Any]:
    """name -> factory of an executor of `leaderboard fill` (`contracts.executor.Executor`)."""


@hookspec
def vreid_trackers() -> Mapping[str, Any]:
    """name -> factory of a tracker, an object with event hooks as below, which `run --tracker NAME` switches on."""


# Events of a run. A plugin that implements one receives it of every run, and a tracker of those that name it. What they
# raise ends no run: it is told at the end, and the plugin receives nothing more of that run but `vreid_run_ended`.


@hookspec
def vreid_run_started(run: Mapping[str, Any]) -> None:
    """A run begins, or goes on; `run` is its identity: id, method, protocol, preset, seed, splits, directory."""


@hookspec
def vreid_metrics_logged(run: Mapping[str, Any], step: int, values: Mapping[str, float]) -> None:
    """A training step was logged: its losses and rate, or the scores after it, such as `validation.mAP`.

    `run` also has the numbers, from 0, of the split, the training of it, and the stage, within which steps count.
    """


@hookspec
def vreid_run_finished(run: Mapping[str, Any], record: Mapping[str, Any]) -> None:
    """A run ended with scores; `record` is what `record.json` holds."""


@hookspec
def vreid_run_ended(run: Mapping[str, Any], fault: str) -> None:
    """The last event of a run, however it ended; `fault` is empty, or the exception that ended it."""
