"""The twin of MARS: its index files, its quirks, and reading it back."""

import json
from pathlib import Path

import numpy as np
import pytest
import simplejpeg
from scipy.io import loadmat

from vreid_bench import DISTRACTOR, InputError
from vreid_plugins.datasets.ilids_vid.reader import IlidsVid
from vreid_plugins.datasets.mars.reader import Mars
from vreid_plugins.datasets.mars.twin import plan
from vreid_plugins.synthetic import FLAGS, World, render


def index(root: Path, name: str, key: str) -> np.ndarray:
    return loadmat(root / "info" / f"{name}.mat")[key]


def test_synthesize_refuses_cameras_that_mars_cannot_have(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="a MARS twin has 2 to 1999 identities and 2 to 6 cameras, not 120 and 7"):
        Mars().synthesize(tmp_path / "new", cameras=7)
    assert not (tmp_path / "new").exists()


def test_a_twin_is_read_back_and_verifies_without_any_problem(tiny_mars: Path) -> None:
    dataset = Mars().read(tiny_mars)
    assert dataset.source == "synthetic"
    assert dataset.notes == ()
    assert Mars().verify(tiny_mars, decode=True).problems == ()


def test_mars_index_files_have_the_types_and_rules_of_the_original(tiny_mars: Path) -> None:
    train = index(tiny_mars, "tracks_train_info", "track_train_info")
    test = index(tiny_mars, "tracks_test_info", "track_test_info")
    query = index(tiny_mars, "query_IDX", "query_IDX")
    assert (train.dtype, test.dtype, query.dtype) == (np.int32, np.int32, np.uint16)
    assert query.shape[0] == 1
    for part, rows in (("train", train), ("test", test)):
        names = (tiny_mars / "info" / f"{part}_name.txt").read_text().split()
        assert np.array_equal(rows[1:, 0], rows[:-1, 1] + 1)
        assert (rows[0, 0], rows[-1, 1]) == (1, len(names))
        for first, last, pid, camera in rows.tolist():
            person = "00-1" if pid == -1 else f"{pid:04d}"
            track = names[first - 1][6:11]
            expected = [f"{person}C{camera}{track}F{frame:03d}.jpg" for frame in range(1, last - first + 2)]
            assert names[first - 1 : last] == expected
        on_disk = {path.name for path in (tiny_mars / f"bbox_{part}").rglob("*") if path.is_file()}
        assert on_disk == set(names)
        assert len(names) == len(on_disk)
        assert all((tiny_mars / f"bbox_{part}" / name[:4] / name).is_file() for name in names)
    assert not set(train[:, 2]) & set(test[:, 2])
    assert {-1, 0} <= set(test[:, 2])
    assert train[:, 2].min() > 0


def test_mars_asks_once_for_each_person_and_camera_that_another_camera_can_answer(tiny_mars: Path) -> None:
    test = index(tiny_mars, "tracks_test_info", "track_test_info")
    query = index(tiny_mars, "query_IDX", "query_IDX")[0].astype(int)
    assert np.all(np.diff(query) > 0)
    asked = [tuple(row) for row in test[query - 1, 2:].tolist()]
    people = {tuple(row) for row in test[:, 2:].tolist() if row[0] > 0}
    cameras = {pid: sum(p == pid for p, _ in people) for pid, _ in people}
    assert len(asked) == len(set(asked))
    assert set(asked) == {(pid, camera) for pid, camera in people if cameras[pid] > 1}


def test_the_default_twin_has_the_quirks_of_mars() -> None:
    planned = plan()
    specs = [job.spec for job in planned.jobs]
    assert sum(spec.frames for spec in specs) <= 60_000
    lengths = np.array([spec.frames for spec in specs])
    assert lengths.min() == 1
    assert (lengths < 4).sum() == 3
    assert 0 < (lengths < 8).mean() < 0.3  # short, so that many people are rendered soon
    expected = planned.expected
    assert expected["query_identities"] < expected["test_identities"] == 360
    assert expected["cameras"] == 6
    assert 0.2 < expected["distractors"] / expected["test_tracklets"] < 0.3
    assert 0.05 < expected["junk"] / expected["test_tracklets"] < 0.09
    assert expected["train_identities"] == 120


def test_some_mars_queries_lose_their_match_with_the_queries_out_of_the_gallery(tmp_path: Path) -> None:
    planned = plan(World())
    for name in ("tracks_test_info", "query_IDX"):
        (tmp_path / f"{name}.mat").write_bytes(planned.files[f"info/{name}.mat"])
    rows = loadmat(tmp_path / "tracks_test_info.mat")["track_test_info"]
    query = loadmat(tmp_path / "query_IDX.mat")["query_IDX"][0].astype(int) - 1
    left = np.delete(rows, query, axis=0)
    matched = [((left[:, 2] == pid) & (left[:, 3] != camera)).any() for pid, camera in rows[query, 2:]]
    assert 0.03 < 1 - np.mean(matched) < 0.2
    whole = [((rows[:, 2] == pid) & (rows[:, 3] != camera)).any() for pid, camera in rows[query, 2:]]
    assert all(whole)


