"""The events of a run, which trackers receive through the event hooks."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Events:
    """The event hooks of the installed plugins, for one run."""

    hook: Any  # of the plugin manager
    run: Mapping[str, Any]  # id, directory, method, protocol, preset, seed

    @classmethod
    def of(cls, hook: Any, identity: Mapping[str, Any], folder: Path) -> Events:
        """The events of the run in a folder. Its id is the folder's name, which differs for a run made anew."""
        return cls(hook, {**identity, "id": folder.name, "directory": str(folder)})

    def start(self) -> None:
        """Report that the run begins."""
        self.hook.vreid_run_started(run=self.run)

    def log(self, split: int, step: int, values: Mapping[str, float]) -> None:
        """Report the values of one training step of a split, or the scores after it."""
        self.hook.vreid_metrics_logged(run={**self.run, "split": split}, step=step, values=values)

    def finish(self, record: bytes) -> None:
        """Report that the run ended, with its record (JSON)."""
        self.hook.vreid_run_finished(record=json.loads(record))
