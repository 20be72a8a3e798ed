"""An install never fails where a compiler is missing, and the package says what it runs on."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest
from places import ROOT

import vreid_bench
from vreid_bench.ops import clip_native
from vreid_bench.scoring.ranks.counting import backend
from vreid_bench.scoring.rerank import neighbours
from vreid_bench.system import native

DOCTOR = ("doctor", "--canary", "none")


@pytest.fixture
def build(tmp_path):
    """Build the kernels as an install does; returns stderr and the libraries that were built."""

    def run(**environment):
        command = [sys.executable, "setup.py", "-q", "build_ext"]
        command += ["--build-lib", str(tmp_path / "lib"), "--build-temp", str(tmp_path / "temp")]
        variables = {k: v for k, v in os.environ.items() if k != "VREID_NATIVE"} | environment
        result = subprocess.run(command, cwd=ROOT, env=variables, capture_output=True, text=True)
        assert result.returncode == 0, result.stderr
        return result.stderr, sorted(path.name for path in (tmp_path / "lib").rglob("_*.so"))

    return run


@pytest.mark.parametrize(
    ("environment", "message"),
    [
        ({"VREID_NATIVE": "0"}, "installing without native kernels (VREID_NATIVE=0)"),
        ({"CC": "false"}, "installing without native kernels (CC=false does not run)"),
        ({"CXX": "no-such-compiler"}, "installing without native kernels (CXX=no-such-compiler does not run)"),
    ],
)
def test_without_a_compiler_the_package_is_installed_without_kernels(build, environment, message):
    said, libraries = build(**environment)
    assert message in said
    assert libraries == []


@pytest.mark.slow
def test_a_compiler_that_fails_leaves_the_kernels_out(build, tmp_path):
    compiler = tmp_path / "c++"
    compiler.write_text('#!/bin/sh\n[ "$1" = --version ]\n')
    compiler.chmod(0o755)
    said, libraries = build(CXX=str(compiler))
    assert "installing without native kernels (" in said
    assert libraries == []


def test_without_torch_the_package_is_installed_without_kernels(build, tmp_path):
    (tmp_path / "torch.py").write_text("raise ImportError('no torch here')")
    said, libraries = build(PYTHONPATH=str(tmp_path))
    assert "installing without native kernels (torch cannot be imported: no torch here)" in said
    assert libraries == []


def test_a_broken_library_is_reported_and_the_reference_runs_instead(tmp_path, monkeypatch):
    (tmp_path / f"_broken{sysconfig.get_config_var('EXT_SUFFIX')}").write_bytes(b"no library")
    monkeypatch.setattr(vreid_bench, "__path__", [*vreid_bench.__path__, str(tmp_path)])
    assert native.load("broken") is None
    assert native.explain_missing("broken").startswith("_broken cannot be loaded (")
    assert "reinstall vreid-bench with a C++ compiler" in native.explain_missing("broken")


@pytest.mark.skipif(os.environ.get("VREID_NATIVE") == "0", reason="VREID_NATIVE=0 turns the native kernels off")
@pytest.mark.skipif(shutil.which("c++") is None, reason="there is no C++ compiler to build them")
@pytest.mark.parametrize("name", ["clip_cpu", "portable", "ranks", "rerank"])
def test_where_a_compiler_is_the_kernels_are_built(name):
    """Otherwise all tests of the kernels would be skipped unnoticed."""
    assert native.load(name) is not None, native.explain_missing(name)


def test_a_library_that_was_cut_off_is_reported(tmp_path, monkeypatch):
    """As after a full disk or an aborted copy: the system's loader would end the process with a bus error."""
    if (whole := native.load("ranks")) is None:
        pytest.skip("the native kernels are not built")
    content = Path(whole.__file__).read_bytes()
    for name, size in (("cut", len(content) // 4), ("short", len(content) - 1)):
        (tmp_path / f"_{name}{sysconfig.get_config_var('EXT_SUFFIX')}").write_bytes(content[:size])
    monkeypatch.setattr(vreid_bench, "__path__", [*vreid_bench.__path__, str(tmp_path)])
    for name in ("cut", "short"):
        assert native.load(name) is None
        assert "is shorter than its header says" in native.explain_missing(name)


def test_a_library_of_another_version_is_reported(tmp_path, monkeypatch):
    (tmp_path / "_older.py").write_text("VERSION = 0")
    monkeypatch.setattr(vreid_bench, "__path__", [*vreid_bench.__path__, str(tmp_path)])
    assert native.load("older") is None
    assert "another version" in native.explain_missing("older")


def test_the_doctor_says_what_counts_ranks(cli_json, monkeypatch):
    assert cli_json(*DOCTOR)["kernels"].startswith(f"{backend()}: ranks are counted by ")
    assert cli_json(*DOCTOR)["re-ranking"].startswith(f"{neighbours.backend()}: neighbours are found by ")
    monkeypatch.setenv("VREID_NATIVE", "0")
    assert backend() == "numpy"
    for subject in ("kernels", "re-ranking"):
        found = cli_json(*DOCTOR)[subject]
        assert found.startswith("numpy: ")
        assert "VREID_NATIVE=0 turns the native kernels off" in found


def test_the_doctor_says_what_reduces_pairs_of_clips(cli_json, monkeypatch):
    found = cli_json(*DOCTOR)["clip ops"]
    assert found.startswith(f"{clip_native.backend()}: pairs of clips are reduced ")
    monkeypatch.setenv("VREID_NATIVE", "0")
    assert cli_json(*DOCTOR)["clip ops"].startswith("torch: pairs of clips are reduced in plain torch")
    assert "VREID_NATIVE=0 turns the native kernels off" in cli_json(*DOCTOR)["clip ops"]


@pytest.mark.slow
def test_what_cannot_be_built_does_not_take_the_others_along(build, tmp_path):
    (tmp_path / "empty.cpp").touch()
    compiler = tmp_path / "c++"
    # It compiles an empty file in the place of each source: what is built is not loaded.
    compiler.write_text(
        '#!/bin/sh\ncase "$*" in *csrc/clip/*) exit 1;; esac\n'
        f'for a; do shift; case $a in *.cpp) a={tmp_path}/empty.cpp;; esac; set -- "$@" "$a"; done\n'
        'exec c++ "$@"\n'
    )
    compiler.chmod(0o755)
    said, libraries = build(CXX=str(compiler))
    assert "installing without native kernels (vreid_bench._clip_cpu: " in said
    assert [name.partition(".")[0] for name in libraries] == ["_portable", "_ranks", "_rerank"]
