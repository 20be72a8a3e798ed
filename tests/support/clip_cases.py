"""Problems for the clip ops, and how plain torch solves them in a dtype: for the tests on the CPU and on a GPU."""

import torch
from torch.nn import functional as F

from vreid_bench import ClipRule
from vreid_bench.ops import clip_reference as reference

SHAPES = {  # Q, G, C, K, E
    "one": (1, 1, 1, 1, 1),
    "odd": (5, 7, 3, 5, 19),
    "lanes": (4, 33, 8, 8, 64),
    "tiles": (300, 70, 8, 8, 24),
    "many-clips": (3, 5, 13, 11, 40),
}
CASES = [
    ("factored", {"metric": "dot"}),
    ("factored", {"metric": "euclidean", "normalize": False}),
    ("top", {}),
    ("top", {"top": 0.6}),
    ("top", {"top": 1.0, "normalize": False}),
    ("pairwise", {}),
    ("pairwise", {"divide": "count"}),
]


def drawn(shape, mode, ragged, seed=0, held=torch.bfloat16):
    """Arguments of clip_distance in float64, with values that the dtype `held` holds."""
    random = torch.Generator().manual_seed(seed)
    Q, G, C, K, E = shape

    def rounded(*size):
        return torch.randn(*size, generator=random).to(held).double()

    query, gallery = rounded(Q, C, E), rounded(G, K, E)
    weights = {"factored": [rounded(Q, C).abs(), rounded(G, K).abs()], "pairwise": [rounded(Q, G, C, K).abs()]}
    masks = [torch.rand(n, c, generator=random) < 0.7 if ragged else None for n, c in ((Q, C), (G, K))]
    return query, gallery, weights.get(mode, []), masks


def in_dtype(clips, valid, rule):
    """`reference.prepare` without its promotion: what eager torch does in a dtype."""
    valid = torch.ones(clips.shape[:2], dtype=torch.bool, device=clips.device) if valid is None else valid
    clips = F.normalize(clips, dim=-1) if rule.normalize else clips  # first, as zeros have no length in float16
    return reference.ClipSide(torch.where(valid[..., None], clips, 0), valid.to(clips.dtype))


def with_gradients(op, query, gallery, weights, masks, rule):
    """The value of an op and the gradients of a fixed mixture of its numbers, in float64."""
    inputs = [x.detach().clone().requires_grad_() for x in (query, gallery, *weights)]
    value = op(*inputs[:2], inputs[2:], *masks, rule=ClipRule(**rule))
    mixture = torch.linspace(-1, 1, value.numel(), dtype=torch.float64, device=value.device).view_as(value)
    return [value.double(), *(g.double() for g in torch.autograd.grad((value.double() * mixture).sum(), inputs))]
