"""How torch is prepared for a run."""

import os

import pytest
import torch

from vreid_bench.system.environment import prepare


@pytest.fixture(autouse=True)
def mode():
    """Other tests find torch as it was."""
    before = torch.get_deterministic_debug_mode(), torch.get_num_threads()
    yield
    torch.set_deterministic_debug_mode(before[0])
    torch.set_num_threads(before[1])


def test_torch_is_deterministic_and_compiles_deterministically():
    torch.set_deterministic_debug_mode("default")
    prepare("cpu", 1)
    assert torch.are_deterministic_algorithms_enabled()
    assert not torch.is_deterministic_algorithms_warn_only_enabled()
    assert torch.get_num_threads() == 1
    assert os.environ["TORCHINDUCTOR_DETERMINISTIC"] == "1"  # which torch's compiler reads
