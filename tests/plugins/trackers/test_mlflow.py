"""What MLflow's client finds after a run: MLflow itself where it is installed, else a client with the same calls."""

import importlib.util
import sys
from collections import defaultdict
from types import ModuleType, SimpleNamespace
from typing import ClassVar, NamedTuple

import pytest
from tracked_run import INTERRUPTED, RECORD, RESUMED, follow

from vreid_plugins.trackers.mlflow import MLflow


class Metric(NamedTuple):
    key: str
    value: float
    timestamp: int
    step: int


class Client:
    """As `mlflow.MlflowClient`, of version 3.17, as far as the tracker calls it; a store is a dictionary."""

    stores: ClassVar = defaultdict(lambda: {"experiments": {}, "runs": {}})

    def __init__(self, tracking_uri):
        self.store = self.stores[tracking_uri]

    def get_experiment_by_name(self, name):
        return self.store["experiments"].get(name)

    def create_experiment(self, name, artifact_location=None):
        self.store["experiments"][name] = SimpleNamespace(experiment_id=name, artifact_location=artifact_location)
        return name

    def create_run(self, experiment_id, start_time=None, tags=None, run_name=None):
        info = SimpleNamespace(run_id=f"r{len(self.store['runs'])}", run_name=run_name, status="RUNNING")
        info.experiment_id = experiment_id
        run = SimpleNamespace(info=info, data=SimpleNamespace(tags=tags), metrics=defaultdict(list), artifacts=[])
        self.store["runs"][info.run_id] = run
        return run

    def get_run(self, run_id):
        return self.store["runs"][run_id]

    def update_run(self, run_id, status=None, name=None):
        self.get_run(run_id).info.status = status

    def set_terminated(self, run_id, status=None, end_time=None):
        self.get_run(run_id).info.status = status

    def log_batch(self, run_id, metrics=(), params=(), tags=()):
        for metric in metrics:
            self.get_run(run_id).metrics[metric.key].append(metric)

    def get_metric_history(self, run_id, key):
        return self.get_run(run_id).metrics[key]

    def log_dict(self, run_id, dictionary, artifact_file):
        self.get_run(run_id).artifacts.append(SimpleNamespace(path=artifact_file))

    def list_artifacts(self, run_id):
        return self.get_run(run_id).artifacts

    def search_runs(self, experiment_ids):
        return [run for run in self.store["runs"].values() if run.info.experiment_id in experiment_ids]


@pytest.fixture
def package(monkeypatch):
    """MLflow, or a module in its place."""
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    if importlib.util.find_spec("mlflow"):
        import mlflow

        return mlflow
    module = ModuleType("mlflow")
    module.MlflowClient, module.entities = Client, SimpleNamespace(Metric=Metric)
    monkeypatch.setitem(sys.modules, "mlflow", module)
    Client.stores.clear()
    return module


def find_runs(package, uri, experiment="vreid-bench"):
    client = package.MlflowClient(uri)
    return client, client.search_runs([client.get_experiment_by_name(experiment).experiment_id])


def history(client, run, key):
    return sorted((each.step, each.value) for each in client.get_metric_history(run.info.run_id, key))


def test_a_resumed_run_goes_on_in_the_same_run(package, tmp_path):
    follow(MLflow(), tmp_path, INTERRUPTED, fault=KeyboardInterrupt())
    uri = f"sqlite:///{tmp_path}/mlflow/mlflow.db"
    client, [run] = find_runs(package, uri)
    assert run.info.status == "KILLED"
    follow(MLflow(), tmp_path, RESUMED, record=RECORD)
    client, [run] = find_runs(package, uri)
    assert (run.info.status, run.info.run_name) == ("FINISHED", tmp_path.name)
    assert run.data.tags.items() >= {"method": "mean", "protocol": "mars", "preset": "small", "seed": "3"}.items()
    assert history(client, run, "stage1/loss") == [(0, 2.0), (10, 1.5), (19, 1.25)]
    assert history(client, run, "stage2/loss") == [(0, 1.0), (10, 0.75), (19, 0.5)]
    assert history(client, run, "official/mAP") == [(0, 0.5)]
    assert [each.path for each in client.list_artifacts(run.info.run_id)] == ["record.json"]


def test_runs_in_a_store_of_the_user_stay_apart(package, tmp_path, monkeypatch):
    uri = f"sqlite:///{tmp_path}/all.db"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    for name in ("a", "b"):
        fault = RuntimeError("no disk") if name == "b" else None
        try:
            follow(MLflow(experiment="mine"), tmp_path / name, INTERRUPTED[:1], fault=fault)
        except RuntimeError:
            assert name == "b"
    client, runs = find_runs(package, uri, "mine")
    assert {run.info.run_name: run.info.status for run in runs} == {"a": "FINISHED", "b": "FAILED"}
    assert [history(client, run, "stage1/loss") for run in runs] == [[(0, 2.0)]] * 2
    assert not (tmp_path / "a" / "mlflow" / "mlflow.db").exists()
