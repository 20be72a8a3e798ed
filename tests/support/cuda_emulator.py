"""Builds the sources of the CUDA kernels for the CPU and runs them on one problem at a time."""

import struct
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

ROOT = Path(__file__).parents[2]
SOURCES = ROOT / "csrc" / "clip" / "cuda"
EMULATION = Path(__file__).parent / "cuda_emulation"
SANITIZERS = ("-fsanitize=address,undefined", "-fno-sanitize-recover=undefined")
OPERANDS = {"bf16": torch.bfloat16, "fp16": torch.float16, "tf32x3": torch.float32, "tf32": torch.float32}
REDUCTIONS = ("top16", "top", "pairwise")
ORDERS = ("forward", "reverse", "random")


def build(program: Path, *options: str) -> Path:
    """Compile the emulation with the kernels."""
    command = ["g++", "-std=c++17", "-O1", *options, f"-I{SOURCES}", f"-I{EMULATION}", str(EMULATION / "run.cpp")]
    subprocess.run([*command, "-o", str(program)], check=True, capture_output=True, text=True)
    return program


@dataclass
class Problem:
    """The input of one launch. Tensors in the operand's dtype."""

    query: Tensor  # [Q, C, E]
    gallery: Tensor  # [G, K, E]
    query_valid: Tensor  # [Q, C]
    gallery_valid: Tensor  # [G, K]
    operand: str
    reduction: str
    weight: Tensor | None = None  # [Q, G, C, K]
    pids: Tensor | None = None  # [Q] for batch-hard; the gallery is the queries then
    top: float = 0.2
    normalize: bool = True
    count: bool = False

    def pack(self, order: str) -> bytes:
        """The bytes that run.cpp reads."""
        (Q, C, E), (G, K, _) = self.query.shape, self.gallery.shape
        numbers = [list(OPERANDS).index(self.operand), REDUCTIONS.index(self.reduction), ORDERS.index(order)]
        numbers += [Q, G, C, K, E, self.normalize, self.count, self.pids is not None]
        tensors = [self.query, self.gallery, self.query_valid, self.gallery_valid, self.weight, self.pids]
        data = [t.contiguous().view(torch.uint8).numpy().tobytes() for t in tensors if t is not None]
        return struct.pack(f"<{len(numbers)}qd", *numbers, self.top) + b"".join(data)


def run(program: Path, problem: Problem, order: str, folder: Path, without: Sequence[str] = ()) -> list[Tensor]:
    """Similarities [Q, G], or distances [2, N] and indices [2, N]. Raises CalledProcessError where the run fails.

    `without` names a barrier to leave out, as `file:line`.
    """
    given, result = folder / "problem", folder / "result"
    given.write_bytes(problem.pack(order))
    command = [str(program), str(given), str(result), *without]
    subprocess.run(command, check=True, capture_output=True, text=True)
    data, Q = bytearray(result.read_bytes()), len(problem.query)
    if problem.pids is None:
        return [torch.frombuffer(data, dtype=torch.float32).view(Q, -1)]
    distance, index = data[: 8 * Q], data[8 * Q :]
    return [torch.frombuffer(part, dtype=t).view(2, Q) for part, t in ((distance, torch.float32), (index, torch.int64))]
