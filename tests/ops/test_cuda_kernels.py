"""The CUDA kernels without a GPU: their sources run on the CPU, and the machine code from the compiler."""

import os
import re
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import cuda_emulator
import pytest
import torch
from cuda_emulator import ORDERS, SOURCES, Problem

from vreid_bench import ClipRule
from vreid_bench.ops import clip_reference as reference
from vreid_bench.system import native

CLOSE = {"bf16": 1e-5, "fp16": 1e-5, "tf32x3": 1e-5, "tf32": 3e-3}
KERNELS = {name: (SOURCES / name).read_text() for name in ("products.cuh", "reductions.cuh", "kernels.cuh")}
pytestmark = pytest.mark.slow  # compiles and starts processes
BARRIERS = [
    f"{name}:{number}"
    for name, text in KERNELS.items()
    for number, line in enumerate(text.splitlines(), 1)
    if "__syncthreads();" in line
]


def problem(operand, reduction, shape, seed=0, **more):
    """Q, G, C, K, E of `shape`; one clip in four is not there."""
    Q, G, C, K, E = shape
    random = torch.Generator().manual_seed(seed)
    dtype = cuda_emulator.OPERANDS[operand]
    query, gallery = (torch.randn(n, c, E, generator=random).to(dtype) for n, c in ((Q, C), (G, K)))
    valid = [torch.rand(n, c, generator=random) < 0.75 for n, c in ((Q, C), (G, K))]
    weight = torch.rand(Q, G, C, K, generator=random) if reduction == "pairwise" else None
    return Problem(query, gallery, *valid, operand, reduction, weight, **more)


def expected(p):
    """The result of the reference, in float64."""
    weights = [] if p.weight is None else [p.weight.double()]
    rule = {"mode": "top" if p.weight is None else "pairwise", "top": p.top, "normalize": p.normalize}
    rule["divide"] = "count" if p.count else "weights"
    if p.pids is None:
        masks = p.query_valid, p.gallery_valid
        return [
            1 - reference.clip_distance(p.query.double(), p.gallery.double(), weights, *masks, rule=ClipRule(**rule))
        ]
    found = reference.clip_batch_hard(p.query.double(), p.pids, weights, p.query_valid, rule=ClipRule(**rule))
    return [torch.stack(found[:2]), torch.stack(found[2:])]


def agree(program, p, order, folder, without=()):
    for got, exact in zip(cuda_emulator.run(program, p, order, folder, without), expected(p), strict=True):
        torch.testing.assert_close(got.to(exact.dtype), exact, atol=CLOSE[p.operand], rtol=CLOSE[p.operand])


def same_clips(p, people, seed=1):
    """The same for batch-hard: the queries among themselves."""
    pids = torch.randint(0, people, (len(p.query),), generator=torch.Generator().manual_seed(seed))
    return Problem(**{**vars(p), "gallery": p.query, "gallery_valid": p.query_valid, "pids": pids})


SHAPES = [
    (1, 1, 1, 1, 8),  # less than anything
    (17, 9, 8, 8, 72),  # more than a tile on both sides, three steps along the depth
    (3, 5, 7, 5, 40),  # clips that do not fill a tile
    (2, 3, 50, 13, 24),  # many clips
]


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("operand", CLOSE)
@pytest.mark.parametrize("reduction", cuda_emulator.REDUCTIONS)
def test_the_kernels_agree_with_the_reference(emulation, checked_emulation, reduction, operand, shape, order, tmp_path):
    few = min(0.2, 16 / (shape[2] * shape[3]))
    p = problem(operand, reduction, shape, top=few if reduction == "top16" else 0.6, count=operand == "fp16")
    p.normalize = operand != "tf32" or shape[4] > 40
    # no order of the threads reads or writes other addresses: the sanitizers look at one
    agree(checked_emulation if order == "random" else emulation, p, order, tmp_path)


