"""`--arithmetic`: what is chosen if it is not given, and what the record says of it."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from edited_run import allow_edits
from short_run import SHORT, record_of

from vreid_bench.cli import arithmetic
from vreid_bench.cli.arithmetic import read_arithmetic, take_arithmetic
from vreid_bench.records.record import Record
from vreid_bench.system import gpu, native
from vreid_bench.system.arithmetic import PINS, is_pinned, pin_children

PLAIN = {"device": "auto", "threads": None, "preset": None, "data": None, "runs": Path("runs")}


@pytest.fixture
def chosen(monkeypatch):
    """What was chosen, on a machine that could compute portably and has no GPU."""
    found = []
    monkeypatch.delenv("VREID_DATA", raising=False)
    monkeypatch.setattr(arithmetic, "has_gpu", lambda: False)
    monkeypatch.setattr(arithmetic, "explain_impossible", lambda: "")
    monkeypatch.setattr(arithmetic, "choose_arithmetic", found.append)
    return found


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, ["portable"]),
        ({"preset": "small", "data": Path("/data/mars")}, ["portable"]),
        ({"device": "cpu", "threads": 1}, ["portable"]),
        ({"data": Path("/data/mars")}, []),
        ({"preset": "paper"}, []),
        ({"device": "cuda"}, []),
        ({"threads": 2}, []),
    ],
)
def test_preset_small_is_portable_on_one_thread_of_a_cpu(chosen, options, expected):
    take_arithmetic(None, None, PLAIN | options)
    assert chosen == expected


def test_what_is_asked_for_is_taken(chosen):
    for asked in ("native", "portable"):
        take_arithmetic(asked, None, PLAIN)
    assert chosen == ["native", "portable"]


def test_a_gpu_is_native_unless_the_cpu_is_asked_for(chosen, monkeypatch):
    monkeypatch.setattr(arithmetic, "has_gpu", lambda: True)
    take_arithmetic(None, None, PLAIN)
    assert chosen == []
    take_arithmetic(None, None, PLAIN | {"device": "cpu"})
    assert chosen == ["portable"]


def test_your_copy_in_the_variable_is_of_preset_paper(chosen, monkeypatch):
    monkeypatch.setenv("VREID_DATA", "/data")
    take_arithmetic(None, None, PLAIN)
    assert chosen == []


def test_a_machine_that_cannot_is_told_once_and_computes_natively(chosen, monkeypatch, capsys):
    monkeypatch.setattr(arithmetic, "explain_impossible", lambda: "the processor has no AVX2")
    take_arithmetic(None, None, PLAIN)
    assert chosen == []
    assert "--arithmetic native" in capsys.readouterr().err


@pytest.mark.parametrize(("known", "expected"), [("portable", ["portable"]), ("native", []), (None, [])])
def test_the_weights_of_a_run_are_tested_with_its_arithmetic(finished_run, chosen, known, expected):
    fields = json.loads((finished_run / "record.json").read_text())
    fields["environment"] = fields["environment"] | {"arithmetic": known}
    record = Record.of(fields)
    assert ("arithmetic" in json.loads(record.to_json())["environment"]) == (known is not None)
    (finished_run / "record.json").write_bytes(record.to_json())
    allow_edits(finished_run)
    assert read_arithmetic(finished_run, Path("runs")) == known
    take_arithmetic(None, finished_run, PLAIN)
    assert chosen == expected


def test_a_gpu_is_its_driver_and_a_torch_that_can_use_it(monkeypatch, tmp_path):
    libraries = tmp_path / "torch" / "lib"
    libraries.mkdir(parents=True)
    spec = type("Spec", (), {"origin": str(tmp_path / "torch" / "__init__.py")})
    monkeypatch.setattr(gpu, "find_spec", lambda name: spec)
    monkeypatch.setattr(gpu, "DEVICES", tmp_path / "dev")
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    (tmp_path / "dev").mkdir()
    (libraries / "libtorch_cuda.so").touch()
    assert not gpu.has_gpu()
    (tmp_path / "dev" / "nvidia0").touch()
    assert gpu.has_gpu()
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    assert not gpu.has_gpu()
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES")
    (libraries / "libtorch_cuda.so").unlink()
    assert not gpu.has_gpu()


def test_children_are_pinned_and_the_process_is_left_as_it_was(monkeypatch):
    before = dict(os.environ)
    with pin_children():
        assert is_pinned()
        assert os.environ["OPENBLAS_NUM_THREADS"] == "1"
    assert dict(os.environ) == before


@pytest.mark.slow
@pytest.mark.skipif(native.load("portable") is None, reason="the native kernels were not built")
def test_a_run_in_a_process_of_its_own_is_portable_and_says_so(tiny_mars, tmp_path):
    environment = {name: value for name, value in os.environ.items() if name not in {"VREID_ARITHMETIC", *PINS}}
    words = ("run", "--plugin", "mean-pooling", "--data", tiny_mars, "--runs", tmp_path, "--json", "-q", *SHORT)
    command = [sys.executable, "-m", "vreid_bench.cli.main", *map(str, words)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    where = record_of(json.loads(done.stdout)).environment
    assert (where.arithmetic, where.threads, where.instruction_set) == ("portable", 1, "AVX2")
