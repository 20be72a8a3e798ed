"""`run --tracker`, and plugins that listen to runs: whatever they do, the run is what it is without them."""

import json
import random
import sys
from types import SimpleNamespace
from typing import ClassVar

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file
from short_run import SHORT

from vreid_bench import hookimpl
from vreid_bench.registry.plugins import Plugin, choose_installed
from vreid_bench.registry.registry import Registry

pytestmark = pytest.mark.slow


class Listens:
    """Keeps the events of all runs, draws and seeds, and changes what it is given."""

    told: ClassVar[list] = []

    @hookimpl
    def vreid_run_started(self, run):
        self.hear("started", run["id"])

    @hookimpl
    def vreid_metrics_logged(self, run, step, values):
        self.hear("logged", (run["split"], run["training"], run["stage"], step, dict(values)))
        values.clear()

    @hookimpl
    def vreid_run_finished(self, run, record):
        self.hear("finished", dict(record))
        record.clear()

    @hookimpl
    def vreid_run_ended(self, fault):
        self.hear("ended", fault)

    def hear(self, event, what):
        self.told.append((event, what))
        for draw in (torch.manual_seed, np.random.seed, random.seed):
            draw(0)


class Breaks(Listens):
    """Raises at every event."""

    def hear(self, event, what):
        raise ValueError(f"at {event}")


class Interrupts(Listens):
    """Presses Ctrl-C at the second logged step."""

    steps = 0

    def hear(self, event, what):
        self.steps += event == "logged"
        if self.steps == 2:
            raise KeyboardInterrupt


@pytest.fixture
def track(cli, monkeypatch, tmp_path, tiny_mars):
    """A run with trackers of a stranger, whose package also listens to every run, and fails."""
    stranger = SimpleNamespace(
        __name__="vreid_yard", **{"vreid_run_started": hookimpl(broken), "vreid_trackers": hookimpl(provide)}
    )
    plugin = Plugin("yard", stranger, "vreid-yard", "1")
    installed = [each.load() for each in choose_installed("")]
    monkeypatch.setattr(Registry, "installed", lambda: Registry([*installed, plugin]))
    monkeypatch.setattr(Listens, "told", [])
    base = ("run", "--plugin", "mean-pooling", "--data", tiny_mars, "--runs", tmp_path / "runs", *SHORT)
    return lambda *options: cli(*base, *options)


def broken(run):
    raise OSError("no such tracker")


def provide():
    return {"listens": Listens, "breaks": Breaks, "interrupts": Interrupts}


def test_trackers_that_fail_or_meddle_change_no_bit_and_runs_stay_apart(track, finished_runs, tmp_path):
    trackers = ("--tracker", "listens", "--tracker", "breaks")
    done = track(*trackers, "--seeds", "0-1", "--json", "--quiet")
    assert done.exit_code == 0, done.output
    assert len(json.loads(done.stdout)) == 2
    [plain] = finished_runs.iterdir()
    again = tmp_path / "runs" / plain.name
    for name in ("weights.safetensors", "features.safetensors"):  # whose headers have no order
        found, expected = load_file(again / name), load_file(plain / name)
        assert {key: array.tobytes() for key, array in found.items()} == {
            key: array.tobytes() for key, array in expected.items()
        }
    for name in ("per_query.npz", "log.jsonl"):
        assert (again / name).read_bytes() == (plain / name).read_bytes(), name
    records = [json.loads((folder / "record.json").read_text()) for folder in (plain, again)]
    for record in records:
        del record["created"], record["costs"]
    assert records[0] == records[1]

    warnings = [line for line in done.stderr.splitlines() if line.startswith("warning: ")]
    told = [
        "warning: plugin 'yard' of vreid-yard failed in vreid_run_started (OSError: no such tracker); the run is",
        "warning: tracker 'breaks' of vreid-yard failed in vreid_run_started (ValueError: at started); the run is",
    ]
    assert [line[: len(words)] for line, words in zip(warnings, told * 2, strict=True)] == told * 2
    assert "tracker 'breaks' of vreid-yard failed" in (again / "run.log").read_text()

    steps = [json.loads(line) for line in (plain / "log.jsonl").read_text().splitlines()]
    first = Listens.told[: Listens.told.index(("ended", "")) + 1]
    assert first[0] == ("started", plain.name)
    assert [what for event, what in first if event == "logged"] == [
        (0, 0, line.pop("stage"), line.pop("step"), line) for line in steps
    ]
    assert first[-2] == ("finished", json.loads((again / "record.json").read_text()))
    assert [event for event, _ in Listens.told].count("started") == 2
    assert len({what for event, what in Listens.told if event == "started"}) == 2


def test_ctrl_c_in_a_tracker_still_interrupts_and_the_run_goes_on_in_the_same_log(track, tmp_path):
    pytest.importorskip("tensorboard")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    stopped = track("--tracker", "tensorboard", "--tracker", "interrupts")
    assert stopped.exit_code not in (0, 2), stopped.output
    [folder] = [path.parent for path in (tmp_path / "runs").glob("*/plan.json")]
    assert not (folder / "record.json").exists()
    done = track("--tracker", "tensorboard")
    assert done.exit_code == 0, done.output
    losses = EventAccumulator(str(folder / "tensorboard" / "stage1")).Reload().Scalars("loss")
    steps = [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]
    assert [(each.step, each.value) for each in losses] == [
        (line["step"], pytest.approx(line["loss"], rel=1e-6)) for line in steps
    ]
    scores = EventAccumulator(str(folder / "tensorboard" / "scores")).Reload().Scalars("official/mAP")
    record = json.loads((folder / "record.json").read_text())
    assert scores[0].value == pytest.approx(record["conventions"]["official"]["mAP"], rel=1e-6)


def test_a_tracker_that_there_is_not_or_whose_package_is_missing_is_refused_before_training(
    track, tmp_path, monkeypatch
):
    refused = track("--tracker", "tensorbord")
    assert (refused.exit_code, "did you mean tensorboard" in refused.stderr) == (2, True)
    monkeypatch.setitem(sys.modules, "wandb", None)
    refused = track("--tracker", "wandb")
    assert (refused.exit_code, "pip install 'vreid-bench[wandb]'" in refused.stderr) == (2, True)
    assert refused.stderr.count("\n") == 1
    assert not list((tmp_path / "runs").glob("*/log.jsonl"))