@pytest.mark.parametrize("reduction", cuda_emulator.REDUCTIONS)
@pytest.mark.parametrize("size", [(1, 4, 8), (40, 3, 24), (19, 8, 48)])
def test_batch_hard_agrees_with_the_reference(checked_emulation, reduction, size, tmp_path):
    N, C, E = size
    p = problem("bf16", reduction, (N, N, C, C, E), top=0.2 if reduction == "top16" else 0.6)
    agree(checked_emulation, same_clips(p, max(1, N // 3)), "random", tmp_path)


def test_ties_go_to_the_lowest_index(emulation, tmp_path):
    p = problem("bf16", "top16", (1, 1, 2, 2, 8))
    p.query, p.query_valid = p.query.expand(40, 2, 8), torch.ones(40, 2, dtype=torch.bool)
    p = same_clips(p, 1)
    p.pids = torch.arange(40) // 20
    _, index = cuda_emulator.run(emulation, p, "reverse", tmp_path)
    assert index[0].tolist() == [1] + [0] * 19 + [21] + [20] * 19
    assert index[1].tolist() == [20] * 20 + [0] * 20


def test_a_clip_that_is_no_number_is_not_lost(emulation, tmp_path):
    for reduction in cuda_emulator.REDUCTIONS:
        p = problem("bf16", reduction, (3, 5, 4, 4, 16))
        p.query_valid[1, 2] = True
        p.gallery_valid[:, 0] = True
        p.query[1, 2, 3] = float("nan")
        (found,) = cuda_emulator.run(emulation, p, "forward", tmp_path)
        assert found.isnan().tolist() == [[False] * 5, [True] * 5, [False] * 5]


# shapes that every barrier matters for: several steps along the depth, all warps busy
WATCHED = [
    ("bf16", "top16", (17, 9, 8, 8, 136)),
    ("tf32x3", "pairwise", (17, 9, 8, 8, 52)),
    ("fp16", "top", (9, 9, 8, 8, 72)),
]


def failures(program, folder, *without):
    """The watched problems that go wrong without that barrier, one order after another."""
    for operand, reduction, shape in WATCHED:
        for order in ORDERS:
            try:
                agree(program, problem(operand, reduction, shape, top=0.2), order, folder, without)
            except (AssertionError, subprocess.CalledProcessError):
                yield operand, reduction, order


def test_with_every_barrier_the_watched_problems_agree(emulation, tmp_path):
    assert list(failures(emulation, tmp_path)) == []


def test_there_are_barriers_to_leave_out():
    assert len(BARRIERS) == sum(text.count("__syncthreads") for text in KERNELS.values()) > 0


@pytest.mark.parametrize("barrier", BARRIERS)
def test_no_barrier_can_be_left_out(emulation, barrier, tmp_path):
    assert any(failures(emulation, tmp_path, barrier))


# the machine code


def tool(name):
    """nvcc or a disassembler: the machine's, or of the packages of the extra `nvcc`."""
    folders = [str(folder) for path in sys.path for folder in Path(path).glob("nvidia/cu*/bin")]
    found = shutil.which(name) or shutil.which(name, path=os.pathsep.join(folders))
    assert found, f"{name} is missing; pip install 'vreid-bench[nvcc]' installs it"
    return found


def compiled(architecture, output, sources=SOURCES):
    """Compile the kernels for one architecture. Raises CalledProcessError where a register is spilled."""
    command = [tool("nvcc"), "-O3", "-std=c++17", f"-arch=sm_{architecture}", "-Xptxas", "-warn-spills,-Werror"]
    command += ["-cubin", str(sources / "launch.cu"), "-o", str(output)]
    subprocess.run(command, check=True, capture_output=True, text=True)
    return output


@pytest.fixture(scope="module", params=["80", "90", "100"])
def assembly(request, make_once):
    """Kernel -> instructions, for one architecture."""
    cubin = make_once(f"sm_{request.param}.cubin", lambda path: compiled(request.param, path))
    text = subprocess.run([tool("nvdisasm"), "-c", str(cubin)], check=True, capture_output=True, text=True).stdout
    parts = re.split(r"^\.text\.(\w+):$", text, flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def test_products_run_on_tensor_cores_and_nothing_lies_in_local_memory(assembly):
    pairs = [code for name, code in assembly.items() if "clip_pairs" in name]
    assert len(pairs) == len(CLOSE) * len(cuda_emulator.REDUCTIONS)
    for code in pairs:
        for instruction in ("HMMA.", "LDSM.", "LDGSTS."):  # tensor cores, fed from shared memory, fed past registers
            assert instruction in code
    for name, code in assembly.items():
        assert not re.search(r"\b(LDL|STL)\b", code), name


def test_a_register_that_is_spilled_fails_the_compilation(tmp_path):
    for source in SOURCES.iterdir():
        shutil.copy(source, tmp_path)
    narrow = KERNELS["kernels.cuh"].replace(
        "__launch_bounds__(THREADS, 2)", "__launch_bounds__(THREADS, 8)"
    )  # 32 registers a thread
    (tmp_path / "kernels.cuh").write_text(narrow)
    one = "clip_pairs<vreid::Operand::bf16, vreid::Reduction::top16>"  # it would take seconds to compile them all
    (tmp_path / "launch.cu").write_text(
        f'#include "kernels.cuh"\ntemplate __global__ void vreid::{one}(vreid::Pairs);\n'
    )
    with pytest.raises(subprocess.CalledProcessError) as told:
        compiled("90", tmp_path / "clip.cubin", tmp_path)
    assert "spill" in told.value.stderr.lower()


def test_the_registration_compiles_without_a_gpu(tmp_path):
    """Against the headers of a torch that has no CUDA: the stable ABI needs none."""
    cuda = Path(tool("nvcc")).resolve().parents[1] / "include"
    if not (cuda / "cuda_runtime_api.h").exists():  # nvcc is a script that calls the real one
        cuda = next(Path("/usr/local").glob("cuda*/include"))
    includes = [cuda, Path(torch.__file__).parent / "include", Path(sysconfig.get_paths()["include"])]
    command = ["g++", "-std=c++20", "-fsyntax-only", "-DTORCH_TARGET_VERSION=0x020b000000000000", "-DTORCH_STABLE_ONLY"]
    command += [
        "-DPy_LIMITED_API=0x030b0000",
        f"-DVREID_VERSION={native.VERSION}",
        *(f"-I{include}" for include in includes),
    ]
    done = subprocess.run([*command, str(SOURCES / "ops.cpp")], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
