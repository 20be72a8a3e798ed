"""Weights & Biases, offline: files in the folder of the run, which `wandb sync` uploads if you want it to."""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from vreid_bench import hookimpl
from vreid_plugins.trackers.values import TAGS, import_package, list_scores, name_place

SETTINGS = {
    "silent": True,
    "console": "off",
    "disable_git": True,
    "save_code": False,
    "x_disable_stats": True,
    "x_transaction_log_flush_interval": 1.0,  # seconds after which its file has what was logged
}


class WeightsAndBiases:
    """Logs an offline run of Weights & Biases into the folder `wandb` of the run; nothing is sent.

    project: the name under which `wandb sync` lists the run.
    """

    def __init__(self, project: str = "vreid-bench") -> None:
        os.environ.setdefault("WANDB_ERROR_REPORTING", "false")  # it sends its own failures otherwise
        self._package = import_package("wandb", "wandb")
        self.project = project
        self._run: Any = None
        self._places: set[str] = set()

    @hookimpl
    def vreid_run_started(self, run: Mapping[str, Any]) -> None:
        """Begin an offline run; that of a run that goes on has the same id, so that `wandb sync` puts them together."""
        folder = Path(run["directory"])
        self._note = folder / "wandb" / "vreid-bench.json"
        self._note.parent.mkdir(exist_ok=True)
        kept = self._note.read_text() if self._note.exists() else json.dumps({"id": secrets.token_hex(4), "last": {}})
        self._state: dict[str, Any] = json.loads(kept)
        self._write()
        known = self._package.Settings.model_fields  # they differ between versions
        settings = {name: value for name, value in SETTINGS.items() if name in known}
        self._run = self._package.init(
            mode="offline",
            dir=str(folder),
            id=self._state["id"],
            project=self.project,
            name=run["id"],
            group=run["protocol"],
            tags=[str(run["method"]), str(run["protocol"]), f"seed {run['seed']}"],
            config={name: run[name] for name in TAGS},
            settings=self._package.Settings(**settings),
            reinit="create_new",
        )

    @hookimpl
    def vreid_metrics_logged(self, run: Mapping[str, Any], step: int, values: Mapping[str, float]) -> None:
        """Losses, rate and validation of a step, unless they are logged already: a run that goes on repeats steps."""
        place, last = name_place(run), self._state["last"]
        if place not in self._places:
            self._places.add(place)
            self._run.define_metric(f"{place}/*", step_metric=f"{place}/step")
        new = {f"{place}/{name}": value for name, value in values.items()}
        new = {name: value for name, value in new.items() if step > last.get(name, -1)}
        if new:
            self._run.log({**new, f"{place}/step": step})
            last.update(dict.fromkeys(new, step))

    @hookimpl
    def vreid_run_finished(self, record: Mapping[str, Any]) -> None:
        """The scores as the summary, and the record as an artifact."""
        self._run.summary.update(dict(list_scores(record)))
        artifact = self._package.Artifact(f"record-{self._state['id']}", type="record")
        with artifact.new_file("record.json") as file:
            json.dump(record, file, indent=1, sort_keys=True)
        self._run.log_artifact(artifact)

    @hookimpl
    def vreid_run_ended(self, fault: str) -> None:
        """Close the files."""
        if self._run is not None:
            self._run.finish(exit_code=1 if fault else 0)
            self._write()  # by now its file has the last steps; those of a killed process are logged again

    def _write(self) -> None:
        unfinished = self._note.with_suffix(".unfinished")
        unfinished.write_text(json.dumps(self._state))
        unfinished.replace(self._note)


@hookimpl
def vreid_trackers() -> Mapping[str, Callable[..., Any]]:
    """`wandb`."""
    return {"wandb": WeightsAndBiases}
