"""The arithmetic of the network in training."""

from __future__ import annotations

from typing import Literal

Precision = Literal["fp32", "bf16"]
"""`fp32`: all in float32. `bf16`: in training, encoder and aggregator compute under autocast to bfloat16 (8 bits of
mantissa, half the memory); weights, losses, fits and the test stay in float32."""

PRECISIONS: tuple[Precision, ...] = ("fp32", "bf16")
DEFAULT: Precision = "fp32"
