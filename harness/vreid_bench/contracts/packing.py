"""The clips of tracklets: packed one after another, or padded to the largest number of clips."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from vreid_bench.contracts.parts import ClipFeatures, Clips


def pad_features(pieces: Sequence[ClipFeatures], counts: Sequence[int]) -> Clips:
    """Features of S clips, in pieces, `counts` [N] of each tracklet -> the clips of N tracklets, padded."""
    flat = torch.cat([p.embedding for p in pieces])  # [S, E]
    weights = [p.importance for p in pieces if p.importance is not None]  # all of the pieces, or none
    importance = torch.cat(weights) if weights else flat.new_ones(len(flat))  # [S]
    extra = {k: pad(torch.cat([p.extra[k] for p in pieces]), counts) for k in pieces[0].extra}
    return Clips(pad(flat, counts), pad(importance, counts), mark_valid(counts, flat.device), extra)


def pad(flat: Tensor, counts: Sequence[int]) -> Tensor:
    """[S, ...] with `counts` rows of each tracklet -> [N, max C, ...], zeros behind the last."""
    return pad_sequence(list(torch.split(flat, list(counts))), batch_first=True)


def mark_valid(counts: Sequence[int], device: torch.device) -> Tensor:
    """counts [N] -> [N, max C] bool, True where there is a clip."""
    places = torch.arange(max(counts), device=device)
    return places < torch.tensor(counts, device=device)[:, None]
