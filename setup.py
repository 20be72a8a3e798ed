"""The native kernels. All else is in pyproject.toml.

Every `csrc/<name>.cpp` becomes `vreid_bench._<name>`, a pybind11 module; `csrc/ops/*.cpp` together become
`vreid_bench._C`, which registers PyTorch ops on LibTorch's stable ABI: built once, it serves torch 2.11 and newer.
Where torch has CUDA and nvcc is there, on the PATH or by the extra `nvcc`, `csrc/cuda` becomes `vreid_bench._C_cuda`.

Nothing here can fail an install: without a compiler, torch or pybind11, or with VREID_NATIVE=0, the package goes in
without kernels, runs on their NumPy twins, and `vreid-bench doctor` says so.
"""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from setuptools import Extension, setup

SOURCES = sorted(Path("csrc").glob("*.cpp"))
CUDA = sorted(str(path) for path in Path("csrc/cuda").glob("*.c*") if path.suffix in (".cpp", ".cu"))
OPS = sorted(str(path) for path in Path("csrc/ops").glob("*.cpp"))
HEADERS = sorted(str(path) for path in Path("csrc").rglob("*.*h"))
ARCHITECTURES = [f"-gencode=arch=compute_{n},code=sm_{n}" for n in (80, 90)]
ARCHITECTURES += ["-gencode=arch=compute_90,code=compute_90"]  # which the driver makes newer ones of
STABLE = ["-DTORCH_TARGET_VERSION=0x020b000000000000", "-DTORCH_STABLE_ONLY"]  # nothing that torch 2.11 lacks


def told(reason: object) -> None:
    """Say on stderr, where pip -v shows it, that the package goes in without kernels."""
    print(f"vreid-bench: installing without native kernels ({reason})", file=sys.stderr)  # noqa: T201 - pip shows no more than this


def headers(torch: Any) -> str:
    """Where pybind11 is: the package of that name, or the copy that torch carries."""
    try:
        import pybind11
    except ImportError:
        return str(Path(torch.__file__).parent / "include")
    return str(pybind11.get_include())


def unusable() -> str:
    """Which of the compilers that the environment names does not run; empty if none is named, or all run."""
    for name in ("CC", "CXX"):
        if command := shlex.split(os.environ.get(name, "")):
            try:
                subprocess.run([*command, "--version"], check=True, capture_output=True)
            except (OSError, subprocess.CalledProcessError):
                return f"{name}={os.environ[name]} does not run"
    return ""


def name_nvcc() -> None:
    """Where the environment has no nvcc, tell torch of the one that the extra `nvcc` brings, if it is there."""
    found = [nvcc for path in sys.path for nvcc in Path(path).glob("nvidia/cu*/bin/nvcc")]
    if found and not shutil.which("nvcc"):
        os.environ.setdefault("CUDA_HOME", str(found[0].parents[1]))


def native() -> dict[str, Any]:
    """`ext_modules` and `cmdclass` for `setup`, or nothing where nothing can be built."""
    if os.environ.get("VREID_NATIVE") == "0":
        told("VREID_NATIVE=0")
        return {}
    if reason := unusable():
        told(reason)
        return {}
    name_nvcc()
    try:
        import torch
        from torch.utils.cpp_extension import CUDA_HOME, BuildExtension, CppExtension, CUDAExtension
    except Exception as fault:  # a torch that is broken in whatever way must not break this install
        told(f"torch cannot be imported: {fault}")
        return {}
    # a ninja wheel lies beside the interpreter, which need not be on the PATH
    os.environ["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])

    class Forgiving(BuildExtension):  # type: ignore[misc]  # untyped when torch is not there to be looked at
        """torch's build; what it cannot build is left out."""

        def run(self) -> None:
            try:
                super().run()
            except Exception as fault:  # the compiler, the linker, ninja: any may be missing or fail
                told(fault)
                self.extensions = []  # or setuptools would look for the files

        def build_extension(self, extension: Extension) -> None:
            try:
                super().build_extension(extension)
            except Exception as fault:  # the others may still be built
                told(f"{extension.name}: {fault}")
                self.extensions = [other for other in self.extensions if other is not extension]

    include = headers(torch)
    modules = [
        Extension(
            f"vreid_bench._{source.stem}",
            [str(source)],
            include_dirs=[include],
            depends=HEADERS,
            language="c++",
            # no -march=native: the kernels choose their instruction set when they run
            extra_compile_args=["-O3", "-g0", "-std=c++17", "-fvisibility=hidden"],
            extra_link_args=["-pthread"] if sys.platform.startswith("linux") else [],
        )
        for source in SOURCES
    ]
    flags = ["-O3", "-g0", "-std=c++20", "-fvisibility=hidden", *STABLE]
    ops = [CppExtension("vreid_bench._C", OPS, depends=HEADERS, py_limited_api=True, extra_compile_args=flags)]
    if torch.version.cuda and CUDA_HOME:
        compilers = {"cxx": flags, "nvcc": ["-O3", "-std=c++17", *ARCHITECTURES]}
        cuda = CUDAExtension(
            "vreid_bench._C_cuda",
            CUDA,
            depends=HEADERS,
            py_limited_api=True,
            extra_compile_args=compilers,
            extra_link_args=["-ldl", "-lrt", "-pthread"],
        )
        # the runtime inside: it differs between CUDA's major versions, and the extra `nvcc` has no other to link
        cuda.libraries = ["cudart_static" if name == "cudart" else name for name in cuda.libraries]
        ops.append(cuda)
    return {"ext_modules": [*modules, *ops], "cmdclass": {"build_ext": Forgiving}}


setup(**native())
