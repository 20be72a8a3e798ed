"""What to say where a training runs out of memory."""

from __future__ import annotations

from contextlib import AbstractContextManager

from vreid_bench.contracts.recipe import Fit, Train
from vreid_bench.modeling.embed import FrameReader
from vreid_bench.system.memory import explain_memory
from vreid_bench.training.checkpoint import Position


def explain_step(stage: Train, position: Position, reader: FrameReader) -> AbstractContextManager[None]:
    """Raise RunError that tells the batch and the settings that make it smaller, where a step runs out of memory."""
    clips, T = stage.clipping.clips, stage.clipping.T
    frames = f"{stage.P * stage.K * clips * T:,} frames" if T else "all frames of each"
    size, at = " x ".join(map(str, reader.size)), f"stages.{position.stage}"
    return explain_memory(
        f"stage {position.stage + 1}, step {position.step} of training (P = {stage.P} people, K = {stage.K} tracklets "
        f"each, {frames} of {size} pixels)",
        f"{at}.P, {at}.K, {at}.clipping.T or size",
        reader.device.type,
    )


def explain_fit(stage: Fit, position: Position, reader: FrameReader) -> AbstractContextManager[None]:
    """The same for the fit of a part to all training tracklets."""
    at = f"stages.{position.stage}"
    return explain_memory(
        f"stage {position.stage + 1} of training, which fits the {stage.part} to all tracklets",
        f"{at}.clipping.clips, {at}.clipping.T or size",
        reader.device.type,
    )
