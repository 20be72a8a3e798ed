"""A small PersonVLAD, maps for it, and classic VLAD by a slow loop."""

import torch

from vreid_plugins.personvlad import (
    PersonVlad,
)


def layer(D=5, h=3, w=2, seed=0, **options):
    torch.manual_seed(seed)
    return PersonVlad((D, h, w), **{"parts": 3, "words": 4, **options}).double()


def maps_of(B=2, T=2, D=5, h=3, w=2, seed=1):
    return torch.rand(B, T, D, h, w, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def place(vlad, centres):
    """Centres as `fit` would leave them."""
    vlad.place(torch.as_tensor(centres, dtype=torch.float64))
    return vlad


def classic_vlad(descriptors, centres):
    """VLAD of Jegou et al. 2010 with intra-normalisation: each descriptor to its nearest centre, one by one."""
    columns = torch.zeros_like(centres)
    for f in descriptors:
        k = min(range(len(centres)), key=lambda k: float((f - centres[k]).norm()))
        columns[k] += f - centres[k]
    columns = torch.stack([c / c.norm() if c.norm() > 0 else c for c in columns])
    return columns.flatten() / columns.norm()
