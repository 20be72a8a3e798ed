"""TensorBoard: `tensorboard --logdir runs` shows the runs in their folders."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from vreid_bench import hookimpl
from vreid_plugins.trackers.values import TAGS, import_package, list_scores, name_place


class TensorBoard:
    """Logs into the folder `tensorboard` of the run: a run of TensorBoard for each stage, and one for the scores."""

    def __init__(self) -> None:
        self._open = import_package("torch.utils.tensorboard", "tensorboard").SummaryWriter
        self._writers: dict[str, Any] = {}

    @hookimpl
    def vreid_metrics_logged(self, run: Mapping[str, Any], step: int, values: Mapping[str, float]) -> None:
        """Losses, rate and validation of a step."""
        writer = self._writer(run, name_place(run), step)
        for name, value in values.items():
            writer.add_scalar(name, value, step)
        writer.flush()  # a run can be killed

    @hookimpl
    def vreid_run_finished(self, run: Mapping[str, Any], record: Mapping[str, Any]) -> None:
        """The scores, and the record and the names of the run as text."""
        writer = self._writer(run, "scores", 0)
        for name, value in list_scores(record):
            writer.add_scalar(name, value, 0)
        writer.add_text("run", "\n".join(f"- {name}: {run[name]}" for name in TAGS), 0)
        writer.add_text("record", f"```json\n{json.dumps(record, indent=1, sort_keys=True)}\n```", 0)

    @hookimpl
    def vreid_run_ended(self) -> None:
        """Close the files."""
        for writer in self._writers.values():
            writer.close()

    def _writer(self, run: Mapping[str, Any], name: str, step: int) -> Any:
        """The writer of that name; opening it takes back what an interrupted run logged from this step on."""
        if name not in self._writers:
            folder = Path(run["directory"]) / "tensorboard" / name
            self._writers[name] = self._open(str(folder), purge_step=step)
        return self._writers[name]


@hookimpl
def vreid_trackers() -> Mapping[str, Callable[..., Any]]:
    """`tensorboard`."""
    return {"tensorboard": TensorBoard}
