"""The instructions that results depend on, named without torch as torch names them."""

import os
import subprocess
import sys

import pytest
import torch

from vreid_bench.system import processor
from vreid_bench.system.processor import LIMIT, instruction_set

AVX2 = "fpu sse2 fma avx avx2"
AVX512 = f"{AVX2} avx512f avx512dq avx512cd avx512bw avx512vl"


def test_it_is_the_set_that_torch_uses(monkeypatch):
    monkeypatch.delenv(LIMIT, raising=False)
    assert instruction_set() == torch.backends.cpu.get_cpu_capability()


@pytest.mark.slow
def test_the_variable_of_torch_chooses_a_smaller_set():
    code = (
        "import sys; from vreid_bench.system.processor import instruction_set; found = instruction_set(); "
        "assert 'torch' not in sys.modules; import torch; print(found, torch.backends.cpu.get_cpu_capability())"
    )
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code],
        env={**os.environ, LIMIT: "avx2"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.split() == ["AVX2", "AVX2"]


@pytest.mark.parametrize(
    ("flags", "expected"),
    [
        (AVX512, "AVX512"),
        (AVX512.replace(" avx512bw", ""), "AVX2"),  # torch needs all four
        (AVX2, "AVX2"),
        (AVX2.replace(" fma", ""), "DEFAULT"),
        ("fpu sse2", "DEFAULT"),
    ],
)
def test_it_follows_the_flags_of_the_processor(tmp_path, monkeypatch, flags, expected):
    monkeypatch.delenv(LIMIT, raising=False)
    information = tmp_path / "cpuinfo"
    information.write_text(f"processor\t: 0\nmodel name\t: A: fast one\nflags\t\t: {flags}\n\nprocessor\t: 1\n")
    monkeypatch.setattr(processor, "INFORMATION", information)
    assert instruction_set() == expected
    assert processor.processor() == "A: fast one"
    monkeypatch.setenv(LIMIT, "default")
    assert instruction_set() == "DEFAULT"
    monkeypatch.setenv(LIMIT, "AVX2")  # torch warns of this spelling and does not follow it
    assert instruction_set() == expected


def test_a_system_without_flags_has_the_plain_set(tmp_path, monkeypatch):
    monkeypatch.delenv(LIMIT, raising=False)
    monkeypatch.setattr(processor, "INFORMATION", tmp_path / "missing")
    assert instruction_set() == "DEFAULT"
