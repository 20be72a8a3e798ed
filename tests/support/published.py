"""Re-ranking as published: N x N matrices, one item at a time. Slow, and what the product is compared with."""

import numpy as np


def whole(query_query, query_gallery, gallery_gallery):
    """The distances between all N items: [N, N]."""
    return np.block([[query_query, query_gallery], [query_gallery.T, gallery_gallery]])


def nearest(distance, count, form="stable"):
    """Items from near to far, [N, count].

    form: `stable`, of equal distances the lower index first; else in whatever order, `sort` as code bases ship it
    (torchreid/utils/rerank.py: all N of every row sorted), `partition` the quicker way to the same, which Zhong's own
    code has come to take: only the first `count` are in order.
    """
    if form == "partition":
        count = min(count, len(distance))
        return np.argpartition(distance, range(1, count), axis=1)[:, :count]
    if form == "sort":
        return np.argsort(distance, axis=1).astype(np.int32)[:, :count]
    return np.argsort(distance, axis=1, kind="stable")[:, :count]


def mutual(rank, i, count):
    forward = rank[i, :count]
    backward = rank[forward, :count]
    return forward[np.where(backward == i)[0]]


def expanded(rank, i, count, half):
    own = mutual(rank, i, count)
    result = own
    for candidate in own:
        theirs = mutual(rank, candidate, half)
        if len(np.intersect1d(theirs, own)) > 2 / 3 * len(theirs):
            result = np.append(result, theirs)
    return np.unique(result)


def jaccard(sets, queries):
    """Jaccard distance of weighted sets [N, N]: [Q, N]."""
    holders = [np.where(sets[:, i] != 0)[0] for i in range(len(sets))]
    result = np.zeros((queries, len(sets)), np.float32)
    for i in range(queries):
        shared = np.zeros(len(sets), np.float32)
        for j in np.where(sets[i] != 0)[0]:
            shared[holders[j]] += np.minimum(sets[i, j], sets[holders[j], j])
        result[i] = 1 - shared / (2 - shared)
    return result


def averaged(sets, rank, k2):
    if k2 == 1:
        return sets
    result = np.zeros_like(sets)
    for i in range(len(sets)):
        result[i] = np.mean(sets[rank[i, :k2]], axis=0)
    return result


def zhong(distance, queries, k1=20, k2=6, share=0.3, form="stable"):
    """Zhong et al., CVPR 2017: distances [N, N] of queries, then gallery -> [Q, G]."""
    rank = nearest(distance, max(k1 + 1, k2), form)
    original = distance * distance
    original = original / original.max(1, keepdims=True)
    sets = np.zeros_like(original)
    half = int(np.around(k1 / 2)) + 1
    for i in range(len(original)):
        members = expanded(rank, i, k1 + 1, half)
        weight = np.exp(-original[i, members])
        sets[i, members] = weight / weight.sum()
    original = original[:queries]
    result = jaccard(averaged(sets, rank, k2), queries) * (1 - share) + original * share
    return result[:, queries:]


def fast_reid_evaluator(distance, square, queries, k1=20, k2=6, share=0.3):
    """fast-reid, `compute_jaccard_distance` and its evaluator's blend.

    distance: [N, N] in the metric; square: [N, N] squared Euclidean of the (normalised, for cosine) features.
    """
    rank = np.argsort(square, axis=1, kind="stable")[:, :k1]  # the search returns k1, the item itself among them
    sets = np.zeros_like(square)
    half = int(np.around(k1 / 2)) + 1
    for i in range(len(square)):
        members = expanded(rank, i, k1 + 1, half)
        e = -square[i, members]
        weight = np.exp(e - e.max(initial=-np.inf))
        sets[i, members] = weight / weight.sum()
    result = jaccard(averaged(sets, rank, k2), queries) * (1 - share) + distance[:queries] * share
    return result[:, queries:]
