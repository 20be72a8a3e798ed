"""From a list with labels of its own to the scores of a run: its files speak of the labels, not of numbers."""

import io

import numpy as np
import pytest

from vreid_bench.evaluation.evaluate import Result
from vreid_bench.evaluation.run_scores import score_run
from vreid_bench.scoring.conventions import vreid_conventions
from vreid_bench.scoring.metrics import Outcome, judge
from vreid_bench.scoring.ranks.counting import count_from_distances
from vreid_bench.scoring.ranks.labels import Labels
from vreid_plugins.datasets.tracklets.reader import Tracklets, vreid_protocols

ROWS = [
    "train,p100,cam first,t1",
    "train,p101,cam first,t2",
    "query,p000,cam first,q1",
    "query,p001,cam second,q2",
    "gallery,p000,cam second,g1",
    "gallery,p001,cam first,g2",
    "gallery,-1,cam first,j",
    "gallery,0,cam second,d",
]


@pytest.fixture
def split(tmp_path):
    for row in ROWS:
        folder = tmp_path / row.split(",")[3]
        folder.mkdir()
        (folder / "1.jpg").write_bytes(b"")  # a reader opens no frame
    (tmp_path / "tracklets.csv").write_text("\n".join(["split,pid,camid,frames", *ROWS]))
    [split] = Tracklets().read(tmp_path).splits
    return split


@pytest.fixture
def scores(split):
    protocol = vreid_protocols()["custom"]
    conventions = [vreid_conventions()[name] for name in protocol.conventions]
    # columns: q1, q2, g1, g2, junk, distractor; p000 is found behind a stranger and the distractor, p001 at once
    distances = np.array([[0, 9, 5, 1, 0, 2], [9, 0, 3, 1, 0, 2]], np.float32)
    labels = Labels.of(split)
    counts = count_from_distances([(slice(0, 2), distances)], labels)
    outcome = Outcome(labels, counts, judge(counts, conventions))
    return score_run(protocol, conventions, [Result("", outcome, [1] * 6, None)], [0])


def test_the_file_of_queries_has_the_labels_beside_their_numbers(scores):
    arrays = np.load(io.BytesIO(scores.per_query.to_bytes()), allow_pickle=False)
    assert arrays["person"].tolist() == ["p000", "p001"]
    assert arrays["camera"].tolist() == ["cam first", "cam second"]
    assert arrays["tracklet"].tolist() == ["q1/1.jpg", "q2/1.jpg"]
    assert arrays["pid"].tolist() == arrays["camid"].tolist() == [1, 2]
    np.testing.assert_allclose(arrays["torchreid.ap"], [1 / 3, 1])


def test_the_break_down_names_cameras_and_people(scores):
    found = scores.breakdown["torchreid"]
    assert found["camera_pairs"]["cameras"] == ["cam first", "cam second"]
    assert found["camera_pairs"]["mAP"] == [[None, pytest.approx(1 / 3)], [1, None]]
    assert [(each["person"], each["pid"], each["mAP"]) for each in found["hardest"]] == [
        ("p000", 1, pytest.approx(1 / 3)),
        ("p001", 2, 1),
    ]


def test_the_record_has_the_camera_pairs_of_the_headline_by_number(scores):
    found = scores.breakdown["queries-in-gallery"]["camera_pairs"]
    assert scores.fields["camera_pairs"] == {
        "cameras": [1, 2],
        "mAP": found["mAP"],
        "queries": [[0, 1], [1, 0]],
    }


def test_a_record_is_published_and_has_no_names(scores):
    assert "p000" not in repr(scores.fields)
