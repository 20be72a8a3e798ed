"""One benchmark of the scores in a process of its own, so that nothing before it counts: python score_cases.py NAME."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import numpy as np
from measure import extra_mb, seconds
from peers import DEEPEST, argsort_scores, compiled

from vreid_bench.scoring.conventions import CONVENTIONS
from vreid_bench.scoring.metrics import judge
from vreid_bench.scoring.ranks.counting import backend, count_from_distances, count_from_embeddings
from vreid_bench.scoring.ranks.labels import Labels

MARS = CONVENTIONS[:3]
TORCHREID = CONVENTIONS[2]
THREADS = 1


def mars():
    """pid, camid and query rows of the test half of MARS: as published in VREID_MARS_INFO, else of the same counts."""
    if info := os.environ.get("VREID_MARS_INFO"):
        from scipy.io import loadmat

        table = loadmat(Path(info) / "tracks_test_info.mat")["track_test_info"].astype(np.int64)
        return table[:, 2], table[:, 3], loadmat(Path(info) / "query_IDX.mat")["query_IDX"][0].astype(np.int64) - 1
    random = np.random.default_rng(0)
    person = np.sort(random.integers(1, 635, 12_180 - 870 - 3_248))
    pid = np.concatenate([np.full(870, -1), np.zeros(3_248, np.int64), person])
    camid = random.integers(1, 7, len(pid))
    people = np.flatnonzero(pid > 0)
    _, first = np.unique(pid[people] * 10 + camid[people], return_index=True)
    return pid, camid, np.sort(people[random.permutation(first)[:1_980]])


def features(pid, camid, width):
    """Embeddings that rank as a fair model's: a person, a camera, noise; whole numbers, so that products are exact."""
    random = np.random.default_rng(1)
    _, who = np.unique(pid, return_inverse=True)
    latent = random.standard_normal((who.max() + 1, 40))[who]
    latent[pid <= 0] = random.standard_normal((int((pid <= 0).sum()), 40))
    latent += 0.3 * random.standard_normal((7, 40))[camid]
    latent += random.gamma(2, 0.25, (len(pid), 1)) * random.standard_normal((len(pid), 40))
    return np.rint(4 * latent @ random.standard_normal((40, width)) / 6).astype(np.float32)


def entry(ours_s, peer_s, floor_s, extra, **more):
    """The columns of every benchmark; `more` has `peer`, its name. `floor` is the least work of any method."""
    return {
        "ours_s": ours_s,
        "peer_s": peer_s,
        "floor_s": floor_s,
        "ratio_peer": peer_s / ours_s,
        "ratio_floor": ours_s / floor_s,
        "extra_mb": extra,
        "threads": THREADS,
        "backend": backend(),
        **more,
    }


def score_matrix():
    """CMC and mAP of a given matrix, 1,980 x 9,330 float32."""
    pid, camid, query = mars()
    rows = np.setdiff1d(np.flatnonzero(pid >= 0), query)
    x = features(pid, camid, 256)
    square = (x * x).sum(1)
    distance = square[query, None] + square[rows] - 2 * (x[query] @ x[rows].T)  # [Q, G]
    distance += np.random.default_rng(2).random(distance.shape, np.float32)  # peers do not agree on ties

    def ours():
        labels = Labels(pid, camid, query, rows)
        counts = count_from_distances([(slice(None), distance)], labels, THREADS)
        return judge(counts, [TORCHREID])[TORCHREID.name]

    columns = pid[query], pid[rows], camid[query], camid[rows]
    name, evaluate = compiled()
    extra, scores = extra_mb(ours)
    metrics, cmc = scores.metrics(), scores.cmc(DEEPEST)
    precision, first = argsort_scores(distance, *columns)
    np.testing.assert_allclose(scores.average_precision, precision, rtol=1e-12)
    np.testing.assert_array_equal(scores.first_rank, first)
    curve, mean = evaluate(distance, *columns, DEEPEST)
    np.testing.assert_allclose([metrics["mAP"], *cmc], [mean, *curve], atol=1e-6)  # it sums in float32
    ours_s, floor = seconds(25, ours, distance.max)
    (peer,) = seconds(2, lambda: argsort_scores(distance, *columns))
    (cython,) = seconds(7, lambda: evaluate(distance, *columns, DEEPEST))  # of two rounds, both may be disturbed
    more = {"cython": name, "cython_s": cython, "ratio_cython": cython / ours_s}
    return entry(ours_s, peer, floor, extra, peer="numpy: full stable argsort, vectorised", **more)


