"""The order of the gallery without distances: the lists of challenges and of retrieval, with their labels."""

import csv

import numpy as np
from brought_files import tracklets, world, write_csv


def order_of(w):
    """The gallery of each query from near to far: [Q, G]."""
    return np.argsort(w.distance, axis=1, kind="stable")


def write_table(path, header, rows):
    with path.open("w", newline="") as file:
        lines = csv.writer(file)
        lines.writerow(header)
        lines.writerows(rows)
    return path


def cameraless_world(seed=0):
    """A world without cameras and without junk, so that what shows another person is no match and all else is one."""
    w = world(seed)
    for side in (w.query, w.gallery):
        side.pid = np.where(side.pid < 1, 99, side.pid)
        side.camid = None
    return w


def write_labels(folder, w):
    """A CSV that says who is on each tracklet, without features and cameras."""
    rows = [
        (role, name, pid)
        for role, side in (("query", w.query), ("gallery", w.gallery))
        for name, pid in zip(tracklets(side), side.pid, strict=True)
    ]
    return write_table(folder / "labels.csv", ["role", "tracklet", "pid"], rows)


def write_ag_vpreid_ranking(folder, w):
    names = tracklets(w.gallery)
    rows = [
        (number, query, " ".join(names[item] for item in ranked))
        for number, (query, ranked) in enumerate(zip(tracklets(w.query), order_of(w), strict=True))
    ]
    path = write_table(folder / "submission.csv", ["row_id", "query_tracklet", "gallery_tracklets"], rows)
    return ["--ranking", path, write_csv(folder, w)[0]]


def write_vreid_xfd(folder, w, cases=("case1",)):
    """Names begin with the person, so that no labels are needed."""
    names = [
        [f"{max(pid, 0):04d}_{name}" for pid, name in zip(side.pid, tracklets(side), strict=True)]
        for side in (w.query, w.gallery)
    ]
    rows = [
        (number, case, names[0][number], " ".join(names[1][item] for item in ranked))
        for case in cases
        for number, ranked in enumerate(order_of(w))
    ]
    header = ["row_id", "case", "query_tracklet", "ranked_gallery_tracklets"]
    return ["--ranking", write_table(folder / "xfd.csv", header, rows)]


def write_people(folder, w, header, depth):
    people = [str(pid) for pid in w.gallery.pid]
    rows = [
        (query, *(people[item] for item in ranked[:depth]))
        for query, ranked in zip(tracklets(w.query), order_of(w), strict=True)
    ]
    return ["--ranking", write_table(folder / "people.csv", header, rows), write_labels(folder, w)]


def write_grew(folder, w):
    return write_people(folder, w, ["videoId", *(f"rank{k}" for k in range(1, 21))], 20)


def write_hid(folder, w):
    return write_people(folder, w, ["videoID", "label"], 1)


def write_trec(folder, w):
    """A run and its qrels."""
    queries, names = tracklets(w.query), tracklets(w.gallery)
    with (folder / "a.run").open("w") as file:
        for query, ranked in zip(queries, order_of(w), strict=True):
            file.writelines(f"{query} Q0 {names[i]} {n} {-n} tag\n" for n, i in enumerate(ranked, 1))
    with (folder / "a.qrels").open("w") as file:
        for query, pid in zip(queries, w.query.pid, strict=True):
            file.writelines(
                f"{query} 0 {name} {int(pid == other)}\n" for name, other in zip(names, w.gallery.pid, strict=True)
            )
    return ["--ranking", folder / "a.run", folder / "a.qrels"]
