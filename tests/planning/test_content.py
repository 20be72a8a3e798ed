"""The hash over the frames of a data set: what it covers, and when the frames are read again."""

from __future__ import annotations

import hashlib
import io
import json
import os
import threading
from dataclasses import replace
from pathlib import PurePosixPath

import pytest
from picture_files import picture_of
from PIL import Image

from vreid_bench.contracts.dataset import Dataset, Split, Tracklet
from vreid_bench.modeling.frames import FORMATS
from vreid_bench.planning import content
from vreid_bench.planning.content import find_decay, read_content
from vreid_bench.planning.frame_faults import find_frame_faults
from vreid_bench.system.errors import InputError

FRAMES = ("a/1.jpg", "a/2.jpg", "b/1.jpg")


@pytest.fixture
def copy(tmp_path):
    """Write a copy of a data set with three frames into a folder of that name."""

    def write(name):
        for frame in FRAMES:
            (tmp_path / name / frame).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name / frame).write_bytes(picture_of(frame))
        (tmp_path / name / "readme.txt").write_text("no frame")
        split = Split((Tracklet(FRAMES[:2], 1, 1),), (Tracklet(FRAMES[2:], 2, 1),), (0,), (0,))
        return Dataset("toy", tmp_path / name, (split, split), "unverified")

    return write


def sha256_of(*arguments, **options):
    return read_content(*arguments, **options).sha256


def by_hand(files):
    hashes = (f"{path}\0".encode() + hashlib.sha256(data).digest() for path, data in sorted(files.items()))
    return hashlib.sha256(b"".join(hashes)).hexdigest()


def test_it_is_the_hash_of_paths_and_bytes_of_all_frames(copy, tmp_path):
    dataset = copy("own")
    assert sha256_of(dataset, tmp_path) == by_hand({frame: picture_of(frame) for frame in FRAMES})
    assert sha256_of(copy("other"), tmp_path) == sha256_of(dataset, tmp_path)


def test_many_frames_are_hashed_in_order_of_their_paths(copy, tmp_path, monkeypatch):
    monkeypatch.setattr(content, "CHUNK", 2)
    assert sha256_of(copy("own"), tmp_path) == by_hand({frame: picture_of(frame) for frame in FRAMES})


def test_frames_are_read_at_the_same_time_and_a_bar_counts_them(copy, tmp_path, monkeypatch, capsys):
    together, digest = threading.Barrier(len(FRAMES)), content._digest

    def meet(root, frames):
        together.wait(timeout=60)  # for ever, if one chunk waited for another
        return digest(root, frames)

    monkeypatch.setattr(content, "CHUNK", 1)
    monkeypatch.setattr(content, "_digest", meet)
    sha256_of(copy("own"), tmp_path)
    assert "hash frames: " in capsys.readouterr().err
    sha256_of(copy("own"), tmp_path / "another cache", quiet=True)
    assert capsys.readouterr().err == ""


def test_frames_are_read_again_only_where_a_file_changed(copy, tmp_path, monkeypatch):
    read = []
    digest = content._digest
    monkeypatch.setattr(content, "_digest", lambda root, frames: read.append(frames) or digest(root, frames))
    dataset = copy("own")
    before = sha256_of(dataset, tmp_path)
    (dataset.root / "readme.txt").write_text("changed")
    assert sha256_of(dataset, tmp_path) == before
    assert len(read) == 1
    (dataset.root / FRAMES[0]).write_bytes(picture_of("A/1.jpg"))  # as many bytes
    os.utime(dataset.root / FRAMES[0], ns=(1, 1))
    assert sha256_of(dataset, tmp_path) == by_hand(
        {f: picture_of(f) for f in FRAMES} | {FRAMES[0]: picture_of("A/1.jpg")}
    )
    assert len(read) == 2


@pytest.mark.parametrize("damage", [b"", b"[1]", b"\xff", b'{"a": 1}'])
def test_a_damaged_cache_is_written_again(copy, tmp_path, damage):
    dataset = copy("own")
    before = sha256_of(dataset, tmp_path)
    [file] = (tmp_path / "content").iterdir()
    file.write_bytes(damage)
    assert sha256_of(dataset, tmp_path) == before
    assert list(json.loads(file.read_bytes()).values()) == [[before, [], []]]


