"""Where a network looks: Grad-CAM, with the similarity to another tracklet in the place of the score of a class.

Selvaraju et al., Grad-CAM, ICCV 2017, explain the score y of a class by the maps A of the last layer: they add up the
channels, each weighted by the mean of dy/dA over its places, and set what is negative to 0. A person of the test has no
class. Here y is the cosine of the embedding of a clip and the mean embedding of the clips of the other tracklet.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from vreid_bench.evaluation.curves import Arrays
from vreid_bench.evaluation.subject import CLIPS, Subject
from vreid_bench.system.errors import InputError


def collect_saliency(subject: Subject) -> Arrays:
    """How much each place raises the similarity of a clip to the other of two tracklets: [S, t, h, w], at least 0.

    Raises InputError for an aggregator through which no gradient flows.
    """
    reader, model = subject.trained.reader, subject.model
    store = subject.trained.embed(subject.tracklets, CLIPS)
    means = [piece.mean(0).to(reader.device) for piece in torch.split(store.embedding, list(store.counts))]
    found = []
    for tracklet, indices, other in zip(subject.tracklets, subject.indices, reversed(means), strict=True):
        for clip in indices:
            with torch.no_grad():
                maps = model.encode(reader.tensor(reader.read(tracklet, [clip])))
            found.append(explain(subject, maps, other).cpu())
    return {"saliency": torch.cat(found).numpy()}


def explain(subject: Subject, maps: Tensor, other: Tensor) -> Tensor:
    """The saliency [1, t, h, w] of the maps [1, t, D, h, w] of one clip, for its similarity to a vector [E]."""
    maps = maps.detach().requires_grad_()
    with torch.enable_grad(), torch.backends.cudnn.flags(enabled=False):  # cuDNN has no gradient of an LSTM at test
        embedding = subject.model.aggregate(maps).embedding
        if not embedding.requires_grad:
            title = subject.model.titles["aggregator"]
            raise InputError(f"--what saliency: {title} passes no gradient to its maps; expected a differentiable one")
        similarity = F.cosine_similarity(embedding, other[None].to(embedding.dtype)).sum()
        [gradient] = torch.autograd.grad(similarity, maps)
    weight = gradient.mean((3, 4), keepdim=True)  # [1, t, D, 1, 1]
    return (weight * maps.detach()).sum(2).clamp_min(0).float()
