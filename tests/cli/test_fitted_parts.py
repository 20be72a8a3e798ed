"""Every part that is fitted, under every kind of protocol: it is fitted on other people, and to other sizes."""

from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file
from short_run import record_of, shorten

from vreid_bench import Fit
from vreid_bench.planning.method import MethodRequest, choose_method
from vreid_bench.registry.registry import Registry

REGISTRY = Registry.installed()
PARTS = [entry.name for kind in ("aggregators", "matchers") for entry in REGISTRY.entries(kind) if entry.can_fit]
# those that take the maps of their own encoder alone, and run in the methods that have it
BOUND = {"body-action-fisher": "stfv3d-kissme", "stream-vlad": "action-vlad"}
# the last fits both its aggregator and its matcher
NAMES = (*(BOUND.get(part, part) for part in PARTS), "personvlad-xqda")
TWO = ("--splits", "0-1")
KINDS = {  # of protocols: one of each
    "plain": ("mars",),
    "ten splits": ("ilids-vid", *TWO),
    "halves": ("mars-half", *TWO),
    "transfer": ("mars-to-ilids-vid", *TWO),
    "fine-tuned": ("mars-to-ilids-vid-fine-tuned", *TWO),
    "corruption": ("mars-corruption",),
    "selection": ("mars-tracklet-selection",),
}


def choose(name):
    return choose_method(REGISTRY, MethodRequest(name, "small", 0), (), None).method


def kinds_of(name):
    """The kinds of protocols that a method can be tested under: spoiled frames have no optical flow."""
    flows = "flow" in REGISTRY.entry("encoders", choose(name).encoder.name).planes
    return {kind: options for kind, options in KINDS.items() if not (flows and kind == "corruption")}


def load_fitted(folder, method):
    """The numbers of the parts that the stages of a trained method have fitted, by name."""
    parts = tuple(f"{stage.part}." for stage in method.stages if isinstance(stage, Fit))
    weights = load_file(folder / "weights.safetensors")
    return {name: value for name, value in weights.items() if name.startswith(parts)}


def are_equal(one, other):
    return one.keys() == other.keys() and all(np.array_equal(one[name], other[name]) for name in one)


def test_these_are_the_parts_that_are_fitted_and_each_brings_its_stage():
    assert sorted(PARTS) == ["body-action-fisher", "kissme", "personvlad", "region-vlad", "stream-vlad", "xqda"]
    assert all(any(isinstance(stage, Fit) for stage in choose(name).stages) for name in NAMES)


@pytest.fixture
def reports(request, tiny_shelf, tmp_path, cli_json, monkeypatch):
    """What a run of the fitted part prints under each kind of protocol; two runs test the weights of others."""
    monkeypatch.setenv("VREID_DATA", str(tiny_shelf))
    run = ("run", "-q", "--runs", tmp_path, "--protocol")
    training = ("--plugin", request.param, "--preset", "small", *shorten(choose(request.param)))
    found = {kind: cli_json(*run, *options, *training) for kind, options in kinds_of(request.param).items()}
    found["plain again"] = cli_json(*run, "mars-to-ilids-vid", "--from", found["plain"]["run"])
    found["halves again"] = cli_json(*run, "mars-half", "--from", found["halves"]["run"])
    return found


@pytest.mark.parametrize(("reports", "name"), [(name, name) for name in NAMES], indirect=["reports"], ids=NAMES)
def test_a_fitted_part_runs_under_every_kind_of_protocol(reports, name):
    method, folders = choose(name), {kind: Path(report["run"]) for kind, report in reports.items()}
    plain = load_fitted(folders["plain"], method)
    assert plain
    same = [
        folders["transfer"] / "split-1",
        *(folders[kind] for kind in ("corruption", "selection") if kind in folders),
    ]
    for folder in same:  # the same people
        assert are_equal(load_fitted(folder, method), plain), folder
    for kind in ("ten splits", "halves", "fine-tuned"):  # those of each split
        first, second = (load_fitted(folders[kind] / split, method) for split in ("split-0", "split-1"))
        assert not are_equal(first, second), kind
    tuned = folders["fine-tuned"] / "split-0"
    assert are_equal(load_fitted(tuned / "pretrained", method), plain)
    assert not are_equal(load_fitted(tuned, method), plain)
    records = {kind: record_of(report) for kind, report in reports.items()}
    assert records["halves again"].conventions == records["halves"].conventions
    assert records["plain again"].weights.origin == "record"