def test_a_frame_that_is_missing_is_named(copy, tmp_path):
    dataset = copy("own")
    (dataset.root / FRAMES[1]).unlink()
    with pytest.raises(InputError, match=r"own/a/2\.jpg: cannot be read \(No such file or directory\); restore"):
        sha256_of(dataset, tmp_path)


@pytest.mark.parametrize(
    ("base", "words"),
    [
        ("", "such as 'own/a/1.jpg', which is there as 'a/1.jpg'; expected paths relative to the folder that `read"),
        ("x/y", "such as 'x/y/own/a/1.jpg', which is there as 'a/1.jpg'"),
        (None, "such as 'q-a/1.jpg'; expected paths relative to the folder that `read(root)` is given; write str(path"),
    ],
)
def test_frames_that_are_named_from_another_folder_are_not_called_lost(copy, tmp_path, base, words):
    dataset = copy("own")
    names = [f"q-{name}" if base is None else str(PurePosixPath(base, "own", name)) for name in FRAMES]
    split = Split((Tracklet(tuple(names), 1, 1),), (), (), ())
    dataset = replace(dataset, splits=(split,))
    sentence = f"{dataset.root}: none of the 3 listed frames is in this folder, {words}"
    with pytest.raises(InputError) as told:
        sha256_of(dataset, tmp_path)
    assert str(told.value).startswith(sentence)
    assert find_frame_faults(dataset, False) == (0, [str(told.value)])


def test_a_run_warns_and_its_record_has_the_note(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("VREID_CACHE", str(tmp_path / "cache"))
    for frame in ("train/0/0.jpg", "test/1/0.jpg", "test/1/1.jpg"):
        (tmp_path / "set" / frame).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "set" / frame).write_bytes(picture_of("a"))
    split = Split(
        (Tracklet(("train/0/0.jpg",), 1, 0),), (Tracklet(("test/1/0.jpg", "test/1/1.jpg"), 3, 1),), (0,), (0,)
    )
    dataset = Dataset("toy", tmp_path / "set", (split,), "unverified", notes=("private",))
    found = content.add_content({"toy": dataset})["toy"]
    assert found.notes[0] == "private"
    assert "the same picture as one that is trained on" in found.notes[1]
    assert len(found.notes) == 2  # a still camera is no matter of the record
    told = capsys.readouterr().err
    assert f"warning: {found.notes[1]}" in told
    assert "note: toy: 1 frames of 1 tracklets are the same picture as an earlier frame of their tracklet" in told


@pytest.mark.parametrize("data", [b"<html>404</html>", b"GIF89a", b"%!PS-Adobe", b"\x00" * 40])
def test_a_file_that_is_no_picture_stops_before_training_and_the_advice_names_the_data(copy, tmp_path, data):
    dataset = copy("own")
    path = dataset.root / FRAMES[1]
    path.write_bytes(data)
    with pytest.raises(InputError) as told:
        read_content(dataset, tmp_path / "kept")
    assert str(told.value) == (
        f"frame {path} cannot be decoded (no image: expected JPEG, PNG, BMP, TIFF or WEBP); run `vreid-bench data "
        f"verify toy --data {dataset.root} --decode` to list every such file, then copy those files again."
    )


@pytest.mark.parametrize("kind", FORMATS)
def test_every_format_of_frames_is_taken(copy, tmp_path, kind):
    dataset, buffer = copy("own"), io.BytesIO()
    Image.new("RGB", (4, 6)).save(buffer, kind)
    (dataset.root / FRAMES[1]).write_bytes(buffer.getvalue())
    files = {frame: (dataset.root / frame).read_bytes() for frame in FRAMES}
    assert sha256_of(dataset, tmp_path) == by_hand(files)


def test_a_frame_that_decayed_is_found_where_all_are_read_again(copy, tmp_path):
    dataset = copy("own")
    assert find_decay(dataset, tmp_path) == ""  # nothing is known of before
    before = read_content(dataset, tmp_path)
    assert find_decay(dataset, tmp_path) == ""
    path = dataset.root / FRAMES[0]
    state, data = path.stat(), bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)
    os.utime(path, ns=(state.st_atime_ns, state.st_mtime_ns))
    assert read_content(dataset, tmp_path) == before  # a run does not read everything again
    assert "frames have changed since they were first read" in find_decay(dataset, tmp_path)
