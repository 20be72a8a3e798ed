"""Pictures that tracklets share and should not, and pictures that repeat in a tracklet, against a slow loop."""

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from picture_files import picture_of

from vreid_bench.contracts.dataset import Dataset, Split, Tracklet
from vreid_bench.planning.content import find_pictures, read_content
from vreid_bench.planning.shared_pictures import find_shared_pictures


def shared(tmp_path, *, train=(), test=()):
    """What is said of tracklets, given as (pid, texts of their frames), each in a camera of its own."""
    parts = []
    for part, people in (("train", train), ("test", test)):
        tracklets = []
        for number, (pid, texts) in enumerate(people):
            frames = tuple(f"{part}/{number}/{place}.jpg" for place in range(len(texts)))
            for frame, text in zip(frames, texts, strict=True):
                (tmp_path / "set" / frame).parent.mkdir(parents=True, exist_ok=True)
                (tmp_path / "set" / frame).write_bytes(picture_of(text))
            tracklets.append(Tracklet(frames, pid, number))
        parts.append(tuple(tracklets))
    split = Split(*parts, (0,), tuple(range(len(test))))
    dataset = Dataset("toy", tmp_path / "set", (split,), "unverified")
    found = read_content(dataset, tmp_path / "cache", quiet=True)
    assert read_content(dataset, tmp_path / "cache", quiet=True) == found  # as it is kept
    return found.shared, found.repeated


def test_pictures_on_both_sides_are_told(tmp_path):
    (leak, twin), _ = shared(tmp_path, train=[(1, "ab"), (2, "c")], test=[(3, "de"), (3, "fb"), (4, "eg")])
    assert (
        "1 test frames are the same picture as one that is trained on, such as test/1/1.jpg and train/0/1.jpg" in leak
    )
    assert "1 test frames are the same picture as one that is in another test tracklet, such as test/2/0.jpg" in twin


def test_a_picture_of_two_people_who_are_trained_on_is_told(tmp_path):
    [told], _ = shared(tmp_path, train=[(1, "ab"), (1, "b"), (2, "cb")], test=[(3, "d")])
    assert "1 training frames are the same picture as one of another person who is trained on, such as" in told
    assert told.endswith("such as train/2/1.jpg and train/0/1.jpg; correct the lists")


@pytest.mark.parametrize("frames", [("q.jpg", "g.jpg"), ("q.jpg", "q.jpg")])
def test_copies_of_a_tracklet_are_nobodys_fault(tmp_path, frames):
    """As the gallery of DukeMTMC-VideoReID has the queries once more."""
    (tmp_path / "set").mkdir()
    for frame in (*frames, "other.jpg"):
        (tmp_path / "set" / frame).write_bytes(picture_of("other" if frame == "other.jpg" else "one"))
    copies = (*(Tracklet((frame,), 1, 5) for frame in frames), Tracklet(("other.jpg",), 2, 5))
    dataset = Dataset("toy", tmp_path / "set", (Split((), copies, (0,), (1, 2)),), "unverified")
    assert read_content(dataset, tmp_path / "cache")[1:] == ((), ())


def test_a_picture_that_repeats_within_its_tracklet_is_noted_and_nobodys_fault(tmp_path):
    """A still camera gives such frames."""
    faults, [note] = shared(tmp_path, train=[(1, "aa"), (2, "bc")], test=[(3, "ddd"), (4, "e")])
    assert faults == ()
    assert note.startswith("toy: 3 frames of 2 tracklets are the same picture as an earlier frame of their tracklet")
    assert "such as train/0/1.jpg and train/0/0.jpg. A still camera gives such frames" in note


def one(paths, texts):
    """A data set of one tracklet."""
    split = Split((Tracklet(paths, 1, 1),), (), (), ())
    return find_shared_pictures(
        Dataset("toy", None, (split, split), "unverified"), list(texts), np.array([*texts.values()], np.uint64)
    )


def test_a_frame_that_is_listed_twice_is_noted_once_for_all_splits():
    faults, [note] = one(("a.jpg", "b.jpg", "a.jpg"), {"a.jpg": 1, "b.jpg": 2})
    assert faults == ()
    assert note.startswith("toy: 1 frames of 1 tracklets are the same picture as an earlier frame of their tracklet")
    assert "such as a.jpg, which is listed twice. A still" in note


def test_of_frames_that_cannot_be_read_nothing_is_said_and_of_the_others_all(tmp_path, monkeypatch):
    monkeypatch.setenv("VREID_CACHE", str(tmp_path / "cache"))
    for name, data in {"a.jpg": picture_of("one"), "b.jpg": picture_of("one"), "empty.jpg": b""}.items():
        (tmp_path / name).write_bytes(data)
    tracklets = (Tracklet(("a.jpg", "empty.jpg"), 1, 1), Tracklet(("b.jpg", "gone.jpg"), 2, 1))
    found = find_pictures(Dataset("toy", tmp_path, (Split((), tracklets, (0,), (0, 1)),), "unverified"))
    assert len(found.faults) == 1
    assert "such as b.jpg and a.jpg; scores are then too high" in found.faults[0]
    assert not (tmp_path / "cache").exists()  # only what is whole is kept


PARTS = st.lists(st.tuples(st.integers(-1, 2), st.integers(1, 2), st.lists(st.integers(0, 7), min_size=1, max_size=4)))


@given(PARTS, PARTS, st.lists(st.integers(0, 3), min_size=8, max_size=8))
def test_every_kind_is_found_exactly_where_a_loop_over_pairs_finds_it(train, test, pictures):
    """Eight frames with up to four pictures, in tracklets of three people and two cameras."""

    def tracklets(part):
        return tuple(Tracklet(tuple(f"{frame}.jpg" for frame in frames), pid, camid) for pid, camid, frames in part)

    def alike(one, other):
        return any(pictures[a] == pictures[b] for a in one[2] for b in other[2])

    split = Split(tracklets(train), tracklets(test), (), ())
    used = sorted({frame for _, _, frames in (*train, *test) for frame in frames})
    names, digests = [f"{frame}.jpg" for frame in used], np.array([pictures[frame] for frame in used], np.uint64)
    found = find_shared_pictures(Dataset("toy", None, (split,), "unverified"), names, digests)
    expected = {
        "one that is trained on": any(alike(a, b) for a in train for b in test),
        "another test tracklet": any(a[:2] != b[:2] and alike(a, b) for a, b in combinations(test, 2)),
        "another person": any(a[0] != b[0] and min(a[0], b[0]) > 0 and alike(a, b) for a, b in combinations(train, 2)),
    }
    for words, there in expected.items():
        assert any(words in fault for fault in found.faults) is there, words
    repeats = any(len({pictures[frame] for frame in frames}) < len(frames) for _, _, frames in (*train, *test))
    assert bool(found.notes) is repeats
