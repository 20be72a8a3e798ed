"""What Weights & Biases is given: a module with the same calls, and the package itself where it is installed."""

import importlib.util
import io
import json
import sys
from contextlib import contextmanager
from types import ModuleType, SimpleNamespace

import pytest
from tracked_run import INTERRUPTED, RECORD, RESUMED, follow

from vreid_plugins.trackers.wandb import WeightsAndBiases


class Run:
    """As `wandb.Run`, of version 0.31, as far as the tracker calls it."""

    def __init__(self, given):
        self.given, self.rows, self.metrics, self.summary, self.artifacts = given, [], {}, {}, []

    def define_metric(self, name, step_metric=None):
        self.metrics[name] = step_metric

    def log(self, data):
        self.rows.append(data)

    def log_artifact(self, artifact):
        self.artifacts.append(artifact)

    def finish(self, exit_code=None):
        self.exit_code = exit_code


class Artifact:
    def __init__(self, name, type):
        self.name, self.type, self.files = name, type, {}

    @contextmanager
    def new_file(self, name):
        file = io.StringIO()
        yield file
        self.files[name] = file.getvalue()


@pytest.fixture
def runs(monkeypatch):
    """A module in the place of the package; the runs that are begun with it."""
    begun = []

    def init(**given):
        begun.append(Run(given))
        return begun[-1]

    module = ModuleType("wandb")
    module.init, module.Artifact = init, Artifact
    module.Settings = type("Settings", (SimpleNamespace,), {"model_fields": {"silent": None, "console": None}})
    monkeypatch.setitem(sys.modules, "wandb", module)
    return begun


def test_a_resumed_run_has_the_same_id_and_no_step_twice(runs, tmp_path):
    follow(WeightsAndBiases(), tmp_path, INTERRUPTED, fault=KeyboardInterrupt())
    follow(WeightsAndBiases(project="mine"), tmp_path, RESUMED, record=RECORD)
    first, second = runs
    assert (first.given["mode"], second.given["mode"]) == ("offline", "offline")
    assert first.given["id"] == second.given["id"]
    assert (first.given["project"], second.given["project"]) == ("vreid-bench", "mine")
    assert second.given["config"] == {"method": "mean", "protocol": "mars", "preset": "small", "seed": 3}
    assert (first.exit_code, second.exit_code) == (1, 0)
    assert first.rows[-1] == {"stage2/loss": 0.75, "stage2/rate": 0.1, "stage2/step": 10}
    assert second.rows == [{"stage2/loss": 0.5, "stage2/rate": 0.1, "stage2/step": 19}]
    assert first.metrics == {"stage1/*": "stage1/step", "stage2/*": "stage2/step"}
    assert second.summary["official/mAP"] == 0.5
    [artifact] = second.artifacts
    assert (artifact.type, json.loads(artifact.files["record.json"])) == ("record", RECORD)


def test_what_a_killed_process_may_not_have_written_is_logged_again(runs, tmp_path):
    place = {"method": "mean", "protocol": "mars", "preset": "small", "seed": 3, "id": "x", "directory": str(tmp_path)}
    place |= {"splits": 1, "split": 0, "training": 0, "stage": 1}
    killed = WeightsAndBiases()
    killed.vreid_run_started(place)
    killed.vreid_metrics_logged(place, 10, {"loss": 0.75})  # and no end
    follow(WeightsAndBiases(), tmp_path, RESUMED)
    assert [row["stage2/step"] for row in runs[1].rows] == [10, 19]
    assert runs[0].given["id"] == runs[1].given["id"]


def test_runs_of_two_folders_have_two_ids(runs, tmp_path):
    for name in ("a", "b"):
        follow(WeightsAndBiases(), tmp_path / name, INTERRUPTED)
    assert runs[0].given["id"] != runs[1].given["id"]


@pytest.mark.slow
@pytest.mark.skipif(importlib.util.find_spec("wandb") is None, reason="wandb is not installed")
def test_the_package_itself_writes_into_the_folder_of_the_run(tmp_path):
    follow(WeightsAndBiases(), tmp_path, INTERRUPTED, fault=KeyboardInterrupt())
    follow(WeightsAndBiases(), tmp_path, RESUMED, record=RECORD)
    files = sorted((tmp_path / "wandb").glob("offline-run-*/*.wandb"))
    assert len({path.name for path in files}) == 1
    assert len(files) == 2
    content = [path.read_bytes() for path in files]
    assert all(b"stage2/loss" in each for each in content)
    assert b"official/mAP" in content[1]
