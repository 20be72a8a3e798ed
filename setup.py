"""The native kernels; pyproject.toml says everything else about the package.

Each folder of csrc with an op becomes one module, named after it: csrc/ranks and csrc/rerank become
`vreid_bench._ranks` and `._rerank`, by pybind11; csrc/clip/cpu becomes `vreid_bench._clip_cpu` and, on x86-64,
csrc/portable `vreid_bench._portable`. These register PyTorch ops on LibTorch's stable ABI: built once, they serve torch
2.11 and newer. Where torch has CUDA and nvcc is found, on the
PATH or by the extra `nvcc`, csrc/clip/cuda becomes `vreid_bench._clip_cuda`.

Nothing here can fail an install: without a compiler, torch or pybind11, or with VREID_NATIVE=0, the package is
installed without kernels and runs on NumPy and plain torch, and `vreid-bench doctor` says so.
"""

from __future__ import annotations

import os
import platform
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from setuptools import Extension, setup

LOADER = Path("harness/vreid_bench/system/native.py")
VERSION = re.findall(r"^VERSION = (\d+)", LOADER.read_text(), re.MULTILINE)[0]
HEADERS = [str(LOADER), *sorted(str(path) for path in Path("csrc").rglob("*.*h"))]
ARCHITECTURES = [f"-gencode=arch=compute_{n},code=sm_{n}" for n in (80, 90)]
ARCHITECTURES += ["-gencode=arch=compute_90,code=compute_90"]  # for newer GPUs, whose driver compiles it on
STABLE = ["-DTORCH_TARGET_VERSION=0x020b000000000000", "-DTORCH_STABLE_ONLY"]  # nothing that torch 2.11 lacks
OPTIONS = ["-O3", "-g0", "-fvisibility=hidden", f"-DVREID_VERSION={VERSION}"]


def sources(folder: str) -> list[str]:
    """The files of a folder of csrc that are compiled."""
    return sorted(str(path) for path in Path("csrc", folder).iterdir() if path.suffix in (".cpp", ".cu"))


def warn(reason: object) -> None:
    """Say on stderr, where pip -v shows it, that the package is installed without kernels."""
    print(f"vreid-bench: installing without native kernels ({reason})", file=sys.stderr)  # noqa: T201 - pip shows this alone


def find_pybind11(torch: Any) -> str:
    """The headers of pybind11: those of the package of that name, or the copy that torch carries."""
    try:
        import pybind11
    except ImportError:
        return str(Path(torch.__file__).parent / "include")
    return str(pybind11.get_include())


def broken_compiler() -> str:
    """The compiler that the environment names and that does not run; empty where none is named, or all run."""
    for name in ("CC", "CXX"):
        if command := shlex.split(os.environ.get(name, "")):
            try:
                subprocess.run([*command, "--version"], check=True, capture_output=True)
            except (OSError, subprocess.CalledProcessError):
                return f"{name}={os.environ[name]} does not run"
    return ""


def name_nvcc() -> None:
    """Where the environment has no nvcc, point torch to the one of the extra `nvcc`, if it is installed."""
    found = [nvcc for path in sys.path for nvcc in Path(path).glob("nvidia/cu*/bin/nvcc")]
    if found and not shutil.which("nvcc"):
        os.environ.setdefault("CUDA_HOME", str(found[0].parents[1]))


def extensions(torch: Any, cpp: Any, cuda: Any) -> list[Extension]:
    """All modules that can be built here; `cpp` and `cuda` are torch's kinds of extension, `cuda` None without nvcc."""
    found = [
        Extension(
            f"vreid_bench._{name}",
            sources(name),
            include_dirs=[find_pybind11(torch)],
            depends=HEADERS,
            language="c++",
            # no -march=native: the kernels choose their instruction set when they run
            extra_compile_args=[*OPTIONS, "-std=c++17"],
            extra_link_args=["-pthread"] if sys.platform.startswith("linux") else [],
        )
        for name in ("ranks", "rerank")
    ]
    flags = [*OPTIONS, "-std=c++20", *STABLE]
    shared: dict[str, Any] = {"depends": HEADERS, "py_limited_api": True}
    found.append(cpp("vreid_bench._clip_cpu", sources("clip/cpu"), extra_compile_args=flags, **shared))
    if platform.machine() == "x86_64":
        found.append(cpp("vreid_bench._portable", sources("portable"), extra_compile_args=flags, **shared))
    if cuda is not None:
        compilers = {"cxx": flags, "nvcc": ["-O3", "-std=c++17", *ARCHITECTURES]}
        links = ["-ldl", "-lrt", "-pthread"]
        found.append(
            cuda(
                "vreid_bench._clip_cuda",
                sources("clip/cuda"),
                extra_compile_args=compilers,
                extra_link_args=links,
                **shared,
            )
        )
        # the runtime inside: it differs between CUDA's major versions, and the extra `nvcc` has no other to link
        libraries = found[-1].libraries
        found[-1].libraries = ["cudart_static" if name == "cudart" else name for name in libraries]
    return found


def native() -> dict[str, Any]:
    """`ext_modules` and `cmdclass` for `setup`, or nothing where nothing can be built."""
    if os.environ.get("VREID_NATIVE") == "0":
        warn("VREID_NATIVE=0")
        return {}
    if reason := broken_compiler():
        warn(reason)
        return {}
    name_nvcc()
    try:
        import torch
        from torch.utils.cpp_extension import CUDA_HOME, BuildExtension, CppExtension, CUDAExtension
    except Exception as fault:  # a torch that is broken in whatever way must not break this install
        warn(f"torch cannot be imported: {fault}")
        return {}
    # a ninja wheel lies beside the interpreter, which need not be on the PATH
    os.environ["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])

    class Forgiving(BuildExtension):  # type: ignore[misc]  # untyped where torch is not installed
        """torch's build; what it cannot build is left out."""

        def run(self) -> None:
            try:
                super().run()
            except Exception as fault:  # the compiler, the linker, ninja: any may be missing or fail
                warn(fault)
                self.extensions = []  # or setuptools would look for the files

        def build_extension(self, extension: Extension) -> None:
            try:
                super().build_extension(extension)
            except Exception as fault:  # the others may still be built
                warn(f"{extension.name}: {fault}")
                self.extensions = [other for other in self.extensions if other is not extension]

    cuda = CUDAExtension if torch.version.cuda and CUDA_HOME else None
    return {"ext_modules": extensions(torch, CppExtension, cuda), "cmdclass": {"build_ext": Forgiving}}


setup(**native())
