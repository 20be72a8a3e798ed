"""The benchmarks on a GPU, as far as no GPU is needed: their cases at a small size, their check and their file."""

import json

import pytest
import torch
from bench_clip_ops_gpu import CASES, EXACT, Sizes, check
from kernel_report import entry, file_name, report

SMALL = Sizes(Q=9, G=520, N=12, E=24, large_N=40, large_E=16)


@pytest.mark.parametrize("name", CASES)
def test_ours_and_peers_compute_the_same(name):
    case = CASES[name](torch.device("cpu"), SMALL)
    case.gemm()
    check("ours", case.ours(), case.truth, EXACT)
    check("eager", case.peer(case.eager), case.truth, case.tolerance)


def test_a_wrong_result_fails():
    case = CASES["clip_top"](torch.device("cpu"), SMALL)
    (right,) = case.ours()
    for wrong in (right + 1e-4, right.roll(1, 0), right * float("nan")):
        with pytest.raises(AssertionError, match=r"ours is .* from the reference"):
            check("ours", [wrong], case.truth, EXACT)


def test_an_entry_has_medians_spreads_and_ratios():
    ours = [1.0] * 10 + [2.0] * 11 + [4.0] * 10  # quartiles: 1, 2, 4
    assert entry({"ours": ours, "gemm": [3.0] * 31}, {"ours": 5.5}) == {
        "ours_ms": 2,
        "ours_spread_ms": 3,
        "gemm_ms": 3,
        "gemm_spread_ms": 0,
        "ratio_gemm": 1.5,
        "ours_peak_mb": 5.5,
    }


def test_few_runs_make_no_median():
    with pytest.raises(ValueError, match="gemm: a median needs at least 30 runs, got 29"):
        entry({"ours": [1.0] * 30, "gemm": [1.0] * 29}, {})


def test_the_file_names_the_gpu_and_is_the_same_for_the_same_numbers():
    machine = {"gpu": "NVIDIA H100 80GB HBM3", "driver": "580.1", "cuda": "13.0", "torch": "2.13", "date": "2026-11-21"}
    entries = {"clip_top": {"ours_ms": 2.5}, "clip_factored": {"ours_ms": 0.25}}
    text = report(machine, entries)
    assert json.loads(text) == machine | {"entries": entries}
    assert text == report(dict(reversed(machine.items())), dict(reversed(entries.items())))
    assert file_name(machine["gpu"]) == "nvidia-h100-80gb-hbm3.json"
