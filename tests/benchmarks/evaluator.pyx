# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True
"""torchreid's compiled evaluator, re-stated pass by pass: the person of every pair is looked up in sorted order, all
queries at once; then, a query at a time, junk is left out and hits are summed up twice, for the CMC and for the
average precision, which divides at every rank. float32 and int64, one thread."""

import numpy as np


cdef void running(float[:] value, float[:] total, long size):
    cdef long i
    total[0] = value[0]
    for i in range(1, size):
        total[i] = total[i - 1] + value[i]


def evaluate(float[:, :] distance, long[:] query_pids, long[:] pids, long[:] query_camids, long[:] camids,
             long deepest):
    """(CMC [deepest], mAP) over the queries that have a match."""
    cdef long queries = distance.shape[0], size = distance.shape[1]
    cdef long[:, :] order = np.argsort(distance, axis=1)
    persons = np.asarray(pids)[np.asarray(order)]
    cdef long[:, :] same = (persons == np.asarray(query_pids)[:, None]).astype(np.int64)
    cdef float[:, :] cmc = np.zeros((queries, deepest), np.float32)
    cdef float[:] precision = np.zeros(queries, np.float32)
    cdef float[:] hit = np.zeros(size, np.float32)
    cdef float[:] found = np.zeros(size, np.float32)
    cdef long q, g, place, kept, matches, valid = 0
    cdef float total
    for q in range(queries):
        kept, matches = 0, 0
        for place in range(size):
            g = order[q, place]
            if pids[g] == query_pids[q] and camids[g] == query_camids[q]:
                continue
            hit[kept] = same[q, place]
            matches += same[q, place]
            kept += 1
        if not matches:
            continue
        running(hit, found, kept)
        for place in range(kept):
            found[place] = min(found[place], 1)
        for place in range(deepest):
            cmc[valid, place] = found[place]
        running(hit, found, kept)
        total = 0
        for place in range(kept):
            total += found[place] / (place + 1.0) * hit[place]
        precision[valid] = total / matches
        valid += 1
    return np.mean(cmc[:valid], axis=0), float(np.mean(precision[:valid]))
