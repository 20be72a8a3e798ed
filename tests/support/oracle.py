"""The rules in words, one gallery item at a time, in float64: what every faster form is held against."""

from types import SimpleNamespace

import numpy as np

from vreid_bench.scoring.ranks.labels import Labels


def labels(pids, camids, query, gallery):
    return Labels(*(np.asarray(column, np.int64) for column in (pids, camids, query, gallery)))


def takes_part(who, row, having, least_frames):
    """Has a tracklet one of the values of each attribute, and frames enough?"""
    return all(who.attributes[name][row] in values for name, values in having) and (
        not least_frames or who.frames[row] >= least_frames
    )


def role(who, row, item, rule):
    """What the gallery item in one test row is to the query in another, under the fields of a convention."""
    if rule.queries_in_gallery is False and item in who.query:
        return "left out"
    if not takes_part(who, row, rule.query, rule.least_frames):
        return "not asked"
    if not takes_part(who, item, rule.gallery, rule.least_frames):
        return "left out"
    if who.pids[item] == -1:
        return "junk"
    if who.pids[item] != who.pids[row]:
        return "negative"
    if item == row or (rule.same_camera == "junk" and who.camids[item] == who.camids[row]):
        return "junk"
    for name, value in rule.match:
        if (who.attributes[name][item] == who.attributes[name][row]) != (value == "same"):
            return "junk"
    return "match"


def by_hand(distances, who, rule):
    """(average precision, first rank, inverse penalty, R-precision) of each query."""
    # the same labels as Python's own numbers, as there are millions of looks at one of them
    columns = {name: getattr(who, name) for name in ("pids", "camids", "query", "gallery", "frames")}
    attributes = {name: column.tolist() for name, column in who.attributes.items()}
    plain = {name: None if each is None else each.tolist() for name, each in columns.items()}
    who = SimpleNamespace(**plain, attributes=attributes)
    result = []
    for row, row_distances in zip(who.query, np.asarray(distances, np.float64).tolist(), strict=True):
        ranking = []
        for place, (item, distance) in enumerate(zip(who.gallery, row_distances, strict=True)):
            found = role(who, row, item, rule)
            if found in ("match", "negative"):
                ranking.append((distance, place, found == "match"))
        hits = [same for _, _, same in sorted(ranking)]
        ranks = [rank for rank, hit in enumerate(hits, 1) if hit]
        if not takes_part(who, row, rule.query, rule.least_frames):
            result.append((np.nan, -1, np.nan, np.nan))
            continue
        if not ranks:
            result.append((0.0, -1, 0.0, 0.0) if rule.unmatched == "zero" else (np.nan, -1, np.nan, np.nan))
            continue
        total = 0.0
        deepest = rule.cut or len(hits)
        for k, r in enumerate(ranks, 1):
            if r > deepest:
                break
            before = 1.0 if r == 1 else (k - 1) / (r - 1)
            total += k / r if rule.average_precision == "step" else (before + k / r) / 2
        count = len(ranks)
        first = ranks[0] - 1 if ranks[0] <= deepest else -1
        penalty = count / ranks[-1] if ranks[-1] <= deepest else 0.0
        result.append((total / min(count, deepest), first, penalty, sum(hits[: min(count, deepest)]) / count))
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
