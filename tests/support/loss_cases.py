"""Batches of vectors in float64 for the tests of the losses."""

import torch

from vreid_bench import Batch, Clips
from vreid_plugins.matchers.mean import Mean


def batch_of(vectors, pids, metric="euclidean", extra=None):
    vectors = torch.as_tensor(vectors, dtype=torch.float64)
    clips = Clips.single(vectors)
    if extra is not None:
        clips = Clips(clips.embedding, clips.importance, clips.valid, {"before": extra[:, None]})
    pids = torch.as_tensor(pids)
    return Batch(clips, pids, torch.zeros_like(pids), Mean(vectors.shape[1], metric=metric))


def randn(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
