"""The data set `mot`: crops made once from tracks, or read from a folder; its check; and `data from-tracks`."""

import json
import re

import pytest
from click.testing import CliRunner
from mot_tree import line, walk, write_sequence

from vreid_bench import InputError
from vreid_bench.cli.main import main
from vreid_bench.contracts.dataset import CheckingReader, CuttingReader, DatasetReader
from vreid_bench.planning.dataset_check import check_dataset
from vreid_bench.registry.registry import Registry
from vreid_plugins.datasets.mot import reader
from vreid_plugins.datasets.mot.reader import Mot


@pytest.fixture
def tracks(tmp_path, monkeypatch):
    """Two sequences of 40 frames at 10 frames per second, and a cache of their own."""
    monkeypatch.setenv("VREID_CACHE", str(tmp_path / "cache"))
    root = tmp_path / "tracks"
    write_sequence(root, "door", walk(1, range(1, 41)) + walk(2, range(3, 39), y=20), frames=40)
    write_sequence(root, "hall", walk(1, range(1, 41), step=0.5, size=(12, 18)), frames=40)
    return root


def test_mot_is_a_reader_that_checks_and_cuts():
    assert all(isinstance(Mot(), kind) for kind in (DatasetReader, CheckingReader, CuttingReader))
    assert isinstance(reader.vreid_datasets()["mot"], Mot)


def test_tracks_are_people_and_sequences_are_cameras(tracks):
    dataset = Mot().read(tracks)
    (split,) = dataset.splits
    assert dataset.name == "mot"
    assert dataset.label == "tracks"
    assert [(t.person, t.camera, t.pid, t.camid, len(t.frames)) for t in split.test] == [
        ("door-1", "door", 1, 1, 40),
        ("door-2", "door", 2, 1, 36),
        ("hall-1", "hall", 3, 2, 40),
    ]
    assert split.test[1].frames[0] == "frames/door/000002/000003.jpg"
    assert {t.attributes for t in split.test} == {(("fps", "10"),)}
    assert split.query == split.gallery == (0, 1, 2)
    assert all((dataset.root / frame).is_file() for t in split.test for frame in t.frames)


def test_crops_are_made_once_and_again_where_the_tracks_changed(tracks):
    first = Mot().read(tracks)
    times = {path: path.stat().st_mtime_ns for path in first.root.rglob("*.jpg")}
    assert Mot().read(tracks).root == first.root
    assert {path: path.stat().st_mtime_ns for path in first.root.rglob("*.jpg")} == times
    with (tracks / "hall.txt").open("a") as text:
        text.writelines(f"{line(n, 9, (2, 2, 20, 30))}\n" for n in range(1, 20))
    again = Mot().read(tracks)
    assert again.root != first.root
    assert len(again.splits[0].test) == 4
    assert again.fingerprint != first.fingerprint


def test_another_rate_is_another_data_set(tracks):
    first = Mot().read(tracks).fingerprint
    for name in ("door", "hall"):
        info = tracks / name / "seqinfo.ini"
        info.write_text(info.read_text().replace("=10", "=20"))
    assert Mot().read(tracks).fingerprint != first


def test_a_cut_folder_is_the_same_data_set(tracks, tmp_path):
    counts = Mot().cut(tracks, tmp_path / "out")
    assert counts["tracklets"] == 3
    one, other = Mot().read(tracks), Mot().read(tmp_path / "out")
    assert one.splits == other.splits
    assert one.fingerprint == other.fingerprint
    assert other.root == tmp_path / "out"
    assert Mot().verify(tmp_path / "out") == Mot().verify(tracks)


def test_verify_counts_what_is_left_out_and_names_every_fault(tracks):
    registry = Registry.installed()
    check = check_dataset(registry, "mot", tracks, decode=True)
    found = {count.what: count.found for count in check.counts}
    assert check.problems == ()
    assert found["boxes"] == 116
    assert found["crops"] == found["frames on disk"] == 116
    assert found["tracklets shorter than 8 frames"] == 0
    assert any("under protocol 'reassociation' is wanted" in note for note in check.notes)  # 5 and 10 s
    with (tracks / "hall.txt").open("a") as text:
        text.write("40,1,1,1,5,5,1,-1,-1,-1\n99,1,1,1,5,5,1,-1,-1,-1\nx\n")
    problems = check_dataset(registry, "mot", tracks, decode=False).problems
    assert len(problems) == len(set(problems)) == 3
    assert all(str(tracks / "hall.txt") in problem for problem in problems)


def test_a_damaged_note_is_told(tracks, tmp_path):
    Mot().cut(tracks, tmp_path / "out")
    (tmp_path / "out" / "tracks.json").write_text("{}")
    (problem,) = Mot().verify(tmp_path / "out").problems
    assert "tracks.json cannot be read (KeyError" in problem
    assert len(Mot().read(tmp_path / "out").splits[0].test) == 3


def test_a_cache_that_cannot_be_written_is_told(tracks, monkeypatch):
    monkeypatch.setenv("VREID_CACHE", str(tracks / "hall.txt"))  # a file
    with pytest.raises(InputError, match=r"the crops cannot be written \(Not a directory\); free space there, or name"):
        Mot().read(tracks)


def test_a_lost_crop_is_told(tracks, tmp_path):
    out = tmp_path / "out"
    Mot().cut(tracks, out)
    (out / "frames" / "door" / "000001" / "000007.jpg").unlink()
    (problem,) = Mot().verify(out).problems
    assert problem == f"{out} has 115 crops, expected 116 as tracks.json says; cut the tracklets again."


def test_a_rate_that_is_no_number_is_told(tracks, tmp_path):
    with pytest.raises(InputError, match=r"--fps 'fast': expected frames per second such as 25, 29\.97 or 30000/1001"):
        Mot().cut(tracks, tmp_path / "out", fps="fast")


def run(*arguments):
    return CliRunner().invoke(main, ["data", *map(str, arguments)])


def test_from_tracks_writes_and_says_what_was_counted(tracks, tmp_path):
    out = tmp_path / "out"
    result = run("from-tracks", tracks, out, "--fps", "25/2", "--min-frames", "40", "--cut", "3.2", "-q")
    assert result.exit_code == 0, result.output
    assert re.search(r"^tracklets shorter than 40 frames +1$", result.output, re.MULTILINE)
    assert f"`vreid-bench data verify mot --data {out}` checks it" in result.output
    note = json.loads((out / "tracks.json").read_text())
    assert (note["min_frames"], note["cut_seconds"]) == (40, 3.2)
    assert (out / "tracklets.csv").read_text().count(",25/2\n") == 2


def test_from_tracks_refuses_in_one_sentence_and_writes_nothing(tracks, tmp_path):
    before = sorted(path.name for path in tmp_path.iterdir())
    (tracks / "hall.txt").write_text("1,2,3\n")
    result = run("from-tracks", tracks, tmp_path / "out")
    assert result.exit_code == 2
    assert "hall.txt, line 1: has 3 columns, expected 6 to 10" in result.output
    assert result.output.count("\n") == 1
    result = run("from-tracks", tracks, tmp_path / "out", "--layout", "mars")
    assert (result.exit_code, "--layout mars: its reader cuts no tracklets" in result.output) == (2, True)
    assert sorted(path.name for path in tmp_path.iterdir()) == before
