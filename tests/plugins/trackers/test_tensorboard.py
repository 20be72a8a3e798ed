"""What TensorBoard's own reader finds in the folder of a run."""

import json

import pytest
from tracked_run import INTERRUPTED, RECORD, RESUMED, follow

from vreid_plugins.trackers.tensorboard import TensorBoard

pytest.importorskip("tensorboard")


def read(folder):
    """{(run, tag): [(step, value)]} of the scalars, and {tag: text}."""
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    scalars, texts = {}, {}
    for place in (folder / "tensorboard").iterdir():
        events = EventAccumulator(str(place)).Reload()
        for tag in events.Tags()["scalars"]:
            scalars[place.name, tag] = [(event.step, event.value) for event in events.Scalars(tag)]
        for tag in events.Tags()["tensors"]:
            texts[tag] = events.Tensors(tag)[0].tensor_proto.string_val[0].decode()
    return scalars, texts


def test_a_resumed_run_goes_on_in_the_same_curves(tmp_path):
    follow(TensorBoard(), tmp_path, INTERRUPTED, fault=KeyboardInterrupt())
    follow(TensorBoard(), tmp_path, RESUMED, record=RECORD)
    scalars, texts = read(tmp_path)
    assert scalars["stage1", "loss"] == [(0, 2.0), (10, 1.5), (19, 1.25)]
    assert scalars["stage2", "loss"] == [(0, 1.0), (10, 0.75), (19, 0.5)]
    assert scalars["stage2", "rate"] == [(step, pytest.approx(0.1)) for step in (0, 10, 19)]
    assert scalars["scores", "official/mAP"] == [(0, 0.5)]
    assert json.loads(texts["record/text_summary"].removeprefix("```json\n").removesuffix("\n```")) == RECORD
    assert "- method: mean\n- protocol: mars\n- preset: small\n- seed: 3" in texts["run/text_summary"]


def test_what_a_killed_run_has_logged_is_in_its_files(tmp_path):
    tracker = TensorBoard()
    for step in (0, 10):
        place = {"splits": 1, "split": 0, "training": 0, "stage": 0, "directory": str(tmp_path)}
        tracker.vreid_metrics_logged(place, step, {"loss": 1.0})
    assert read(tmp_path)[0]["stage1", "loss"] == [(0, 1.0), (10, 1.0)]  # nothing was closed
