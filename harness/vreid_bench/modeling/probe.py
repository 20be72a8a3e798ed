"""What the checks of parts share: random input, copies to try, and random streams that stay as they were."""

from __future__ import annotations

import random
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from copy import deepcopy

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from vreid_bench.registry.factories import Factory
from vreid_bench.system.errors import InputError

ROUNDING = 1e-4  # outputs that differ by less than this share of the largest value count as equal
CONSTANT = 1e-7  # and below this share, the outputs for two different inputs count as constant


@contextmanager
def keep_streams() -> Iterator[None]:
    """Leave the global random streams of torch's CPU, NumPy and Python as they were before the block."""
    ours, theirs = random.getstate(), np.random.get_state()
    try:
        with torch.random.fork_rng(devices=[]):
            yield
    finally:
        random.setstate(ours)
        np.random.set_state(theirs)


@contextmanager
def hold_warnings() -> Iterator[None]:
    """Show the warnings of the block after it, and none if it fails: what is wrong is then said in its error."""
    with warnings.catch_warnings(record=True) as held:
        warnings.simplefilter("default")
        yield
    for each in held:
        warnings.warn_explicit(each.message, each.category, each.filename, each.lineno, source=each.source)


def draw_clips(count: int, frames: int, channels: int, size: Sequence[int]) -> Tensor:
    """Different clips [count, frames, channels, H, W] in [0, 1]: a colour, patches and noise; always the same ones."""
    generator = torch.Generator().manual_seed(0)

    def draw(*shape: int) -> Tensor:
        return torch.rand(count, *shape, generator=generator)

    patches = F.interpolate(draw(frames * channels, 4, 2), tuple(size)).reshape(count, frames, channels, *size)
    return torch.add(0.4 * draw(1, channels, 1, 1) + 0.4 * patches, 0.2 * draw(frames, channels, *size))


def draw_like(sample: Tensor, count: int, seed: int = 1) -> Tensor:
    """Random rows [count, ...] of the shape of the rows of `sample` [B, ...] and within the range of its values.

    Values that are no floating-point numbers are repeated: nothing is known of what they may be.
    """
    if not sample.is_floating_point():
        return torch.cat([sample] * count)[:count]
    generator = torch.Generator().manual_seed(seed)
    low, high = sample.min(), sample.max()
    shape = tuple(sample.shape[1:])
    own = torch.rand(count, *[1 if axis else width for axis, width in enumerate(shape)], generator=generator)
    share = (own + torch.rand(count, *shape, generator=generator)) / 2  # each row has a level of its own
    return (low + (high - low) * share).to(sample.dtype)


def duplicate(part: nn.Module, factory: Factory, *given: object) -> nn.Module:
    """A copy of the part to try, so that the part keeps its state: copied, or built again if it cannot be copied."""
    try:
        return deepcopy(part)
    except Exception:  # a plugin can hold what Python cannot copy
        other: nn.Module = factory(*given)
        return other


def differ(first: Tensor, second: Tensor) -> bool:
    """Do two outputs for one input differ by more than rounding?"""
    if first.shape != second.shape:
        return True
    return bool((first - second).abs().max() > ROUNDING * torch.maximum(first.abs().max(), second.abs().max()))


def compare_alone(
    part: nn.Module, title: str, beside: Tensor, given: Tensor, call: Callable[[nn.Module, Tensor], Tensor]
) -> None:
    """Check that a row of the output does not depend on the other rows of the batch.

    beside: the output for all rows of `given`. call: applies a part to a batch. Raises InputError if the output for
    the first row alone is another one, or if it changes from call to call. Rounding can grow inside a part, so a
    difference counts only if it also exists in double precision, where the part can compute in it.
    """
    alone = call(part, given[:1])
    if not differ(beside[:1], alone):
        return
    if differ(alone, call(part, given[:1])):
        raise InputError(
            f"{title} gives two different outputs for the same input in evaluation; expected the same numbers in each "
            "call: draw random numbers only if self.training is true"
        )
    if not _differs_in_double(part, given, call):
        return
    raise InputError(
        f"{title} gives a clip a different output if it stands beside another clip; expected that in evaluation the "
        "output for a clip depends on that clip alone: use no statistics of the batch unless self.training is true"
    )


def _differs_in_double(part: nn.Module, given: Tensor, call: Callable[[nn.Module, Tensor], Tensor]) -> bool:
    """Does the row differ in double precision, too? True for a part that cannot compute in it."""
    try:
        exact, rows = deepcopy(part).double(), given.double()
        return differ(call(exact, rows)[:1], call(exact, rows[:1]))
    except Exception:  # a plugin can raise anything; the comparison in single precision decides then
        return True


def check_numbers(value: Tensor, what: str) -> None:
    """Raise InputError unless the tensor holds floating-point numbers that are all finite."""
    if not value.is_floating_point():
        raise InputError(f"{what}: expected floating-point numbers, got {value.dtype}; convert them with .float()")
    if not value.isfinite().all():
        raise InputError(
            f"{what}: expected finite numbers, got NaN or infinity for random clips; look for a division by zero or a "
            "logarithm or a root of a number below zero"
        )
