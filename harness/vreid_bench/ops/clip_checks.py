"""Checks of the clip ops' arguments: a message names the first that does not fit, its value and the expected one."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from vreid_bench.ops.clip_reference import LAYERS
from vreid_bench.ops.clip_rule import DIVISORS, MODES, ClipRule
from vreid_bench.ops.metric import METRICS

FLOATS = (torch.float16, torch.bfloat16, torch.float32, torch.float64)


class Inputs:
    """The checks for one call of one op. Each raises ValueError."""

    def __init__(self, op: str, rule: ClipRule) -> None:
        self.op, self.rule = op, rule
        self._one_of("mode", rule.mode, MODES)
        self._one_of("divide", rule.divide, DIVISORS)
        self._one_of("metric", rule.metric, METRICS)
        if not 0 < rule.top <= 1:
            raise ValueError(f"{op}: top must be above 0 and at most 1, got {rule.top}")
        if rule.mode != "factored" and rule.metric != "dot":
            raise ValueError(f"{op}: metric must be dot where mode is {rule.mode}, got {rule.metric!r}")
        if rule.mode in ("top", "learned") and rule.divide != "weights":
            raise ValueError(f"{op}: divide must be weights where mode is {rule.mode}, got {rule.divide!r}")

    def distance(
        self, query: Tensor, gallery: Tensor, masks: tuple[Tensor | None, Tensor | None], weights: Sequence[Tensor]
    ) -> None:
        """The arguments of `clip_distance`."""
        self._clips("query", query, "QCE")
        self._clips("gallery", gallery, "GKE")
        self._same("gallery", gallery, query)
        if gallery.shape[2] != query.shape[2]:
            raise ValueError(f"{self.op}: gallery must be [G, K, E] with E = {query.shape[2]}, got {_shape(gallery)}")
        for name, mask, clips, axes in zip(
            ("query_valid", "gallery_valid"), masks, (query, gallery), ("QC", "GK"), strict=True
        ):
            self._mask(name, mask, clips, axes)
        self._weights(weights, query, gallery, 2)

    def batch_hard(self, clips: Tensor, pids: Tensor, valid: Tensor | None, weights: Sequence[Tensor]) -> None:
        """The arguments of `clip_batch_hard`."""
        self._clips("clips", clips, "NCE")
        self._fits("pids", pids, "N", clips.shape[:1], clips, (torch.int64,))
        self._mask("valid", valid, clips, "NC")
        self._weights(weights, clips, clips, 1)

    def _weights(self, weights: Sequence[Tensor], query: Tensor, gallery: Tensor, number: int) -> None:
        """number: how many weights `factored` takes, if any."""
        (Q, C, E), (G, K, _) = query.shape, gallery.shape
        mode = self.rule.mode
        expected = {"factored": number, "top": 0, "pairwise": 1, "learned": LAYERS}[mode]
        if len(weights) != expected and not (mode == "factored" and not weights):
            none = "0 or " if mode == "factored" else ""
            raise ValueError(f"{self.op}: weights must be {none}{expected} tensors, mode {mode}; got {len(weights)}")
        if mode == "factored":
            for i, (weight, shape) in enumerate(zip(weights, (query.shape[:2], gallery.shape[:2]), strict=False)):
                self._fits(f"weights[{i}]", weight, ("QC", "GK")[i], shape, query, FLOATS)
        elif mode == "pairwise":
            self._fits("weights[0]", weights[0], "QGCK", (Q, G, C, K), query, FLOATS)
        elif mode == "learned":
            w1, _, w2 = weights[:3]
            if w1.dim() != 2 or w2.dim() != 2:
                raise ValueError(f"{self.op}: weights[0] and [2] must be matrices, got {_shape(w1)} and {_shape(w2)}")
            H, J = w1.shape[0], w2.shape[0]
            shapes = ((H, E), (H,), (J, H), (J,), (1, J), (1,))
            for i, (weight, needed) in enumerate(zip(weights, shapes, strict=True)):
                self._fits(f"weights[{i}]", weight, ("HE", "H", "JH", "J", "1J", "1")[i], needed, query, FLOATS)

    def _clips(self, name: str, clips: Tensor, axes: str) -> None:
        if clips.dim() != 3:
            raise ValueError(f"{self.op}: {name} must be [{', '.join(axes)}], got {_shape(clips)}")
        if clips.dtype not in FLOATS:
            raise ValueError(f"{self.op}: {name} must be {_names(FLOATS)}, got {_names([clips.dtype])}")

    def _same(self, name: str, tensor: Tensor, like: Tensor) -> None:
        if tensor.dtype != like.dtype:
            expected, got = _names([like.dtype]), _names([tensor.dtype])
            raise ValueError(f"{self.op}: {name} must be {expected} as the first argument, got {got}")
        self._device(name, tensor, like)

    def _mask(self, name: str, mask: Tensor | None, clips: Tensor, axes: str) -> None:
        if mask is not None:
            self._fits(name, mask, axes, clips.shape[:2], clips, (torch.bool,))

    def _fits(
        self,
        name: str,
        tensor: Tensor,
        axes: str,
        shape: Sequence[int],
        like: Tensor,
        dtypes: Sequence[torch.dtype],
    ) -> None:
        if tuple(tensor.shape) != tuple(shape):
            expected = f"[{', '.join(axes)}] = {list(shape)}"
            raise ValueError(f"{self.op}: {name} must be {expected}, got {_shape(tensor)}")
        if tensor.dtype not in dtypes:
            raise ValueError(f"{self.op}: {name} must be {_names(dtypes)}, got {_names([tensor.dtype])}")
        self._device(name, tensor, like)

    def _device(self, name: str, tensor: Tensor, like: Tensor) -> None:
        if tensor.device != like.device:
            raise ValueError(f"{self.op}: {name} must be on {like.device} as the first argument, got {tensor.device}")

    def _one_of(self, name: str, value: str, known: Sequence[str]) -> None:
        if value not in known:
            raise ValueError(f"{self.op}: {name} must be one of {', '.join(known)}, got {value!r}")


def _shape(tensor: Tensor) -> list[int]:
    return list(tensor.shape)


def _names(dtypes: Sequence[torch.dtype]) -> str:
    return " or ".join(str(dtype).removeprefix("torch.") for dtype in dtypes)
