"""Writing tracklets: crops and list, resuming after a kill, and nothing half-written."""

import csv
import json

import numpy as np
import pytest
from mot_tree import line, picture, walk, write_sequence
from PIL import Image

from vreid_bench import InputError
from vreid_plugins.datasets.fault_report import stop
from vreid_plugins.datasets.mot import writer
from vreid_plugins.datasets.mot.plan import Cutting, plan_tracklets
from vreid_plugins.datasets.mot.writer import write_tracklets
from vreid_plugins.datasets.tracklets.index import load
from vreid_plugins.datasets.tracklets.reader import Tracklets


@pytest.fixture
def tracks(tmp_path):
    """Two sequences of 12 frames at 10 frames per second."""
    root = tmp_path / "tracks"
    write_sequence(root, "door", walk(1, range(1, 11)) + walk(2, range(3, 13), y=20))
    write_sequence(root, "hall", walk(1, range(1, 13), step=2))
    return root


def files(root):
    return {str(path.relative_to(root)): path.read_bytes() for path in sorted(root.rglob("*")) if path.is_file()}


def test_crops_are_the_pixels_of_the_boxes(tracks, tmp_path):
    write_tracklets(tmp_path / "out", plan_tracklets(tracks, Cutting(), stop))
    folder = tmp_path / "out" / "frames" / "door" / "000002"
    assert sorted(path.name for path in folder.iterdir()) == [f"{n:06d}.jpg" for n in range(3, 13)]
    for number in (3, 12):
        crop = np.asarray(Image.open(folder / f"{number:06d}.jpg")).astype(int)
        # the box is at (1 + n - 1, 20), 10 x 20, counted from 1
        expected = picture(number)[19:39, number - 1 : number + 9].astype(int)
        assert crop.shape == expected.shape
        assert abs(crop - expected).max() <= 6  # of JPEG


def test_the_list_has_a_row_for_each_tracklet(tracks, tmp_path):
    write_tracklets(tmp_path / "out", plan_tracklets(tracks, Cutting(), stop))
    rows = list(csv.reader((tmp_path / "out" / "tracklets.csv").open()))
    assert rows == [
        ["split", "pid", "camid", "frames", "fps"],
        ["gallery", "door-1", "door", "frames/door/000001", "10"],
        ["gallery", "door-2", "door", "frames/door/000002", "10"],
        ["gallery", "hall-1", "hall", "frames/hall/000001", "10"],
    ]
    note = json.loads((tmp_path / "out" / "tracks.json").read_text())
    assert note["counts"]["crops"] == 32
    assert note["frames_read_by"] == {"door": "images", "hall": "images"}
    assert not (tmp_path / "out" / ".journal").exists()


def test_pieces_of_a_track_are_a_query_and_a_gallery_that_tracklets_reads(tracks, tmp_path):
    write_tracklets(tmp_path / "out", plan_tracklets(tracks, Cutting(seconds=0.5, least=5), stop))
    (split,) = Tracklets().read(tmp_path / "out").splits
    shown = [(t.person, t.camera, len(t.frames), t.attribute("fps")) for t in split.test]
    assert shown == [
        ("door-1", "door", 5, "10"),
        ("door-1", "door", 5, "10"),
        ("door-2", "door", 5, "10"),
        ("door-2", "door", 5, "10"),
        ("hall-1", "hall", 5, "10"),
        ("hall-1", "hall", 5, "10"),
    ]
    assert split.query == (0, 2, 4)


def test_tracklets_for_training(tracks, tmp_path):
    write_tracklets(tmp_path / "out", plan_tracklets(tracks, Cutting(train=True), stop))
    rows = list(csv.DictReader((tmp_path / "out" / "tracklets.csv").open()))
    assert {row["split"] for row in rows} == {"train"}


