"""First ranks in the order of other distances, against lists that are put in order one by one."""

import numpy as np
from gallery_parts import Array
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from vreid_bench.scoring.ranks.by_parts import Known, collect_items, count_from_parts
from vreid_bench.scoring.ranks.nearest import find_nearest
from vreid_bench.scoring.rerank.first_ranks import FirstRanks


@settings(max_examples=150, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(4, 40), st.integers(1, 45))
def test_first_ranks_are_reordered_and_the_others_stay(seed, size, count):
    random = np.random.default_rng(seed)
    gallery, pids = random.integers(0, 4, (size, 2)).astype(np.float32), random.integers(-1, 5, size)
    camids = random.integers(0, 2, size)
    asked = np.flatnonzero(pids > 0)[:4]
    items = {(*gallery[row], pids[row], camids[row]) for row in asked}
    assume(len(items) == len(asked) > 0)  # or two queries are one item
    queries = gallery[asked].copy(), pids[asked], camids[asked]
    parts = [Array(gallery, pids, camids)]
    known = Known.of(parts, np.unique(queries[1]), np.float32)
    labels = known.label(*queries)
    counts = count_from_parts(queries[0], parts, known, labels, "euclidean")
    nearest = find_nearest(queries[0], parts, "euclidean", count)
    union = np.unique(nearest.places)
    first = FirstRanks(nearest, Known.join(collect_items(parts, union, np.float32)))
    other = random.integers(0, 5, (len(asked), len(union))).astype(np.float32)
    found = first.reorder(other, counts, known, labels)
    own = known.places[labels.own]
    for number in range(len(asked)):
        square = ((queries[0][number] - gallery) ** 2).sum(1)
        order = np.argsort(square, kind="stable")
        mine = np.sort(order[:count])  # in the gallery's order, which decides between equal distances
        changed = mine[np.argsort(other[number, np.searchsorted(union, mine)], kind="stable")]
        pid, camid = queries[1][number], queries[2][number]
        same = (pids == pid) & (camids == camid)
        ranked = [
            place
            for place in (*changed, *order[count:])
            if pids[place] != -1 and not same[place] and place != own[number]
        ]
        ranks = [ranked.index(place) for place in np.flatnonzero((pids == pid) & ~same)]
        rows = slice(found.start[number], found.start[number + 1])
        assert found.before[rows].sum(1).tolist() == ranks