def test_the_description_counts_what_is_on_disk(tiny_mars: Path) -> None:
    facts = json.loads((tiny_mars / "synthetic.json").read_text())
    train = index(tiny_mars, "tracks_train_info", "track_train_info")
    test = index(tiny_mars, "tracks_test_info", "track_test_info")
    query = index(tiny_mars, "query_IDX", "query_IDX")[0].astype(int)
    assert facts["expected"] == {
        "cameras": len(set(train[:, 3]) | set(test[:, 3])),
        "distractors": int((test[:, 2] == 0).sum()),
        "junk": int((test[:, 2] == -1).sum()),
        "queries": len(query),
        "query_identities": len(set(test[query - 1, 2])),
        "test_frames": len(list((tiny_mars / "bbox_test").rglob("*.jpg"))),
        "test_identities": len(set(test[test[:, 2] > 0, 2])),
        "test_tracklets": len(test),
        "train_frames": len(list((tiny_mars / "bbox_train").rglob("*.jpg"))),
        "train_identities": len(set(train[:, 2])),
        "train_tracklets": len(train),
    }
    assert (facts["schema"], facts["layout"]) == (1, "mars")
    assert facts["world_hash"] == World(**facts["world"]).hash


def test_annotations_and_frames_follow_the_order_of_the_names(tiny_mars: Path) -> None:
    facts = json.loads((tiny_mars / "synthetic.json").read_text())
    world = World(**facts["world"])
    planned = plan(world, ids=10)
    with np.load(tiny_mars / "annotations.npz") as stored:
        visibility, flags, names = stored["visibility"], stored["flags"], stored["flag_names"].tolist()
    frames = facts["expected"]["train_frames"] + facts["expected"]["test_frames"]
    assert visibility.shape == (frames,)
    assert flags.shape == (frames, 6)
    assert tuple(names) == FLAGS
    job = planned.jobs[20]
    start = sum(len(earlier.paths) for earlier in planned.jobs[:20])
    rendered = render(world, job.spec)
    assert np.array_equal(visibility[start : start + len(job.paths)], rendered.visibility)
    decoded = simplejpeg.decode_jpeg((tiny_mars / job.paths[0]).read_bytes())
    assert decoded.shape == (32, 16, 3)
    assert np.abs(decoded.astype(int) - rendered.frames[0]).mean() < 6


@pytest.mark.parametrize(("ids", "cameras"), [(1, 6), (2000, 6), (4, 1), (4, 10)])
def test_numbers_that_do_not_fit_into_mars_names_are_refused(tmp_path: Path, ids: int, cameras: int) -> None:
    with pytest.raises(InputError, match="identities"):
        Mars().synthesize(tmp_path / "mars", ids=ids, cameras=cameras)
    assert not any(tmp_path.iterdir())


def test_a_twin_with_unlabelled_tracklets_offers_them_for_training(tmp_path: Path) -> None:
    """One tracklet each of other people, with pid 0; everything else of the twin stays as it is."""
    plain, more = plan(World.appearance(), 4), plan(World.appearance(), 4, unlabelled=3)
    others = [job for job in more.jobs if job not in plain.jobs]
    assert len(others) == 3
    assert [job for job in more.jobs if job in plain.jobs] == list(plain.jobs)
    assert all(path.startswith("bbox_train/0000/0000C") for job in others for path in job.paths)
    assert len({job.spec.identity for job in others} - {job.spec.identity for job in plain.jobs}) == 3
    assert "unlabelled_train_tracklets" not in plain.expected
    assert {**more.expected, "unlabelled_train_tracklets": 0} != {**plain.expected, "unlabelled_train_tracklets": 0}

    small = {"ids": 2, "cameras": 2, "size": (32, 16), "workers": 1, "progress": False}
    Mars().synthesize(tmp_path / "mars", unlabelled=3, **small)
    dataset = Mars().read(tmp_path / "mars")
    pids = [tracklet.pid for tracklet in dataset.splits[0].train]
    assert pids.count(DISTRACTOR) == 3
    assert len({pid for pid in pids if pid > DISTRACTOR}) == 2
    check = Mars().verify(tmp_path / "mars")
    assert check.problems == ()
    counts = {count.what: (count.found, count.published) for count in check.counts}
    assert counts["unlabelled train tracklets"] == (3, 3)
    assert counts["train identities"] == (2, 2)


def test_a_layout_without_a_place_for_unlabelled_tracklets_refuses_them(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"takes no number of unlabelled tracklets; leave it out, or choose .* mars"):
        IlidsVid().synthesize(tmp_path / "new", ids=2, unlabelled=3)
    assert not (tmp_path / "new").exists()
