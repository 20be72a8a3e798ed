"""A ranking alone gives the scores of its order: challenge CSVs and TREC runs against distances and a slow loop."""

import csv

import numpy as np
import pytest
from brought_files import tracklets, world, write_csv, write_npz
from ranking_files import order_of
from ranking_files import write_table as write

CONVENTION = ("--convention", "gallery-as-listed")


@pytest.fixture
def test_set(tmp_path):
    """A world, the order of its gallery by distance, and a CSV with its labels."""
    w = world()
    labels = write_csv(tmp_path, w)[0]
    order = order_of(w)
    return w, order, labels


def expected_scores(cli_json, tmp_path, w):
    np.save(tmp_path / "d.npy", w.distance)
    given = write_npz(tmp_path, w)
    return cli_json("score", *given, "--distance", tmp_path / "d.npy", *CONVENTION)["conventions"]


def ag_rows(w, order, depth=None):
    names = tracklets(w.gallery)
    for number, (query, ranked) in enumerate(zip(tracklets(w.query), order, strict=True)):
        yield number, query, " ".join(names[item] for item in ranked[:depth])


def test_a_whole_ranking_scores_as_its_distances(cli_json, tmp_path, test_set):
    w, order, labels = test_set
    ranking = write(tmp_path / "r.csv", ["row_id", "query_tracklet", "gallery_tracklets"], ag_rows(w, order))
    found = cli_json("score", "--ranking", ranking, labels, "--at", "5")["conventions"]["gallery-as-listed"]
    cut = found.pop("mAP@")
    assert found == expected_scores(cli_json, tmp_path, w)["gallery-as-listed"]
    assert cut["5"] == pytest.approx(cut_by_hand(w, order, 5), abs=1e-12)


def cut_by_hand(w, order, depth, asked=None):
    """The mean average precision of the first ranks over all queries, or some, one item at a time."""
    total, queries = 0.0, 0
    for q, ranked in enumerate(order):
        if asked is not None and q not in asked:
            continue
        hits = []
        for item in ranked:
            same = w.gallery.pid[item] == w.query.pid[q]
            if w.gallery.pid[item] != -1 and not (same and w.gallery.camid[item] == w.query.camid[q]):
                hits.append(same)
        if any(hits):
            queries += 1
            found = sum(sum(hits[: k + 1]) / (k + 1) for k in range(min(depth, len(hits))) if hits[k])
            total += found / min(depth, sum(hits))
    return total / queries


def dress(path, labels, column):
    """The labels with a column of coats."""
    head, *rows = labels.read_text().splitlines()
    coats = [f"{row},{('red', 'blue', 'grey')[number % 3]}" for number, row in enumerate(rows)]
    path.write_text("\n".join([f"{head},{column}", *coats]) + "\n")
    return path


def test_attributes_of_the_labels_count_beside_a_ranking(cli_json, tmp_path, test_set):
    w, order, labels = test_set
    ranking = write(tmp_path / "r.csv", ["row_id", "query_tracklet", "gallery_tracklets"], ag_rows(w, order))
    dressed = dress(tmp_path / "dressed.csv", labels, "attribute.coat")
    found = cli_json("score", "--ranking", ranking, dressed, *CONVENTION, "--by", "coat")["conventions"]
    scores = {row["value"]: row["mAP"] for row in found["gallery-as-listed"]["by"]["coat"]}
    with dressed.open() as lines:
        coat = {row["tracklet"]: row["attribute.coat"] for row in csv.DictReader(lines)}
    wearing = {color: [q for q, name in enumerate(tracklets(w.query)) if coat[name] == color] for color in scores}
    assert sum(map(len, wearing.values())) == len(w.query.pid)
    for color, score in scores.items():
        assert score == pytest.approx(cut_by_hand(w, order, len(w.gallery.pid), wearing[color]), abs=1e-12), color


def test_a_key_of_the_labels_that_is_not_used_is_told_beside_a_ranking(cli, tmp_path, test_set):
    w, order, labels = test_set
    ranking = write(tmp_path / "r.csv", ["row_id", "query_tracklet", "gallery_tracklets"], ag_rows(w, order))
    told = cli("score", "--ranking", ranking, dress(tmp_path / "dressed.csv", labels, "coat"), *CONVENTION).stdout
    assert "not used: coat of" in told
    assert "an attribute has a key such as attribute.coat" in told


def test_a_ranking_that_ends_early_counts_what_it_has(cli, cli_json, tmp_path, test_set):
    w, order, labels = test_set
    header = ["row_id", "query_tracklet", "gallery_tracklets"]
    ranking = write(tmp_path / "r.csv", header, ag_rows(w, order, 30))
    found = cli_json("score", "--ranking", ranking, labels, "--at", "20")["conventions"]["gallery-as-listed"]
    whole = cli_json("score", "--ranking", write(tmp_path / "w.csv", header, ag_rows(w, order)), labels, "--at", "20")
    whole = whole["conventions"]["gallery-as-listed"]
    for score in ("R1", "R5", "R10", "R20", "queries", "mAP@"):
        assert found[score] == whole[score], score
    assert found["mAP"] < whole["mAP"]
    assert "count as never found" in cli("score", "--ranking", ranking, labels).output


