"""`vreid_bench.score` on tensors, arrays, lists and data frames; what does not change a score."""

import brought_files
import numpy as np
import pytest
import torch
from brought_files import world
from hypothesis import given, settings
from hypothesis import strategies as st

import vreid_bench
from vreid_bench import InputError

RULE = "gallery-as-listed"


def sides(w, convert=np.asarray):
    return [
        {"embedding": convert(s.features), "pid": convert(s.pid), "camid": convert(s.camid)}
        for s in (w.query, w.gallery)
    ]


def as_lists(array):
    return array.tolist()


@pytest.mark.parametrize("convert", [torch.from_numpy, as_lists], ids=["tensors", "lists"])
def test_tensors_and_lists_score_as_arrays(convert):
    w = world()
    expected = vreid_bench.score(*sides(w), conventions=[RULE])
    assert vreid_bench.score(*sides(w, convert), conventions=[RULE]).metrics() == expected.metrics()


def test_one_mapping_holds_both_sides_under_the_names_of_other_programs():
    w = world()
    both = {"qf": torch.from_numpy(w.query.features), "gf": torch.from_numpy(w.gallery.features)}
    both |= {"q_pids": w.query.pid.tolist(), "g_pids": w.gallery.pid}
    both |= {"q_camids": w.query.camid, "g_camids": w.gallery.camid[None]}
    expected = vreid_bench.score(*sides(w), conventions=[RULE])
    assert vreid_bench.score(both, conventions=[RULE]).metrics() == expected.metrics()


def test_a_file_scores_as_what_it_holds(tmp_path):
    w = world()
    [path] = brought_files.write_layumi(tmp_path, w)
    expected = vreid_bench.score(*sides(w), conventions=[RULE])
    assert vreid_bench.score(str(path), conventions=[RULE]).metrics() == expected.metrics()


def test_a_matrix_in_the_mapping_is_scored_and_labels_suffice_beside_a_distance():
    w = world()
    labels = {"q_pids": w.query.pid, "g_pids": w.gallery.pid, "q_camids": w.query.camid, "g_camids": w.gallery.camid}
    inside = vreid_bench.score({"distmat": w.distance, **labels}, conventions=[RULE])
    assert (
        vreid_bench.score(labels, distance=torch.from_numpy(w.distance), conventions=[RULE]).metrics()
        == inside.metrics()
    )
    similar = vreid_bench.score({"similarity": -w.distance, **labels}, conventions=[RULE])
    assert similar.metrics()["conventions"] == inside.metrics()["conventions"]


class Frame:
    """What is used of a data frame: the names of columns, and a column by its name."""

    def __init__(self, columns):
        self.held, self.columns = columns, list(columns)

    def __getitem__(self, name):
        return np.asarray(self.held[name])


@pytest.mark.parametrize("wide", [False, True])
def test_data_frames_score_as_arrays(wide):
    w = world()
    frames = []
    for side in (w.query, w.gallery):
        columns = {"pid": [f"p{p}" if p > 0 else str(p) for p in side.pid], "camid": side.camid}
        if wide:
            columns |= {f"e{i}": side.features[:, i] for i in range(6)}
        else:
            columns["embedding"] = np.array([*side.features, None], object)[:-1]
        frames.append(Frame(columns))
    found = vreid_bench.score(*frames, conventions=[RULE])
    assert found.metrics() == vreid_bench.score(*sides(w), conventions=[RULE]).metrics()


def test_data_frames_of_pandas_score_as_arrays():
    pandas = pytest.importorskip("pandas")
    w = world()
    frames = [
        pandas.DataFrame({"person": side.pid, "cam": side.camid, "embedding": list(side.features)})
        for side in (w.query, w.gallery)
    ]
    found = vreid_bench.score(*frames, conventions=[RULE])
    assert found.metrics() == vreid_bench.score(*sides(w), conventions=[RULE]).metrics()


def test_a_missing_person_in_a_data_frame_is_told():
    """NumPy would make the text `nan` of it, and one person of all such rows."""
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame({"person": ["a", None, "b"], "embedding": list(np.eye(3))})
    with pytest.raises(InputError, match=r"person has no value in row 1 \(1 of 3 rows\)"):
        vreid_bench.score(frame, frame)


def test_objects_of_other_kinds_are_refused_in_a_sentence():
    with pytest.raises(
        InputError, match="query: expected a mapping or a data frame with embedding, pid and camid, got"
    ):
        vreid_bench.score(np.ones((3, 3)), np.ones((3, 3)))


def test_without_cameras_the_gallery_is_taken_as_listed():
    w = world()
    bare = [{name: value for name, value in side.items() if name != "camid"} for side in sides(w)]
    assert set(vreid_bench.score(*bare).metrics()["conventions"]) == {RULE}
    with pytest.raises(InputError, match="has no array 'camid', and official"):
        vreid_bench.score(*bare, conventions=["official"])


def scores(w, **changed):
    """AP of each query, without ties."""
    given = [{**side, **{k: v[n] for k, v in changed.items()}} for n, side in enumerate(sides(w))]
    return vreid_bench.score(*given, conventions=[RULE]).per_query()[f"{RULE}.ap"]


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 1 << 30), st.randoms(use_true_random=False))
def test_the_order_of_rows_does_not_change_a_score(seed, source):
    w = world(seed % 1000)
    expected = scores(w)
    order = list(range(len(w.gallery.pid)))
    source.shuffle(order)
    for name in ("features", "pid", "camid"):
        setattr(w.gallery, name, getattr(w.gallery, name)[order])
    np.testing.assert_array_equal(scores(w), expected)
    turn = list(range(len(w.query.pid)))
    source.shuffle(turn)
    for name in ("features", "pid", "camid"):
        setattr(w.query, name, getattr(w.query, name)[turn])
    np.testing.assert_array_equal(scores(w), expected[turn])


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 1000), st.permutations(range(1, 9)), st.permutations("abcd"))
def test_other_names_of_the_same_people_and_cameras_do_not_change_a_score(seed, people, cameras):
    w = world(seed)
    expected = scores(w)
    number = {-1: -1, 0: 0, **{p: q * 1000003 for p, q in enumerate(people, 1)}}
    pids = [np.array([number[p] for p in s.pid]) for s in (w.query, w.gallery)]
    texts = [[str(p) if p < 1 else f"p{number[p]}" for p in s.pid] for s in (w.query, w.gallery)]
    camids = [[cameras[c - 1] for c in s.camid] for s in (w.query, w.gallery)]
    np.testing.assert_array_equal(scores(w, pid=pids), expected)
    np.testing.assert_array_equal(scores(w, pid=texts, camid=camids), expected)


def test_the_made_files_are_as_their_world_says():
    w = world()
    assert w.distance.shape == (len(w.query.pid), len(w.gallery.pid))
    assert brought_files.tracklets(w.gallery)[:2] == ["t0000", "t0001"]