def score_embeddings():
    """From 1,980 and 12,180 embeddings of 1,024 numbers to all conventions of MARS."""
    import torch

    pid, camid, query = mars()
    gallery = features(pid, camid, 1_024)
    queries = gallery[query]

    def ours():
        labels = Labels(pid, camid, query, np.arange(len(pid)))
        return judge(count_from_embeddings(queries, gallery, labels, "euclidean", THREADS), MARS)

    torch.set_num_threads(THREADS)
    left, right = torch.from_numpy(queries), torch.from_numpy(gallery)
    square = (gallery.astype(np.float64) ** 2).sum(1).astype(np.float32)
    rest = np.setdiff1d(np.arange(len(pid)), query)

    def peer():
        distance = square - 2 * torch.mm(left, right.T).numpy()
        found = {}
        for rule in MARS:
            rows = np.arange(len(pid)) if rule.queries_in_gallery else rest
            arguments = pid[query], pid[rows], camid[query], camid[rows]
            found[rule.name] = argsort_scores(distance[:, rows], *arguments, rule.average_precision == "trapezoid")
        return found

    extra, judged = extra_mb(ours)
    for name, (precision, first) in peer().items():
        np.testing.assert_allclose(judged[name].average_precision, precision, rtol=1e-12)
        np.testing.assert_array_equal(judged[name].first_rank, first)
    out = torch.empty(len(query), len(pid))
    ours_s, *products = seconds(
        7,
        ours,
        lambda: torch.mm(left, right.T, out=out),
        lambda: np.matmul(queries, gallery.T, out=out.numpy()),
    )
    (peer_s,) = seconds(1, peer)
    # the floor is the bare product by whichever of the two libraries is quicker on this machine
    more = {"peer": "torch.mm, then numpy: full stable argsort per convention", "torch_s": products[0]}
    return entry(ours_s, peer_s, min(products), extra, **more, numpy_s=products[1])


def score_million():
    """1,000,000 gallery rows of 128 numbers, nearly all of them distractors."""
    import torch

    pid, camid, query = mars()
    strangers = np.zeros(1_000_000 - len(pid), np.int64)
    small = features(pid, camid, 128)
    random = np.random.default_rng(3)
    gallery = np.empty((1_000_000, 128), np.float32)
    gallery[: len(pid)] = small
    for begin in range(len(pid), len(gallery), 100_000):
        part = gallery[begin : begin + 100_000]
        part[:] = np.rint(4 * random.standard_normal(part.shape, np.float32))
    queries = small[query]
    columns = {
        len(pid): (pid, camid, np.arange(len(pid))),
        len(gallery): (
            np.concatenate([pid, strangers]),
            np.concatenate([camid, strangers + 1]),
            np.arange(len(gallery)),
        ),
    }

    def ours(size):
        pids, camids, rows = columns[size]
        labels = Labels(pids, camids, query, rows)
        return judge(count_from_embeddings(queries, gallery[:size], labels, "euclidean", THREADS), MARS)

    few, _ = extra_mb(lambda: ours(len(pid)))
    extra, judged = extra_mb(lambda: ours(len(gallery)))
    some = np.arange(0, len(query), 99)  # 20 queries: a full sort of all would take hours
    pids, camids, rows = columns[len(gallery)]
    square = np.einsum("ge,ge->g", gallery, gallery)

    def peer():
        distance = square - 2 * (queries[some] @ gallery.T)
        return argsort_scores(distance, pid[query][some], pids, camid[query][some], camids)

    precision, first = peer()
    found = judged["queries-in-gallery"]
    np.testing.assert_allclose(found.average_precision[some], precision, rtol=1e-12)
    np.testing.assert_array_equal(found.first_rank[some], first)
    torch.set_num_threads(THREADS)
    left, right = torch.from_numpy(queries), torch.from_numpy(gallery)
    out = torch.empty(len(query), 4_096)

    def floor():
        for begin in range(0, len(gallery) - 4_096, 4_096):
            torch.mm(left, right[begin : begin + 4_096].T, out=out)

    ours_s, floor_s = seconds(1, lambda: ours(len(gallery)), floor)
    peer_s = seconds(1, peer)[0] * len(query) / len(some)
    labels_mb = sum(column.nbytes for column in (pids, camids, rows)) / 1e6
    more = {"extra_mb_12180": few, "extra_mb_more": extra - few, "labels_mb": labels_mb}
    return entry(ours_s, peer_s, floor_s, extra, peer="numpy: full stable argsort, 20 queries scaled to all", **more)


def score_many_matches():
    """200,000 gallery rows of 64 numbers, of which 20,000 are matches of each of 10 queries."""
    random = np.random.default_rng(4)
    gallery = random.standard_normal((200_000, 64)).astype(np.float32)
    pid = np.zeros(len(gallery), np.int64)
    pid[random.permutation(len(gallery))[:20_000]] = 1
    gallery[pid == 1] += np.float32(0.2)
    gallery = np.rint(4 * gallery)
    camid = np.full(len(gallery), 2)
    query = np.flatnonzero(pid == 1)[:10]
    camid[query] = 1
    queries = gallery[query]
    square = np.einsum("ge,ge->g", gallery, gallery)

    def ours():
        labels = Labels(pid, camid, query, np.arange(len(gallery)))
        return judge(count_from_embeddings(queries, gallery, labels, "euclidean", THREADS), MARS)

    def product():
        return square - 2 * (queries @ gallery.T)

    def peer():
        return argsort_scores(product(), pid[query], pid, camid[query], camid)

    extra, judged = extra_mb(ours)
    precision, first = peer()
    np.testing.assert_allclose(judged["queries-in-gallery"].average_precision, precision, rtol=1e-12)
    np.testing.assert_array_equal(judged["queries-in-gallery"].first_rank, first)
    ours_s, peer_s, floor_s = seconds(3, ours, peer, product)
    return entry(ours_s, peer_s, floor_s, extra, peer="numpy: the product, then a full stable argsort")


CASES = {case.__name__: case for case in (score_matrix, score_embeddings, score_million, score_many_matches)}

if __name__ == "__main__":
    print(json.dumps(CASES[sys.argv[1]]()))