def test_cases_are_scored_apart_and_their_mean_is_given(cli, cli_json, tmp_path, test_set):
    w, order, _ = test_set
    names = {
        side: [f"{max(p, 0):04d}_{t}" for p, t in zip(s.pid, tracklets(s), strict=True)]
        for side, s in (("q", w.query), ("g", w.gallery))
    }
    rows = [
        (n, case, names["q"][n], " ".join(names["g"][item] for item in (ranked if case == "case1" else ranked[::-1])))
        for case in ("case1", "case2")
        for n, ranked in enumerate(order)
    ]
    ranking = write(tmp_path / "x.csv", ["row_id", "case", "query_tracklet", "ranked_gallery_tracklets"], rows)
    found = cli_json("score", "--ranking", ranking)
    each = [found["cases"][case]["conventions"]["gallery-as-listed"]["mAP"] for case in ("case1", "case2")]
    assert each[0] > each[1]
    assert found["mean"]["gallery-as-listed"]["mAP"] == pytest.approx(sum(each) / 2)
    assert "mean over 2 cases" in cli("score", "--ranking", ranking).output


@pytest.mark.parametrize("form", ["GREW", "HID"])
def test_lists_of_people_give_the_share_of_queries_that_are_found(cli_json, tmp_path, test_set, form):
    w, order, labels = test_set
    people = [f"{p:04d}" if p > 0 else str(p) for p in w.gallery.pid]
    depth = 20 if form == "GREW" else 1
    header = ["videoId", *(f"rank{k}" for k in range(1, 21))] if form == "GREW" else ["videoID", "label"]
    rows = [
        (q, *(people[item] for item in ranked[:depth])) for q, ranked in zip(tracklets(w.query), order, strict=True)
    ]
    found = cli_json("score", "--ranking", write(tmp_path / "p.csv", header, rows), labels)["conventions"]
    known = w.gallery.pid[order[:, :depth]]
    for k in (1, 5, 20) if form == "GREW" else (1,):
        expected = 0
        for q in range(len(order)):
            ranked = [pid for pid in w.gallery.pid[order[q, :depth]] if pid != -1]
            expected += w.query.pid[q] in ranked[:k]
        assert found["gallery-as-listed"][f"R{k}"] == expected / len(order), k
    assert known.shape == (len(order), depth)


def test_a_run_of_trec_scores_by_its_qrels(cli_json, tmp_path, test_set):
    w, order, _ = test_set
    run, qrels = tmp_path / "a.run", tmp_path / "a.qrels"
    queries, names = tracklets(w.query), tracklets(w.gallery)
    random = np.random.default_rng(3)
    relevant = random.random(order.shape) < 0.1
    relevant[:, 0] = True
    with run.open("w") as file:
        for q, ranked in enumerate(order):
            file.writelines(f"{queries[q]} Q0 {names[i]} {n} {-n} tag\n" for n, i in enumerate(ranked[:40], 1))
    with qrels.open("w") as file:
        for q in range(len(order)):
            file.writelines(f"{queries[q]} 0 {names[i]} {int(relevant[q, i])}\n" for i in range(order.shape[1]))
    found = cli_json("score", "--ranking", run, qrels)["conventions"]["gallery-as-listed"]
    total = 0.0
    for q, ranked in enumerate(order):
        hits = relevant[q, ranked[:40]]
        total += sum(hits[: k + 1].sum() / (k + 1) for k in np.flatnonzero(hits)) / relevant[q].sum()
    assert found["mAP"] == pytest.approx(total / len(order), abs=1e-12)  # `map` of trec_eval
    assert found["R1"] == np.mean([relevant[q, ranked[0]] for q, ranked in enumerate(order)])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "its columns are none"),
        ("query_tracklet,gallery_tracklets\n", "it is empty"),
        ("row_id,query_tracklet\n0,t1\n", "expected a CSV with the columns row_id,query_tracklet,gallery_tracklets"),
        ("query_tracklet,gallery_tracklets\nt1000,t0000 t0000\n", "lists 't0000' twice"),
        ("query_tracklet,gallery_tracklets\nt1000,t0000\nt1000,t0001\n", "query 't1000' is listed twice"),
        ("query_tracklet,gallery_tracklets\nt1000,nobody\n", "lists 'nobody', which is not in the gallery"),
        ("query_tracklet,gallery_tracklets\nnobody,t0001\n", "query 'nobody' has no label"),
        ("query_tracklet,gallery_tracklets\nt1000\n", "line 2 has 1 fields, the first line 2"),
        ("videoId,rank1,rank3\nt1000,1,2\n", "its ranks are not rank1, rank2"),
        ("videoId,rank1\nt1000,nobody\n", "lists 'nobody', who is not in the gallery"),
    ],
)
def test_rankings_that_cannot_be_read_are_refused_in_a_sentence(cli, tmp_path, test_set, text, message):
    (tmp_path / "bad.csv").write_text(text)
    result = cli("score", "--ranking", tmp_path / "bad.csv", test_set[2])
    assert result.exit_code == 2, result.output
    assert message in result.stderr
    assert result.stderr.splitlines()[-1].startswith("error: ")


def test_a_ranking_without_labels_says_what_is_missing(cli, tmp_path, test_set):
    w, order, _ = test_set
    ranking = write(tmp_path / "r.csv", ["row_id", "query_tracklet", "gallery_tracklets"], ag_rows(w, order))
    result = cli("score", "--ranking", ranking)
    assert result.exit_code == 2
    assert "is not known; add a file with the labels" in result.stderr
    refused = cli("score", "--ranking", ranking, "--metric", "cosine")
    assert (refused.exit_code, "--ranking has an order and no distances" in refused.stderr) == (2, True)


def test_a_tracklet_with_two_labels_is_refused_beside_a_ranking(cli, tmp_path):
    rows = [("query", "a", 1), ("gallery", "a", 2), ("gallery", "b", 1)]
    labels = write(tmp_path / "labels.csv", ["role", "tracklet", "pid"], rows)
    ranking = write(tmp_path / "r.csv", ["row_id", "query_tracklet", "gallery_tracklets"], [(0, "a", "b a")])
    result = cli("score", "--ranking", ranking, labels)
    assert result.exit_code == 2
    assert "tracklet 'a', has pid 1, but in" in result.stderr
