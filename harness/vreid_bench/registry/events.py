"""What trackers hear of a run: the event hooks, called with the run's own names."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Events:
    """The event hooks of the installed plugins, for one run."""

    hook: Any  # of the plugin manager
    run: Mapping[str, Any]  # id, directory, method, protocol, preset, seed

    def start(self) -> None:
        """The run begins."""
        self.hook.vreid_run_started(run=self.run)

    def log(self, split: int, step: int, values: Mapping[str, float]) -> None:
        """A training step of a split was logged."""
        self.hook.vreid_metrics_logged(run={**self.run, "split": split}, step=step, values=values)

    def finish(self, record: bytes) -> None:
        """The run ended with this record, as JSON."""
        self.hook.vreid_run_finished(record=json.loads(record))
