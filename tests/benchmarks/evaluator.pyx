# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True
"""The compiled evaluator that this field shares, re-stated from its documented rule: sort every row of the matrix,
then walk down each ranking past what shows the query's person in the query's camera. float32, one thread."""

import numpy as np


def evaluate(float[:, ::1] distance, long[::1] query_pids, long[::1] pids, long[::1] query_camids, long[::1] camids,
             int deepest):
    """(mAP, CMC [deepest]) over the queries that have a match."""
    cdef long[:, ::1] order = np.argsort(distance, axis=1)
    cdef float[:, ::1] cmc = np.zeros((distance.shape[0], deepest), np.float32)
    cdef float[::1] precision = np.zeros(distance.shape[0], np.float32)
    cdef int[::1] hit = np.zeros(distance.shape[1], np.intc)
    cdef long q, g, place, kept, matches, valid = 0
    cdef float found, total
    for q in range(distance.shape[0]):
        kept, matches = 0, 0
        for place in range(distance.shape[1]):
            g = order[q, place]
            if pids[g] == query_pids[q] and camids[g] == query_camids[q]:
                continue
            hit[kept] = pids[g] == query_pids[q]
            matches += hit[kept]
            kept += 1
        if not matches:
            continue
        found, total = 0, 0
        for place in range(kept):
            found += hit[place]
            if hit[place]:
                total += found / (place + 1)
            if place < deepest:
                cmc[valid, place] = 1 if found else 0
        precision[valid] = total / matches
        valid += 1
    return float(np.mean(precision[:valid])), np.mean(cmc[:valid], axis=0)
