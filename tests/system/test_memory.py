"""A lack of memory is recognised in whatever says it, and is no fault of a part."""

import numpy as np
import pytest
import torch

from vreid_bench.registry.entry import blame
from vreid_bench.system.errors import InputError, RunError
from vreid_bench.system.memory import describe_shortage, explain_memory, is_out_of_memory

CUDA = "CUDA out of memory. Tried to allocate 2.50 GiB. GPU 0 has a total capacity of 79.10 GiB."


def fault_of(work):
    with pytest.raises(Exception) as caught:  # noqa: PT011  # each has its own class
        work()
    return caught.value


@pytest.mark.parametrize(
    ("fault", "amount"),
    [
        (fault_of(lambda: torch.empty(1 << 50)), " (4503599627370496 bytes more were needed)"),
        (fault_of(lambda: np.empty(1 << 55)), " (256. PiB more were needed)"),
        (torch.OutOfMemoryError(CUDA), " (2.50 GiB more were needed)"),
        (MemoryError(), ""),
        (RuntimeError("CUDA error: out of memory"), ""),
        (RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling cublasCreate(handle)"), ""),
    ],
)
def test_every_lack_of_memory_is_recognised(fault, amount):
    assert is_out_of_memory(fault)
    assert describe_shortage(fault) == f"out of memory{amount}"
    with pytest.raises(type(fault)), blame("encoder 'resnet' of vreid-bench"):
        raise fault
    with pytest.raises(RunError) as told, explain_memory("work", "stages.0.P", "cuda"):
        raise fault
    assert str(told.value) == (
        f"out of memory{amount} on cuda in work; lower stages.0.P with --set, or use --preset small, or --device cpu"
    )


@pytest.mark.parametrize("fault", [RuntimeError("sizes do not match"), ValueError("out of memory lane"), KeyError("x")])
def test_other_faults_stay_those_of_the_part(fault):
    assert not is_out_of_memory(fault)
    with pytest.raises(type(fault)), explain_memory("work", "stages.0.P", "cpu"):
        raise fault
    with (
        pytest.raises(InputError, match="encoder 'resnet' of vreid-bench failed"),
        blame("encoder 'resnet' of vreid-bench"),
    ):
        raise fault


def test_a_cpu_is_not_offered_where_it_was_used():
    with pytest.raises(RunError) as told, explain_memory("work", "test.clips", "cpu"):
        raise MemoryError
    assert "--device" not in str(told.value)


def test_its_author_can_see_the_traceback(monkeypatch):
    monkeypatch.setenv("VREID_TRACEBACK", "1")
    with pytest.raises(MemoryError), explain_memory("work", "test.clips", "cpu"):
        raise MemoryError
