"""The rules in words, one gallery item at a time, in float64: what every faster form is held against."""

from types import SimpleNamespace

import numpy as np

from vreid_bench.scoring.ranks.labels import Labels


def labels(pids, camids, query, gallery):
    return Labels(*(np.asarray(column, np.int64) for column in (pids, camids, query, gallery)))


def role(who, row, item, queries_in_gallery, clothes="any"):
    """What the gallery item in one test row is to the query in another."""
    if queries_in_gallery is False and item in who.query:
        return "left out"
    if who.pids[item] == -1:
        return "junk"
    if who.pids[item] != who.pids[row]:
        return "negative"
    if who.camids[item] == who.camids[row]:
        return "junk"
    if clothes == "same" and who.clothes[item] != who.clothes[row]:
        return "junk"
    if clothes == "other" and who.clothes[item] == who.clothes[row]:
        return "junk"
    return "match"


def by_hand(distances, who, rule):
    """(average precision, first rank, inverse penalty, R-precision) of each query."""
    # the same labels as Python's own numbers, as there are millions of looks at one of them
    columns = {name: getattr(who, name) for name in ("pids", "camids", "query", "gallery", "clothes")}
    who = SimpleNamespace(**{name: None if each is None else each.tolist() for name, each in columns.items()})
    result = []
    for row, row_distances in zip(who.query, np.asarray(distances, np.float64).tolist(), strict=True):
        ranking = []
        for place, (item, distance) in enumerate(zip(who.gallery, row_distances, strict=True)):
            found = role(who, row, item, rule.queries_in_gallery, rule.clothes)
            if found in ("match", "negative"):
                ranking.append((distance, place, found == "match"))
        hits = [same for _, _, same in sorted(ranking)]
        ranks = [rank for rank, hit in enumerate(hits, 1) if hit]
        if not ranks:
            result.append((0.0, -1, 0.0, 0.0) if rule.unmatched == "zero" else (np.nan, -1, np.nan, np.nan))
            continue
        total = 0.0
        for k, r in enumerate(ranks, 1):
            before = 1.0 if r == 1 else (k - 1) / (r - 1)
            total += k / r if rule.average_precision == "step" else (before + k / r) / 2
        count = len(ranks)
        result.append((total / count, ranks[0] - 1, count / ranks[-1], sum(hits[:count]) / count))
    return result


def distances_by_hand(query, gallery, metric):
    """[Q, G] in float64, each pair on its own."""
    result = np.empty((len(query), len(gallery)))
    for i, a in enumerate(query.astype(np.float64)):
        for j, b in enumerate(gallery.astype(np.float64)):
            if metric == "cosine":
                result[i, j] = 1 - (a @ b) / np.sqrt((a @ a) * (b @ b))
            else:
                result[i, j] = ((a - b) ** 2).sum()
    return result
