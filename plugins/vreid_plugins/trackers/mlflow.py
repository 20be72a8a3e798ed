"""MLflow: a store in the folder of the run, or the one that `MLFLOW_TRACKING_URI` names."""

from __future__ import annotations

import json
import logging
import os
import time
from collections.abc import Callable, Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any

from vreid_bench import hookimpl
from vreid_plugins.trackers.values import TAGS, import_package, list_scores, name_place

SETTINGS = {
    "MLFLOW_DISABLE_TELEMETRY": "true",  # it sends reports of its use otherwise
    # a run waits for a server that does not answer: for half a minute, and not for a quarter of an hour
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "10",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2",
}


class MLflow:
    """Logs a run of MLflow, into `mlflow/mlflow.db` of the run's folder unless `MLFLOW_TRACKING_URI` names a store.

    experiment: the name under which MLflow lists the run.
    """

    def __init__(self, experiment: str = "vreid-bench") -> None:
        for name, value in SETTINGS.items():
            os.environ.setdefault(name, value)
        self._package = import_package("mlflow", "mlflow")
        logging.getLogger("mlflow.store.db.utils").setLevel(logging.WARNING)  # it tells each table that it makes
        self.experiment = experiment
        self._steps: dict[str, int] = {}  # the last step that is logged already, by metric

    @hookimpl
    def vreid_run_started(self, run: Mapping[str, Any]) -> None:
        """Begin a run of MLflow, or go on with that of an interrupted run."""
        folder = Path(run["directory"]) / "mlflow"
        folder.mkdir(exist_ok=True)
        given = os.environ.get("MLFLOW_TRACKING_URI")
        uri = given or f"sqlite:///{(folder / 'mlflow.db').as_posix()}"
        self._client = self._package.MlflowClient(tracking_uri=uri)
        note = folder / "run.json"
        known = json.loads(note.read_text()) if note.exists() else {}
        store = sha256(uri.encode()).hexdigest()  # it may have a password
        if known.get("store") == store:
            self._id = known["run"]
            self._client.update_run(self._id, status="RUNNING")
            return
        found = self._client.get_experiment_by_name(self.experiment)
        place = None if given else (folder / "artifacts").as_uri()
        experiment = found.experiment_id if found else self._client.create_experiment(self.experiment, place)
        tags = {name: str(run[name]) for name in (*TAGS, "directory")}
        self._id = self._client.create_run(experiment, run_name=run["id"], tags=tags).info.run_id
        note.write_text(json.dumps({"store": store, "run": self._id}))

    @hookimpl
    def vreid_metrics_logged(self, run: Mapping[str, Any], step: int, values: Mapping[str, float]) -> None:
        """Losses, rate and validation of a step."""
        self._log({f"{name_place(run)}/{name}": value for name, value in values.items()}, step)

    @hookimpl
    def vreid_run_finished(self, record: Mapping[str, Any]) -> None:
        """The scores, and the record as an artifact."""
        self._log(dict(list_scores(record)), 0)
        self._client.log_dict(self._id, dict(record), "record.json")

    @hookimpl
    def vreid_run_ended(self, fault: str) -> None:
        """Say how it ended."""
        stopped = fault.startswith(("Interruption", "KeyboardInterrupt"))
        self._client.set_terminated(self._id, "KILLED" if stopped else "FAILED" if fault else "FINISHED")

    def _log(self, values: Mapping[str, float], step: int) -> None:
        """Log what is not there: a run that goes on repeats steps, with the same values."""
        now = int(time.time() * 1000)
        new = {name: value for name, value in values.items() if step > self._last(name)}
        metrics = [self._package.entities.Metric(name, value, now, step) for name, value in new.items()]
        self._client.log_batch(self._id, metrics=metrics)

    def _last(self, name: str) -> int:
        if name not in self._steps:
            self._steps[name] = max((each.step for each in self._client.get_metric_history(self._id, name)), default=-1)
        return self._steps[name]


@hookimpl
def vreid_trackers() -> Mapping[str, Callable[..., Any]]:
    """`mlflow`."""
    return {"mlflow": MLflow}
