"""Laws of encoders and aggregators, which make a row for each clip."""

from __future__ import annotations

from typing import Any
from unittest import SkipTest

import torch
from torch import Tensor

from vreid_bench.modeling.probe import differ
from vreid_bench.system.errors import InputError
from vreid_bench.testing.modules import MODULE
from vreid_bench.testing.subject import Subject
from vreid_bench.testing.trial import try_out

LENGTHS = (1, 2, 3, 7)  # frames of clips: one, fewer and more than those of the method


def check_clip_order(subject: Subject) -> None:
    """In evaluation the rows of the output follow the clips, in whatever order these stand."""
    trial, part = try_out(subject), subject.build()
    order = torch.arange(len(trial.given[0])).flip(0)
    with torch.no_grad():
        straight = trial.call(part, trial.given)
        turned = trial.call(part, [each[order] for each in trial.given])
    for name, value in straight.items():
        if differ(value[order], turned[name]):
            raise InputError(
                f"{subject.title}: {name} of a clip changes if the clips stand in another order, expected the same "
                "rows; in evaluation use no statistics of the batch, and keep the batch the first dimension"
            )


def check_lengths(subject: Subject) -> None:
    """Clips of 1, 2, 3 and 7 frames work, and only T' may depend on their length."""
    part = subject.build()
    found: dict[int, Tensor] = {}
    with torch.no_grad():
        for frames in LENGTHS:
            clips = subject.draw_clips(2, frames)
            trial = try_out(subject)
            given = clips if subject.kind == "encoders" else subject.encode(clips)
            outputs = trial.call(part, [given])
            found[frames] = outputs["maps" if subject.kind == "encoders" else "embedding"]
            for name, value in outputs.items():
                if not value.isfinite().all():
                    raise InputError(
                        f"{subject.title}: {name} of clips of {frames} frames has NaN or infinity, expected finite "
                        "numbers; look for a division by T - 1 or by the spread over frames"
                    )
    sizes = {
        frames: (len(value), *value.shape[-3:]) if value.ndim == 5 else value.shape for frames, value in found.items()
    }
    if len(set(map(tuple, sizes.values()))) > 1:
        raise InputError(
            f"{subject.title}: the sizes of its output depend on the number of frames: "
            f"{', '.join(f'{list(size)} for {frames}' for frames, size in sizes.items())}; expected one size"
        )


def check_frame_order(subject: Subject) -> None:
    """An aggregator that claims `ignores_order = True` gives a clip the same output with its frames in any order."""
    if not getattr(subject.entry.value, "ignores_order", False):
        raise SkipTest("it does not claim `ignores_order = True`")
    compare_frame_orders(subject)


def compare_frame_orders(subject: Subject) -> None:
    """Raise InputError if the order of the frames of a clip changes the output of an aggregator."""
    trial, part = try_out(subject), subject.build()
    with torch.no_grad():
        straight: Any = trial.call(part, trial.given)
        turned = trial.call(part, [trial.given[0].flip(1)])
    for name in ("embedding", "importance"):
        if name in straight and differ(straight[name], turned[name]):
            raise InputError(
                f"{subject.title}: {name} changes with the order of the frames, but it claims `ignores_order`; take "
                "the claim back, or use the mean or the maximum over frames"
            )


ENCODER = (*MODULE, check_clip_order, check_lengths)
AGGREGATOR = (*MODULE, check_clip_order, check_lengths, check_frame_order)