def test_a_killed_writer_goes_on_and_writes_the_same(tracks, tmp_path, monkeypatch):
    plan = plan_tracklets(tracks, Cutting(), stop)
    write_tracklets(tmp_path / "whole", plan)
    written = []

    def kill(partial, sequence):
        written.append(sequence.source.name)
        yield from once(partial, sequence)
        if sequence.source.name == "hall":
            raise KeyboardInterrupt

    once = writer.write_sequence
    monkeypatch.setattr(writer, "write_sequence", kill)
    with pytest.raises(KeyboardInterrupt):
        write_tracklets(tmp_path / "out", plan)
    assert not (tmp_path / "out").exists()
    monkeypatch.setattr(writer, "write_sequence", lambda *given: written.append("again") or once(*given))
    write_tracklets(tmp_path / "out", plan)
    assert written == ["door", "hall", "again"]  # the finished sequence is kept
    assert files(tmp_path / "out") == files(tmp_path / "whole")
    assert not (tmp_path / "out.partial").exists()


def test_what_another_plan_left_is_removed(tracks, tmp_path, monkeypatch):
    def kill(*_):
        yield 1
        raise KeyboardInterrupt

    plan = plan_tracklets(tracks, Cutting(), stop)
    with monkeypatch.context() as patch:
        patch.setattr(writer, "write_sequence", kill)
        with pytest.raises(KeyboardInterrupt):
            write_tracklets(tmp_path / "out", plan)
    (tmp_path / "out.partial" / "frames" / "old").mkdir(parents=True)
    plan = plan_tracklets(tracks, Cutting(least=12), stop)
    write_tracklets(tmp_path / "out", plan)
    write_tracklets(tmp_path / "clean", plan)
    assert files(tmp_path / "out") == files(tmp_path / "clean")
    assert not (tmp_path / "out" / "frames" / "old").exists()


def test_after_a_fault_nothing_is_left(tracks, tmp_path):
    plan = plan_tracklets(tracks, Cutting(), stop)
    (tracks / "hall" / "img1" / "000012.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    with pytest.raises(InputError, match=r"hall/img1/000012\.png cannot be decoded"):
        write_tracklets(tmp_path / "out", plan)
    assert not (tmp_path / "out").exists()
    assert not (tmp_path / "out.partial").exists()


def test_frames_of_different_sizes_are_told(tracks, tmp_path):
    Image.new("RGB", (32, 48)).save(tracks / "hall" / "img1" / "000007.png")
    with pytest.raises(InputError, match=r"frame 7 has 48 x 32 pixels, expected 48 x 64 as in the first frame"):
        write_tracklets(tmp_path / "out", plan_tracklets(tracks, Cutting(), stop))


def test_a_folder_with_files_is_kept(tracks, tmp_path):
    plan = plan_tracklets(tracks, Cutting(), stop)
    for name in ("out", "other.partial"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "mine.txt").write_text("mine")
    with pytest.raises(InputError, match="out is not an empty folder; name a new one"):
        write_tracklets(tmp_path / "out", plan)
    with pytest.raises(InputError, match=r"other\.partial holds files of unknown origin"):
        write_tracklets(tmp_path / "other", plan)
    assert (tmp_path / "other.partial" / "mine.txt").read_text() == "mine"


def test_a_kill_before_the_folder_has_its_name_needs_no_clean_up(tracks, tmp_path):
    plan = plan_tracklets(tracks, Cutting(), stop)
    write_tracklets(tmp_path / "out", plan)
    write_tracklets(tmp_path / "out", plan)  # killed after it: the folder is there
    (tmp_path / "out").rename(tmp_path / "out.partial")  # killed before it: the journal is gone, the name is not given
    write_tracklets(tmp_path / "out", plan)
    assert not (tmp_path / "out.partial").exists()
    assert (tmp_path / "out" / "tracklets.csv").exists()


def test_names_with_signs_of_csv_and_of_patterns(tmp_path):
    name = 'a, "b" [1]'
    write_sequence(tmp_path / "tracks", name, [line(n, 4, (1, 1, 9, 9)) for n in range(1, 9)])
    write_tracklets(tmp_path / "out", plan_tracklets(tmp_path / "tracks", Cutting(train=True), stop))

    (row,) = load(tmp_path / "out", stop, roles=False)
    assert (row.pid, row.camid, len(row.frames)) == (f"{name}-4", name, 8)
