"""Laws of augmentations."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from unittest import SkipTest

import torch
from torch import Tensor

from vreid_bench.contracts.parts import PLANES, Augmentation
from vreid_bench.modeling.probe import draw_clips
from vreid_bench.modeling.training_checks import check_augmentations
from vreid_bench.registry.value_checks import check_value
from vreid_bench.system.errors import InputError
from vreid_bench.testing.neighbours import FRAMES, SIZE
from vreid_bench.testing.options import check_annotations
from vreid_bench.testing.subject import Subject

BOTH = ("rgb", "flow")  # the planes of an encoder that reads both
COUNT = 4  # clips
SEEDS = range(8)  # one draw may leave clips as they are


def check_provided(subject: Subject) -> None:
    """A hook may provide it: a factory that takes its options alone, with defaults of the types it declares."""
    check_value(subject.entry)


def check_run(subject: Subject) -> None:
    """It passes what `run` checks before anything trains: finite clips of the same shape."""
    check_augmentations([subject.factory], ("rgb",), SIZE)


def check_lengths(subject: Subject) -> None:
    """Clips of one frame, and a batch of one clip, keep their shape."""
    for count, frames in ((1, 1), (1, FRAMES), (3, 1)):
        clips = draw_clips(count, frames, 3, SIZE)
        for seed in SEEDS:
            _compare_shapes(subject, clips, _augment(subject, clips, seed))


def check_flow(subject: Subject) -> None:
    """Clips that have optical flow behind their colours keep their shape, or are refused."""
    clips = draw_clips(COUNT, FRAMES, sum(PLANES[plane] for plane in BOTH), SIZE)
    augment = subject.build()
    try:
        _apply(augment, clips, 0, BOTH)
    except InputError as fault:  # it may refuse what it does not know
        raise SkipTest(f"it refuses flow: {fault}") from fault
    for seed in SEEDS:
        _compare_shapes(subject, clips, _apply(augment, clips, seed, BOTH))


def check_input_kept(subject: Subject) -> None:
    """It leaves its input as it is and returns other clips."""
    clips = draw_clips(COUNT, FRAMES, 3, SIZE)
    kept = clips.clone()
    for seed in SEEDS:
        _augment(subject, clips, seed)
        if not torch.equal(clips, kept):
            raise InputError(
                f"{subject.title} changes its input, expected that it leaves it as it is; write clips = clips.clone() "
                "first"
            )


def check_same_seed(subject: Subject) -> None:
    """Every draw comes from the generator that it is given: the same generator gives the same bits."""
    clips, augment = draw_clips(COUNT, FRAMES, 3, SIZE), subject.build()
    for seed in SEEDS:
        torch.manual_seed(1)
        first = _apply(augment, clips, seed)
        torch.manual_seed(2)
        before = torch.get_rng_state()
        second = _apply(augment, clips, seed)
        if not torch.equal(first, second):
            raise InputError(
                f"{subject.title} gives other clips for the same generator, expected the same bits; pass "
                "generator=generator to every torch.rand, randint and randperm"
            )
        if not torch.equal(before, torch.get_rng_state()):
            raise InputError(
                f"{subject.title} draws from torch's global random stream, expected from the generator alone; pass "
                "generator=generator to every draw"
            )


def check_float64(subject: Subject) -> None:
    """Clips keep their type: float64 stays float64."""
    clips = draw_clips(COUNT, FRAMES, 3, SIZE)
    for seed in SEEDS:
        for given in (clips, clips.double()):
            found = _augment(subject, given, seed)
            if found.dtype != given.dtype:
                raise InputError(
                    f"{subject.title} returns {found.dtype} for {given.dtype}, expected the type of its input; make "
                    "tensors with dtype=clips.dtype"
                )


AUGMENTATION = (
    check_provided,
    check_annotations,
    check_run,
    check_lengths,
    check_flow,
    check_input_kept,
    check_same_seed,
    check_float64,
)


def _augment(subject: Subject, clips: Tensor, seed: int) -> Tensor:
    return _apply(subject.build(), clips, seed)


def _apply(augment: Augmentation, clips: Tensor, seed: int, planes: Sequence[str] = ("rgb",)) -> Tensor:
    return augment(clips, torch.Generator().manual_seed(seed), planes)


def _compare_shapes(subject: Subject, clips: Tensor, found: Any) -> None:
    if not isinstance(found, Tensor) or found.shape != clips.shape:
        shape = list(found.shape) if isinstance(found, Tensor) else type(found).__name__
        raise InputError(
            f"{subject.title}: found clips {shape} for {list(clips.shape)}, expected the same shape; change pixels and "
            "frames, and neither their number nor their order of dimensions"
        )
    if not found.isfinite().all():
        raise InputError(f"{subject.title}: NaN or infinity in its clips, expected finite numbers; look for a division")
