"""Frames of a video: in order, with its rate, by each decoder that is installed; and videos that cannot be read."""

from fractions import Fraction
from importlib.util import find_spec

import numpy as np
import pytest
from mot_tree import HEIGHT, WIDTH, picture, walk, write_text

from vreid_bench import InputError
from vreid_plugins.datasets.fault_report import stop
from vreid_plugins.datasets.mot import video
from vreid_plugins.datasets.mot.plan import Cutting, plan_tracklets
from vreid_plugins.datasets.mot.video import name_rate, read_frames, read_rate
from vreid_plugins.datasets.mot.writer import write_tracklets

INSTALLED = [module for module in video.DECODERS if find_spec(module)]
RATES = [Fraction(10), Fraction(25, 2)]


@pytest.fixture(params=INSTALLED or [pytest.param("none", marks=pytest.mark.skip("needs PyAV or OpenCV"))])
def decoder(request, monkeypatch):
    """Only this decoder is found."""
    monkeypatch.setattr(video, "DECODERS", {request.param: video.DECODERS[request.param]})
    return request.param


def write_video(path, frames=12, rate=Fraction(10)):
    """A video whose frames can be told apart, written by what is installed."""
    if "cv2" in INSTALLED:
        import cv2

        out = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), float(rate), (WIDTH, HEIGHT))
        assert out.isOpened()
        for number in range(1, frames + 1):
            out.write(np.ascontiguousarray(picture(number)[:, :, ::-1]))
        out.release()
        return path
    import av

    with av.open(str(path), "w") as container:
        stream = container.add_stream("mjpeg", rate=rate)
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuvj444p"
        for number in range(1, frames + 1):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture(number), format="rgb24")))
        container.mux(stream.encode())
    return path


def test_frames_come_in_order(decoder, tmp_path):
    found = list(read_frames(write_video(tmp_path / "a.avi")))
    assert len(found) == 12
    for number, frame in enumerate(found, start=1):
        assert frame.shape == (HEIGHT, WIDTH, 3)
        assert frame.dtype == np.uint8
        nearest = min(range(1, 13), key=lambda n: abs(frame.astype(int) - picture(n).astype(int)).mean())
        assert nearest == number
        assert abs(frame.astype(int) - picture(number).astype(int)).mean() < 8  # colours are not swapped


@pytest.mark.parametrize("rate", RATES)
def test_the_rate_is_exact(decoder, tmp_path, rate):
    assert read_rate(write_video(tmp_path / "a.avi", rate=rate)) == rate


@pytest.mark.parametrize(
    ("decimal", "rate"),
    [(25.0, 25), (12.5, Fraction(25, 2)), (29.97002997002997, Fraction(30000, 1001)), (29.97, Fraction(2997, 100)),
     (23.976023976023978, Fraction(24000, 1001)), (0.0, None), (-1.0, None)],
)  # fmt: skip
def test_a_decimal_rate_is_the_fraction_that_it_stands_for(decimal, rate):
    assert name_rate(decimal) == rate


@pytest.mark.parametrize("content", [b"", b"no video at all", b"RIFF\x10\0\0\0AVI LIST"])
def test_what_is_no_video_is_told(decoder, tmp_path, content):
    path = tmp_path / "a.avi"
    path.write_bytes(content)
    for read in (read_rate, lambda path: next(iter(read_frames(path)))):
        with pytest.raises(InputError, match=r"a\.avi cannot be read as a video \(.*\); copy it again") as caught:
            read(path)
        assert "\n" not in str(caught.value)


def test_without_a_decoder_the_extra_is_named(monkeypatch, tmp_path):
    monkeypatch.setattr(video, "DECODERS", {"no_such_module": "nothing"})
    with pytest.raises(InputError, match=r"install vreid-bench\[video\], or write the frames into a folder"):
        read_rate(tmp_path / "a.avi")


def test_tracklets_are_cut_out_of_a_video(decoder, tmp_path):
    (tmp_path / "tracks").mkdir()
    write_video(tmp_path / "tracks" / "yard.avi")
    write_text(tmp_path / "tracks" / "yard.txt", walk(1, range(2, 12)))
    plan = plan_tracklets(tmp_path / "tracks", Cutting(), stop)
    assert plan.sequences[0].fps == 10
    write_tracklets(tmp_path / "out", plan)
    assert len(list((tmp_path / "out" / "frames" / "yard" / "000001").iterdir())) == 10


def test_boxes_behind_the_end_of_the_video_are_told_and_nothing_is_left(decoder, tmp_path):
    (tmp_path / "tracks").mkdir()
    write_video(tmp_path / "tracks" / "yard.avi")
    write_text(tmp_path / "tracks" / "yard.txt", walk(1, range(5, 16)))
    plan = plan_tracklets(tmp_path / "tracks", Cutting(), stop)
    with pytest.raises(InputError, match=r"frame 13 has boxes, but .*yard\.avi ends after frame 12; name the video"):
        write_tracklets(tmp_path / "out", plan)
    assert [path.name for path in tmp_path.iterdir()] == ["tracks"]


def test_a_video_that_was_cut_short_is_told(decoder, tmp_path):
    (tmp_path / "tracks").mkdir()
    path = write_video(tmp_path / "tracks" / "yard.avi", frames=60)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    write_text(tmp_path / "tracks" / "yard.txt", walk(1, range(1, 61), step=0.5))
    with pytest.raises(InputError, match=r"yard\.avi (ends after frame \d+|cannot be read as a video)"):
        write_tracklets(tmp_path / "out", plan_tracklets(tmp_path / "tracks", Cutting(), stop))
