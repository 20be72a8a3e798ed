"""Cluster diameters: TACAN's Eq. 10 by hand, and of a run from its stored features."""

import json
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file

from vreid_bench.scoring.clusters import mean_diameter


def test_the_farthest_two_of_each_person_by_hand():
    """Unit vectors at angles: two that are t apart have the distance 2 sin(t / 2)."""
    degrees = np.array([0, 60, 90, 10, 190, 45, 0, 180, 90])
    pids = np.array([4, 4, 4, 7, 7, 9, 0, 0, -1])
    vectors = np.stack([np.cos(np.deg2rad(degrees)), np.sin(np.deg2rad(degrees))], 1)
    assert mean_diameter(vectors, pids) == pytest.approx((2**0.5 + 2) / 2)  # 9 is alone, 0 and -1 are nobody
    scale = np.arange(1.0, 10.0)[:, None]
    assert mean_diameter(vectors * scale, pids) == pytest.approx((2**0.5 + 2) / 2)
    assert mean_diameter(vectors[5:], pids[5:]) is None
    assert mean_diameter(np.zeros((2, 3)), np.array([1, 1])) == 0


def test_the_record_has_the_diameter_of_the_stored_features(tiny_mars, tmp_path, cli_json):
    short = ("--preset", "small", "--set", "stages.0.steps=2", "--set", "stages.0.P=4", "--set", "stages.0.K=2")
    report = cli_json("run", "--plugin", "mean-pooling", "--data", tiny_mars, "--runs", tmp_path, *short)
    run = Path(report["run"])
    store = load_file(run / "features.safetensors")
    unit = store["embedding"] / np.linalg.norm(store["embedding"], axis=1)[:, None]
    largest = {}
    for a, pid in zip(unit, store["pid"], strict=True):
        for b, other in zip(unit, store["pid"], strict=True):
            if pid == other > 0:
                largest.setdefault(int(pid), []).append(np.linalg.norm(a - b))
    expected = np.mean([max(distances) for distances in largest.values() if len(distances) > 1])
    assert report["cluster_diameter"] == pytest.approx(expected, rel=1e-5)
    assert json.loads((run / "record.json").read_text())["cluster_diameter"] == report["cluster_diameter"]
