"""The features of all tracklets on every process, from the groups that each has embedded."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor

from vreid_bench.modeling.joint_batch import gather
from vreid_bench.records.feature_store import FeatureStore
from vreid_bench.system.processes import processes


def join_features(own: Sequence[FeatureStore]) -> FeatureStore:
    """The features of all groups in order. `own`: those of every n-th group, from this process's number on.

    No group is embedded twice or filled up, so that what one process would have stored is stored.
    """
    from torch import distributed

    described: list[list[tuple[tuple[int, ...], int]]] = [[] for _ in range(processes().total)]
    distributed.all_gather_object(described, [(store.counts, store.embedding.shape[1]) for store in own])
    sizes = [sum(sum(counts) for counts, _ in each) for each in described]  # clips of each process
    ends = torch.tensor([0, *sizes]).cumsum(0).tolist()
    shares = [slice(first, last) for first, last in pairwise(ends)]
    width = next(width for each in described for _, width in each)
    embedding = gather(torch.cat([torch.zeros(0, width), *(store.embedding for store in own)]), shares)
    importance = gather(torch.cat([torch.zeros(0), *(store.importance for store in own)]), shares)
    places: list[Tensor] = []
    counts: list[int] = []
    begins = [share.start for share in shares]
    for number in range(sum(map(len, described))):  # the groups in order
        owner, at = number % len(described), number // len(described)
        group = described[owner][at][0]
        places.append(torch.arange(begins[owner], begins[owner] + sum(group)))
        begins[owner] += sum(group)
        counts += group
    order = torch.cat(places)
    return FeatureStore(embedding[order], importance[order], tuple(counts))
