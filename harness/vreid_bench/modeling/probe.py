"""Random streams of parts, and what the checks of parts share: random input, and copies to try."""

from __future__ import annotations

import random
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from copy import deepcopy
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.overrides import TorchFunctionMode

from vreid_bench.registry.factories import Factory
from vreid_bench.system.errors import InputError
from vreid_bench.system.seeds import derive_seed

ROUNDING = 1e-4  # outputs that differ by less than this share of the largest value count as equal
JITTER = 2.0**-21  # a change of the input that is like rounding, relative to its value
TRIES = 4  # such changes that are made
GROWN = 32  # times: rounding also happens inside a part, at more than one place
CONSTANT = 1e-7  # and below this share, the outputs for two different inputs count as constant


def begin_stream(seed: int, part: str) -> None:
    """Give a part random weights of its own: they depend on the seed and the part's place, not on the other parts."""
    torch.manual_seed(derive_seed(seed, "weights", part))


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
    the first row alone is another one by more than rounding, or if it changes from call to call.
    """
    kept = given.clone()
    alone = call(part, given[:1])
    if not torch.equal(kept, given):
        raise InputError(
            f"{title} changes its input; expected that it leaves it as it is: write x * 2 in place of x.mul_(2)"
        )
    if not differ(beside[:1], alone):
        return
    if differ(alone, call(part, given[:1])):
        raise InputError(
            f"{title} gives two different outputs for the same input in evaluation; expected the same numbers in each "
            "call: draw random numbers only if self.training is true"
        )

    def compute(part: nn.Module, tensors: Sequence[Tensor]) -> Pair:
        return call(part, tensors[0])[:1], call(part, tensors[0][:1])

    if not is_rounding(part, (given,), compute):
        raise InputError(
            f"{title} gives a clip a different output if it stands beside another clip; expected that in evaluation "
            "the output for a clip depends on that clip alone: use no statistics of the batch unless self.training is "
            "true"
        )


Pair = tuple[Tensor, Tensor]  # two outputs that should be equal


def is_rounding(
    part: nn.Module, given: Sequence[Tensor], compute: Callable[[nn.Module, Sequence[Tensor]], Pair]
) -> bool:
    """Do two outputs differ by rounding alone, which can grow inside a part?

    compute: makes both of a part and what it is given. If all is computed in double precision, that decides: rounding
    is gone there. A part that cannot do so, or goes back to single precision, is judged by how far its output moves if
    the input changes as little as rounding would change it: by what else they differ is no rounding.
    """
    with suppress(Exception):  # a plugin can raise anything where it does not know the type
        exact, rows = deepcopy(part).double(), [each.double() for each in given]
        with _Precision() as seen:
            first, second = compute(exact, rows)
        if not seen.single:
            return not differ(first, second)
    first, second = compute(part, given)
    if first.shape != second.shape:
        return False
    generator = torch.Generator().manual_seed(0)
    moved = [
        (second - compute(part, [_jitter(each, generator) for each in given])[1]).abs().max() for _ in range(TRIES)
    ]
    return bool((first - second).abs().max() <= GROWN * torch.stack(moved).max())


def _jitter(value: Tensor, generator: torch.Generator) -> Tensor:
    """The value with a relative change of a few units in its last place."""
    return value * (1 + JITTER * torch.randn(value.shape, generator=generator))


class _Precision(TorchFunctionMode):
    """Notes whether a function of torch returns floating-point numbers of less than double precision."""

    single = False

    def __torch_function__(self, function: Any, types: Any, given: Any = (), named: Any = None) -> Any:
        result = function(*given, **(named or {}))
        for each in result if isinstance(result, tuple | list) else (result,):
            if isinstance(each, Tensor) and each.is_floating_point() and each.dtype != torch.float64:
                self.single = True
        return result


def check_numbers(value: Tensor, what: str) -> None:
    """Raise InputError unless the tensor holds floating-point numbers that are all finite."""
    if not value.is_floating_point():
        raise InputError(f"{what}: expected floating-point numbers, got {value.dtype}; convert them with .float()")
    if not value.isfinite().all():
        raise InputError(
            f"{what}: expected finite numbers, got NaN or infinity for random clips; look for a division by zero or a "
            "logarithm or a root of a number below zero"
        )
