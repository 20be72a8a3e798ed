"""Replaces those functions of torch whose last bits depend on the maker of the processor.

Measured with torch 2.13 on one processor that answered CPUID as another one (tests/support/processor.c): once ATen and
oneDNN are held at AVX2 (`system.arithmetic`), convolutions, normalisations, reductions, softmax and random numbers have
the same bits everywhere. What MKL computes has not. It takes another path on processors of AMD than on those of Intel,
for products of matrices and for its vector functions, among them the square root that Adam takes in every step. Its
mode for equal bits, MKL_CBWR=COMPATIBLE, is four times slower and still estimates square roots with an instruction
whose result the makers choose.

So these functions run on kernels of this package (csrc/portable): sums of products in one fixed order, and the C
library's functions in double precision. Other types than float32 and float64 keep torch's own.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from functools import cache
from typing import Any

import torch
from torch import Tensor

from vreid_bench.system import native
from vreid_bench.system.errors import InputError
from vreid_bench.system.portable_convolution import Geometry, convolve, convolve_backward

FUNCTIONS = (
    *("exp", "log", "log2", "log10", "sqrt", "tanh", "erf", "erfc", "erfinv"),
    *("sin", "cos", "tan", "asin", "acos", "atan"),
)
_REAL = (torch.float32, torch.float64)


@cache
def replace_functions() -> None:
    """Let torch compute products of matrices and `FUNCTIONS` by the portable kernels, on the CPU, from now on.

    Raises InputError if the kernels were not built.
    """
    if native.load("portable") is None:
        raise InputError(f"--arithmetic portable needs its kernels: {native.explain_missing('portable')}")
    replacements: dict[str, Callable[..., Tensor]] = {
        "mm": _mm,
        "bmm": _bmm,
        "addmm": _addmm,
        "baddbmm": _baddbmm,
        "addmv": _addmv,
        "dot": _dot,
        "vdot": _dot,
    }
    for name, function in replacements.items():
        _replace(name, function)
    for name in FUNCTIONS:
        _replace(name, _elementwise(name))
    torch.backends.cuda.enable_flash_sdp(False)  # of the CPU as well: its attention calls MKL by itself
    for name, function in (("pow.Tensor_Scalar", _power), ("convolution", _convolve)):
        _replace_kernel(name, function)
    _replace_kernel("convolution_backward", _convolve_backward)


def _product(left: Tensor, right: Tensor) -> Tensor:
    product: Tensor = torch.ops.vreid.portable_product(left, right)
    return product


def _mm(left: Tensor, right: Tensor) -> Tensor:
    return _product(left[None], right[None])[0]


def _bmm(left: Tensor, right: Tensor) -> Tensor:
    return _product(left, right)


def _addmm(added: Tensor, left: Tensor, right: Tensor, *, beta: float = 1, alpha: float = 1) -> Tensor:
    return _add(added, _mm(left, right), beta, alpha)


def _baddbmm(added: Tensor, left: Tensor, right: Tensor, *, beta: float = 1, alpha: float = 1) -> Tensor:
    return _add(added, _product(left, right), beta, alpha)


def _addmv(added: Tensor, matrix: Tensor, vector: Tensor, *, beta: float = 1, alpha: float = 1) -> Tensor:
    return _add(added, _mm(matrix, vector[:, None])[:, 0], beta, alpha)


def _dot(left: Tensor, right: Tensor) -> Tensor:
    return _mm(left[None], right[:, None])[0, 0]


def _add(added: Tensor, product: Tensor, beta: float, alpha: float) -> Tensor:
    """beta added + alpha product; as in torch, `added` is not even read where beta is 0."""
    if alpha != 1:
        product = product * alpha
    if beta == 0:
        return product
    return product + (added if beta == 1 else added * beta)


def _elementwise(name: str) -> Callable[[Tensor], Tensor]:
    def function(x: Tensor) -> Tensor:
        result: Tensor = torch.ops.vreid.portable_function(x.contiguous(), name)
        return result

    return function


def _power(x: Tensor, exponent: float) -> Any:
    """x ** exponent; for an exponent of 0.5 torch calls the square root of MKL."""
    return x.sqrt() if exponent == 0.5 and x.dtype in _REAL else _call("pow.Tensor_Scalar", x, exponent)


def _convolve(x: Tensor, weight: Tensor, bias: Tensor | None, *how: Any) -> Any:
    """how: stride, padding, dilation, transposed, output padding, groups."""
    if _by_onednn(x, weight, bias, *how):
        return _call("convolution", x, weight, bias, *how)
    return convolve(x, weight, bias, Geometry(how[0], how[1], how[2], how[5]))


def _convolve_backward(gradient: Tensor, x: Tensor, weight: Tensor, bias_sizes: Any, *how: Any) -> Any:
    """how: as for `_convolve`, then which gradients are needed."""
    if _by_onednn(x, weight, None, *how[:6]):
        return _call("convolution_backward", gradient, x, weight, bias_sizes, *how)
    return convolve_backward(gradient, x, weight, Geometry(how[0], how[1], how[2], how[5]), how[6])


def _by_onednn(x: Tensor, weight: Tensor, bias: Tensor | None, *how: Any) -> bool:
    """Does torch compute this convolution by oneDNN, or is it of a kind that only torch computes?"""
    transposed = how[3]
    if transposed or x.dtype not in _REAL or x.dim() != weight.dim() or not x.numel():
        return True
    chosen: Any = torch._C._select_conv_backend(x, weight, bias, *how)
    return bool(chosen.name == "Mkldnn")


_CPU = torch._C.DispatchKeySet(torch._C.DispatchKey.CPU)
_ORIGINALS: dict[str, Any] = {}  # torch's own kernels of the functions that are replaced, by name
_LIBRARY: Any = torch.library.Library("aten", "IMPL")  # type: ignore[no-untyped-call]  # torch has no types for it


def _replace(name: str, function: Callable[..., Tensor]) -> None:
    """Replace a function of torch in its three forms: with a new result, in place where it has that, and with `out`."""
    _replace_kernel(name, _with_types(name, function))
    _replace_kernel(f"{name}.out", _with_types(f"{name}.out", _into_out(function)))
    if hasattr(torch.ops.aten, f"{name}_"):
        _replace_kernel(f"{name}_", _with_types(f"{name}_", _in_place(function)))


def _into_out(function: Callable[..., Tensor]) -> Callable[..., Tensor]:
    def write(*arguments: Any, out: Tensor, **options: Any) -> Tensor:
        result = function(*arguments, **options)
        return out.resize_(result.shape).copy_(result)

    return write


def _in_place(function: Callable[..., Tensor]) -> Callable[..., Tensor]:
    def write(x: Tensor, *arguments: Any, **options: Any) -> Tensor:
        return x.copy_(function(x, *arguments, **options))

    return write


def _with_types(name: str, function: Callable[..., Tensor]) -> Callable[..., Tensor]:
    """`function` for float32 and float64, torch's own kernel for all other types."""

    def choose(x: Tensor, *arguments: Any, **options: Any) -> Tensor:
        if x.dtype in _REAL:
            return function(x, *arguments, **options)
        result: Tensor = _call(name, x, *arguments, **options)
        return result

    return choose


def _call(name: str, *arguments: Any, **options: Any) -> Any:
    """Call torch's own kernel of a function that is replaced."""
    return _ORIGINALS[name].call_boxed(_CPU, *arguments, **options)


def _replace_kernel(name: str, function: Callable[..., Any]) -> None:
    _ORIGINALS[name] = torch.library.get_kernel(f"aten::{name}", "CPU")
    with warnings.catch_warnings():
        # torch warns once of a function that is replaced, as by accident
        warnings.filterwarnings("ignore", message="Warning only once for all operators", category=UserWarning)
        _LIBRARY.impl(name, function, "CPU")
