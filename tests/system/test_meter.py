"""What a stage costs: frames, and a count that goes on where it was interrupted."""

import pytest
import torch

from vreid_bench.system.meter import Meter, add_costs, read_costs

CPU = torch.device("cpu")


def test_frames_are_counted_and_a_resumed_stage_goes_on_from_what_was_written(tmp_path):
    path = tmp_path / "costs.json"

    def run(frames, resumes, fails=False):
        with Meter(path, CPU).stage("train", resumes=resumes) as stage:
            stage.see(frames)
            stage.write()
            stage.see(5)  # lost if the run is killed before it writes again
            if fails:
                raise InterruptedError

    with pytest.raises(InterruptedError):
        run(100, resumes=True, fails=True)
    assert read_costs(path)["train"]["frames"] == 100
    run(30, resumes=True)
    assert read_costs(path)["train"]["frames"] == 135
    run(7, resumes=False)
    assert read_costs(path)["train"]["frames"] == 12


def test_a_stage_keeps_the_costs_of_the_others(tmp_path):
    path = tmp_path / "costs.json"
    for name, frames in (("train", 3), ("embed", 4)):
        with Meter(path, CPU).stage(name) as stage:
            stage.see(frames)
    assert {name: cost["frames"] for name, cost in read_costs(path).items()} == {"train": 3, "embed": 4}


def test_folds_add_up_and_their_highest_peak_counts():
    one = {"train": {"seconds": 1.0, "cpu_seconds": 2.0, "peak_mb": 30.0, "frames": 4}}
    two = {"train": {"seconds": 5.0, "cpu_seconds": 6.0, "peak_mb": 7.0, "frames": 8}}
    assert add_costs([one, {}, two]) == {"train": {"seconds": 6, "cpu_seconds": 8, "peak_mb": 30, "frames": 12}}
