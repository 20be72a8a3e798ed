"""The kernels of portable arithmetic against float64, chains of fused multiply-adds, and torch's convolutions."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional as F

from vreid_bench.system import native
from vreid_bench.system.portable_convolution import Geometry, convolve, convolve_backward

pytestmark = pytest.mark.skipif(native.load("portable") is None, reason="the native kernels were not built")
DEPTH = 256  # terms of one sum, as in csrc/portable/products.h


def multiply(left, right):
    return torch.ops.vreid.portable_product(left[None], right[None])[0]


@settings(deadline=None)
@given(
    st.integers(0, 14),
    st.integers(0, 40),
    st.integers(0, 20),
    st.sampled_from([torch.float32, torch.float64]),
    st.booleans(),
    st.booleans(),
)
def test_a_product_of_any_size_and_strides_is_that_of_float64(rows, depth, columns, dtype, turn_left, turn_right):
    generator = torch.Generator().manual_seed(rows * 1000 + depth * 30 + columns)
    left = (
        torch.randn(depth, rows, generator=generator).T if turn_left else torch.randn(rows, depth, generator=generator)
    )
    right = (
        torch.randn(columns, depth, generator=generator).T
        if turn_right
        else torch.randn(depth, columns, generator=generator)
    )
    found = multiply(left.to(dtype), right.to(dtype))
    assert found.dtype == dtype
    torch.testing.assert_close(found.double(), left.double() @ right.double(), rtol=1e-5, atol=1e-5)


def fused_chain(row, column):
    """Fused multiply-adds in order, in sums of DEPTH terms; a float32 product and sum are exact enough in float64."""
    total = np.float32(0)
    for first in range(0, len(row), DEPTH):
        part = np.float32(0)
        for a, b in zip(row[first : first + DEPTH], column[first : first + DEPTH], strict=True):
            part = np.float32(np.float64(a) * np.float64(b) + np.float64(part))
        total = part if first == 0 else np.float32(total + part)
    return total


def test_the_bits_are_those_of_one_chain_in_order():
    generator = torch.Generator().manual_seed(0)
    left = torch.randint(-2000, 2000, (7, 600), generator=generator) / 64  # 12 bits: a product has 24 and is exact
    right = torch.randint(-2000, 2000, (600, 19), generator=generator) / 64
    found = multiply(left, right)
    for r, c in [(0, 0), (5, 15), (6, 16), (6, 18), (3, 7)]:
        assert found[r, c].item() == fused_chain(left[r].numpy(), right[:, c].numpy()).item()


def test_the_place_of_an_element_does_not_change_its_bits():
    generator = torch.Generator().manual_seed(1)
    left, right = torch.randn(101, 300, generator=generator), torch.randn(300, 1100, generator=generator)
    whole = multiply(left, right)
    for rows, columns in [(slice(100, 101), slice(1099, 1100)), (slice(3, 50), slice(1000, 1060))]:
        assert torch.equal(multiply(left[rows], right[:, columns]), whole[rows, columns])


@pytest.mark.parametrize("name", ["exp", "log", "log2", "log10", "sqrt", "tanh", "erf", "erfc", "sin", "atan", "asin"])
def test_a_function_is_that_of_double_precision_rounded(name):
    x = torch.linspace(0.001, 0.999, 501)
    found = torch.ops.vreid.portable_function(x, name)
    function = getattr(math, name)
    assert found.tolist() == [float(np.float32(function(value))) for value in x.tolist()]


def test_the_inverse_of_erf_is_undone_by_erf():
    y = torch.cat([torch.linspace(-0.999, 0.999, 401, dtype=torch.float64), torch.tensor([1 - 1e-12, -1 + 1e-15])])
    x = torch.ops.vreid.portable_function(y, "erfinv")
    undone = [1 - math.erfc(value) if value > 0 else math.erfc(-value) - 1 for value in x.tolist()]
    np.testing.assert_allclose(undone, y.numpy(), rtol=0, atol=1e-15)
    edges = torch.ops.vreid.portable_function(torch.tensor([-1.0, 1.0, 1.5]), "erfinv").tolist()
    assert edges[:2] == [-math.inf, math.inf]
    assert math.isnan(edges[2])


def test_an_unknown_function_is_refused():
    with pytest.raises(RuntimeError, match="known function"):
        torch.ops.vreid.portable_function(torch.ones(1), "gamma")


@pytest.mark.parametrize("dimensions", [1, 2, 3])
@pytest.mark.parametrize(
    ("stride", "padding", "dilation", "groups", "taps"),
    [(1, 0, 1, 1, 1), (2, 1, 1, 1, 3), (1, 2, 2, 2, 3), (3, 1, 2, 4, 2)],
)
def test_a_convolution_and_its_gradients_are_those_of_torch(dimensions, stride, padding, dilation, groups, taps):
    generator = torch.Generator().manual_seed(dimensions)
    sizes = [9, 10, 11][:dimensions]
    x = torch.randn(2, 8, *sizes, dtype=torch.float64, generator=generator, requires_grad=True)
    weight = torch.randn(
        12, 8 // groups, *[taps] * dimensions, dtype=torch.float64, generator=generator, requires_grad=True
    )
    bias = torch.randn(12, dtype=torch.float64, generator=generator, requires_grad=True)
    expected = getattr(F, f"conv{dimensions}d")(x, weight, bias, stride, padding, dilation, groups)
    gradient = torch.randn(expected.shape, dtype=torch.float64, generator=generator)
    expected.backward(gradient)
    geometry = Geometry([stride] * dimensions, [padding] * dimensions, [dilation] * dimensions, groups)
    with torch.no_grad():
        torch.testing.assert_close(convolve(x, weight, bias, geometry), expected)
        found = convolve_backward(gradient, x, weight, geometry, (True, True, True))
    for each, source in zip(found, (x, weight, bias), strict=True):
        torch.testing.assert_close(each, source.grad)


def test_only_the_gradients_that_are_needed_are_computed():
    x, weight = torch.randn(1, 2, 4, 4), torch.randn(3, 2, 3, 3)
    geometry = Geometry([1, 1], [0, 0], [1, 1], 1)
    assert convolve_backward(torch.ones(1, 3, 2, 2), x, weight, geometry, (False, False, False)) == (None, None, None)
