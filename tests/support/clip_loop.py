"""The clip ops as loops over numbers, in float64: what the definitions say, written a second time."""

import math


def distance(query, gallery, weights=(), query_valid=None, gallery_valid=None, **rule):
    """Nested lists of [Q, C, E] and [G, K, E] -> [Q][G]."""
    query_valid = query_valid or [[True] * len(q) for q in query]
    gallery_valid = gallery_valid or [[True] * len(g) for g in gallery]
    left, right = zip(query, query_valid, strict=True), list(zip(gallery, gallery_valid, strict=True))
    return [[_pair(i, j, *q, *g, weights, **rule) for j, g in enumerate(right)] for i, q in enumerate(left)]


def batch_hard(far, pids):
    """Distances [N][N] -> for each anchor (positive, negative, its index, its index)."""
    found = []
    for i, row in enumerate(far):
        same = [(-d, j) for j, d in enumerate(row) if pids[j] == pids[i] and j != i]
        other = [(d, j) for j, d in enumerate(row) if pids[j] != pids[i]]
        positive, negative = min(same, default=(0.0, -1)), min(other, default=(0.0, -1))
        found.append((-positive[0], negative[0], positive[1], negative[1]))
    return found


def _pair(i, j, q, q_valid, g, g_valid, weights, mode, top=0.2, normalize=True, divide="weights", metric="dot"):
    if normalize:
        q, g = ([_unit(x) for x in side] for side in (q, g))
    if mode == "factored" and metric != "dot":
        one, other = (
            _mean(x, valid, weights[k][row] if weights else None, divide)
            for k, (row, x, valid) in enumerate(((i, q, q_valid), (j, g, g_valid)))
        )
        return _vectors(one, other, metric)
    pairs = [(a, b) for a in range(len(q)) for b in range(len(g)) if q_valid[a] and g_valid[b]]
    product = {(a, b): _dot(q[a], g[b]) for a, b in pairs}
    if mode == "factored":
        w = {(a, b): weights[0][i][a] * weights[1][j][b] if weights else 1.0 for a, b in pairs}
    elif mode == "pairwise":
        w = {(a, b): weights[0][i][j][a][b] for a, b in pairs}
    elif mode == "top":
        kept = sorted(pairs, key=lambda p: (-product[p], p))[: math.ceil(top * len(pairs) - 1e-9)]
        w = {p: float(p in kept) for p in pairs}
    else:
        w = _importances(q, g, pairs, weights)
    total = sum(w.values()) if divide == "weights" else len(pairs)
    return 1 - (sum(w[p] * product[p] for p in pairs) / total if total else 0)


def _importances(q, g, pairs, network):
    """Matiyali and Sharma 2020, Eq. 1 and 2, with alpha_1 = 1."""
    alpha, mean = {}, None
    for p in pairs:
        c = [x * y for x, y in zip(q[p[0]], g[p[1]], strict=True)]
        alpha[p] = 1.0 if mean is None else _network([r - x for r, x in zip(mean, c, strict=True)], network)
        before, total = sum(alpha.values()) - alpha[p], sum(alpha.values())
        mean = [(before * r + alpha[p] * x) / total for r, x in zip(mean or c, c, strict=True)]
    return alpha


def _network(x, network):
    w1, b1, w2, b2, w3, b3 = network
    for weight, bias in ((w1, b1), (w2, b2)):
        x = [max(0.0, _dot(row, x) + b) for row, b in zip(weight, bias, strict=True)]
    return math.log1p(math.exp(_dot(w3[0], x) + b3[0]))


def _mean(x, valid, weight, divide):
    w = [(weight[a] if weight else 1.0) * valid[a] for a in range(len(x))]
    total = sum(w) if divide == "weights" else sum(valid)
    return [sum(w[a] * x[a][e] for a in range(len(x))) / (total or 1) for e in range(len(x[0]))]


def _vectors(one, other, metric):
    if metric == "cosine":
        return 1 - _dot(_unit(one), _unit(other))
    square = sum((a - b) ** 2 for a, b in zip(one, other, strict=True))
    return square if metric == "sqeuclidean" else math.sqrt(square)


def _dot(one, other):
    return sum(a * b for a, b in zip(one, other, strict=True))


def _unit(x):
    length = math.sqrt(_dot(x, x)) or 1
    return [a / length for a in x]
