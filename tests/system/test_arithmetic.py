"""Portable arithmetic: the same bits where every library sees another processor."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from vreid_bench.system import native
from vreid_bench.system.arithmetic import PINS, choose_arithmetic, is_pinned, name_arithmetic
from vreid_bench.system.environment import check_portable
from vreid_bench.system.errors import InputError
from vreid_bench.system.processor import instruction_set

SUPPORT = Path(__file__).parents[1] / "support"
NO_FAULTS = 77  # exit code of processor.c


@pytest.fixture(scope="module")
def processor(tmp_path_factory):
    """The library that answers CPUID as another processor."""
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        pytest.skip("no C compiler: the library that answers CPUID cannot be built")
    library = tmp_path_factory.mktemp("processor") / "processor.so"
    subprocess.run([compiler, "-O1", "-shared", "-fPIC", str(SUPPORT / "processor.c"), "-o", str(library)], check=True)
    return library


def probe(*arguments, **variables):
    environment = {name: value for name, value in os.environ.items() if name not in PINS} | variables
    command = [sys.executable, str(SUPPORT / "arithmetic_probe.py"), *arguments]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode == NO_FAULTS:
        pytest.skip("this processor or kernel cannot let CPUID fault")
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


@pytest.mark.slow
@pytest.mark.skipif(native.load("portable") is None, reason="the native kernels were not built")
def test_the_bits_do_not_depend_on_the_processor_that_the_libraries_see(processor):
    here = probe()
    assert len(here) > 15
    for name in ("avx2", "amd", "intel"):
        assert probe(LD_PRELOAD=str(processor), PROCESSOR=name) == here
    # without our kernels MKL sees the maker: the library does answer CPUID, and what it is held against can fail
    maker = [probe("native", LD_PRELOAD=str(processor), PROCESSOR=name) for name in ("intel", "amd")]
    assert maker[0] != maker[1]


def test_arithmetic_is_chosen_before_the_libraries_are_loaded():
    if is_pinned():
        pytest.skip("the whole session runs under portable arithmetic")
    choose_arithmetic("native")
    with pytest.raises(InputError, match="before numpy and torch is imported"):
        choose_arithmetic("portable")
    assert not is_pinned()
    assert name_arithmetic() == f"native {instruction_set()}"


def test_portable_arithmetic_has_a_name_of_its_own(monkeypatch):
    for name, value in PINS.items():
        monkeypatch.setenv(name, value)
    choose_arithmetic("portable")
    assert name_arithmetic() == "portable"


def test_portable_arithmetic_is_of_one_thread_on_the_cpu():
    check_portable(torch.device("cpu"), None)
    check_portable(torch.device("cpu"), 1)
    with pytest.raises(InputError, match="--threads 2; leave it out"):
        check_portable(torch.device("cpu"), 2)
    with pytest.raises(InputError, match="add --device cpu"):
        check_portable(torch.device("cuda"), None)
