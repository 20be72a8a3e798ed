"""These tests need a GPU and its kernels: where one of the two is missing, they fail at once and name it."""

import pytest
import torch

from vreid_bench.system import native


def pytest_addoption(parser):
    parser.addoption(
        "--device",
        choices=("cuda", "cpu"),
        default="cuda",
        help="cpu tries the tests of values, gradients and training where there is no GPU",
    )


def pytest_configure(config):
    config.addinivalue_line("markers", "small: quick enough for compute-sanitizer, and of ragged shapes")
    if config.getoption("device") == "cuda" and (fault := missing()):
        raise pytest.UsageError(f"tests/gpu: {fault}")


def missing() -> str:
    """Why the kernels cannot run on a GPU here, and how to repair that; empty if they can."""
    if not torch.version.cuda:
        return f"torch {torch.__version__} has no CUDA; remove .venv and name one that has, `make gpu TORCH=...`"
    if not torch.cuda.is_available():
        return f"torch {torch.__version__} has CUDA but sees no GPU; check the driver with nvidia-smi"
    if (found := torch.cuda.get_device_capability()) < (8, 0):
        return f"{torch.cuda.get_device_name()} has compute capability {found[0]}.{found[1]}; the kernels need 8.0"
    if fault := native.explain_missing("clip_cpu") or native.explain_missing("clip_cuda"):
        return f"{fault} (`pip install -v --no-build-isolation -e .` shows why it was not built)"
    return ""


@pytest.fixture(scope="session")
def device(request):
    return torch.device(request.config.getoption("device"))


@pytest.fixture
def gpu(device):
    """The device, for what only a GPU has."""
    if device.type != "cuda":
        pytest.skip("only a GPU has streams, graphs and tensor cores")
    return device
