"""Frames in a page: small, the same as on disk, and only of the data that the run was tested on."""

import base64
import io
import shutil

import numpy as np
import pytest
from edited_run import allow_edits
from PIL import Image

from vreid_bench.records.data_roots import write_data_roots
from vreid_bench.reporting.page.run_data import read_run
from vreid_bench.reporting.page.run_frames import LARGEST, FrameFolder, embed_picture, open_frames
from vreid_bench.system.errors import InputError


def bytes_of(address):
    kind, _, data = address.partition(",")
    assert kind == "data:image/jpeg;base64"
    return base64.b64decode(data)


@pytest.mark.parametrize("size", [(64, 32), (128, 64), (480, 100), (50, 700), (1, 900), (1, 1)])
def test_a_picture_is_bounded_whatever_it_shows(size):
    noise = np.random.default_rng(0).integers(0, 256, (*size, 3), np.uint8)
    data = bytes_of(embed_picture(noise))
    assert len(data) <= LARGEST
    width, height = Image.open(io.BytesIO(data)).size
    scale = min(1, 128 / max(size))
    assert (height, width) == (max(1, round(size[0] * scale)), max(1, round(size[1] * scale)))


def test_a_picture_shows_the_frame():
    frame = np.zeros((64, 32, 3), np.uint8)
    frame[:32] = (200, 30, 30)
    found = np.asarray(Image.open(io.BytesIO(bytes_of(embed_picture(frame)))), int)
    assert np.abs(found - frame)[:24].mean() < 6
    assert np.abs(found - frame)[40:].mean() < 6


def test_frames_are_spread_over_the_tracklet(tmp_path):
    frames = FrameFolder(tmp_path, {"a/1": [f"a/{n}" for n in range(1, 12)], "b/1": ["b/1", "b/2"]})
    assert frames.list_frames("a/1", 6) == [(n, 11, f"a/{n}") for n in (1, 3, 5, 7, 9, 11)]
    assert frames.list_frames("a/1", 1) == [(6, 11, "a/6")]
    assert frames.list_frames("b/1", 6) == [(1, 2, "b/1"), (2, 2, "b/2")]
    assert frames.list_frames("a/5", 6) == [(1, 1, "a/5")]  # a part of a tracklet, by its name


@pytest.fixture
def run(finished_run, tiny_mars, tmp_path):
    """The finished run, on a copy of its data; that copy."""
    data = tmp_path / "data" / "mars"
    shutil.copytree(tiny_mars, data)
    write_data_roots(finished_run, {"mars": data})
    return finished_run, data


def open_run(folder, data=None):
    return open_frames(read_run(folder, folder.parent), data, (), quiet=True)


def test_the_frames_are_those_of_the_run(run, tiny_mars):
    folder, data = run
    found = open_run(folder)
    assert found.root == data
    names = read_run(folder, folder.parent).queries.names["tracklet"]
    assert all(name in found.frames for name in names)
    assert open_run(folder, tiny_mars).root == tiny_mars


def test_data_that_is_gone_is_told_in_a_sentence(run):
    folder, data = run
    shutil.rmtree(data)
    with pytest.raises(InputError, match=r"mars: the run used this copy of mars, which is gone; .* --no-images$"):
        open_run(folder)
    (folder / "data.json").unlink()
    with pytest.raises(InputError, match=r"does not say where its mars data was; name it with --data, .* --no-images$"):
        open_run(folder)


def test_other_pictures_and_other_lists_are_told_in_a_sentence(run):
    folder, data = run
    frame = sorted((data / "bbox_test").rglob("*.jpg"))[0]
    frame.write_bytes(sorted((data / "bbox_train").rglob("*.jpg"))[0].read_bytes())
    with pytest.raises(InputError, match=r"has other pictures than the run was tested on; .* --no-images$"):
        open_run(folder)
    record = folder / "record.json"
    fingerprint = read_run(folder, folder.parent).record.dataset.fingerprint
    record.write_text(record.read_text().replace(fingerprint, "0" * 64))
    allow_edits(record.parent)
    with pytest.raises(InputError, match=r"lists other tracklets of mars than the run was tested on; .* --no-images$"):
        open_run(folder)


def test_a_frame_that_cannot_be_read_is_told_in_a_sentence(tmp_path):
    (tmp_path / "a.jpg").write_bytes(b"no picture")
    with pytest.raises(InputError, match=r"a\.jpg cannot be decoded .*; or write the page without pictures"):
        FrameFolder(tmp_path, {}).picture("a.jpg")
