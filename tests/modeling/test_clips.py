"""Every clip sampler by its closed form and its properties, reading frames, and the prefetcher."""

import struct
import threading
import time
import tracemalloc
import zlib
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import simplejpeg
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from vreid_bench.contracts.dataset import Tracklet
from vreid_bench.contracts.recipe import Clipping
from vreid_bench.modeling.clips import (
    DRAWS_CLIPS,
    SAMPLERS,
    check_clipping,
    clip_indices,
)
from vreid_bench.modeling.frames import decode, prefetch, read_clips, read_frame
from vreid_bench.system.errors import InputError


def evaluated(clipping: Clipping, length: int) -> list[list[int]]:
    """The clips of evaluation as lists."""
    return [clip.tolist() for clip in clip_indices(clipping, length, None)]


CLOSED_FORMS = [
    # consecutive: from the middle; several from the middles of equal parts
    (Clipping("consecutive", 4), 10, [[3, 4, 5, 6]]),
    (Clipping("consecutive", 4), 11, [[3, 4, 5, 6]]),
    (Clipping("consecutive", 4), 4, [[0, 1, 2, 3]]),
    (Clipping("consecutive", 2, clips=2), 10, [[2, 3], [6, 7]]),
    (Clipping("consecutive", 4), 3, [[0, 1, 2, 0]]),
    (Clipping("consecutive", 4, padding="last"), 3, [[0, 1, 2, 2]]),
    (Clipping("consecutive", 4, padding="drop"), 3, [[0, 1, 2, 0]]),
    # random-consecutive: where there is no choice
    (Clipping("random-consecutive", 4), 4, [[0, 1, 2, 3]]),
    (Clipping("random-consecutive", 4, clips=2), 3, [[0, 1, 2, 0], [0, 1, 2, 0]]),
    # evenly: torchreid's arange(0, n - n % T, n // T)
    (Clipping("evenly", 4), 8, [[0, 2, 4, 6]]),
    (Clipping("evenly", 4), 11, [[0, 2, 4, 6]]),
    (Clipping("evenly", 4), 12, [[0, 3, 6, 9]]),
    (Clipping("evenly", 4), 3, [[0, 1, 2, 2]]),
    (Clipping("evenly", 4), 1, [[0, 0, 0, 0]]),
    # uniform: starts spread over 0..n-T, overlapping where the tracklet is short
    (Clipping("uniform", 4, clips=3), 10, [[0, 1, 2, 3], [3, 4, 5, 6], [6, 7, 8, 9]]),
    (Clipping("uniform", 4, clips=3), 5, [[0, 1, 2, 3], [0, 1, 2, 3], [1, 2, 3, 4]]),
    (Clipping("uniform", 4), 10, [[3, 4, 5, 6]]),
    (Clipping("uniform", 4, clips=2), 2, [[0, 1, 0, 1], [0, 1, 0, 1]]),
    (Clipping("uniform", 4, clips=2, padding="last"), 2, [[0, 1, 1, 1], [0, 1, 1, 1]]),
    # all
    (Clipping("all", 0), 5, [[0, 1, 2, 3, 4]]),
    # dense: the last padded, dropped, overlapping, with gaps
    (Clipping("dense", 4), 8, [[0, 1, 2, 3], [4, 5, 6, 7]]),
    (Clipping("dense", 4), 10, [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9, 8, 9]]),
    (Clipping("dense", 4, padding="last"), 10, [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9, 9, 9]]),
    (Clipping("dense", 4, padding="drop"), 10, [[0, 1, 2, 3], [4, 5, 6, 7]]),
    (Clipping("dense", 4, padding="drop"), 3, [[0, 1, 2, 0]]),
    (Clipping("dense", 4, padding="last"), 3, [[0, 1, 2, 2]]),
    (Clipping("dense", 4, step=2), 8, [[0, 1, 2, 3], [2, 3, 4, 5], [4, 5, 6, 7]]),
    (Clipping("dense", 4, step=2), 9, [[0, 1, 2, 3], [2, 3, 4, 5], [4, 5, 6, 7], [6, 7, 8, 6]]),
    (Clipping("dense", 4, step=2, padding="drop"), 9, [[0, 1, 2, 3], [2, 3, 4, 5], [4, 5, 6, 7]]),
    (Clipping("dense", 2, step=3), 8, [[0, 1], [3, 4], [6, 7]]),
    (Clipping("dense", 2, step=3), 6, [[0, 1], [3, 4]]),
    # restricted-random: the first frame of each chunk of ceil(n / T), prolonged by the last frame
    (Clipping("restricted-random", 4), 8, [[0, 2, 4, 6]]),
    (Clipping("restricted-random", 4), 9, [[0, 3, 6, 8]]),
    (Clipping("restricted-random", 4), 3, [[0, 1, 2, 2]]),
    (Clipping("restricted-random", 8), 1, [[0] * 8]),
    # random: everything, where there is no choice
    (Clipping("random", 4), 4, [[0, 1, 2, 3]]),
    (Clipping("random", 3), 1, [[0, 0, 0]]),
]


@pytest.mark.parametrize(("clipping", "length", "expected"), CLOSED_FORMS)
def test_evaluation_clips_follow_their_closed_form(clipping: Clipping, length: int, expected: list[list[int]]) -> None:
    assert evaluated(clipping, length) == expected


def test_every_sampler_has_a_closed_form_here() -> None:
    assert {clipping.sampler for clipping, _, _ in CLOSED_FORMS} == set(SAMPLERS)


def test_evenly_is_the_formula_of_torchreid() -> None:
    for length in range(15, 100):
        kept = length - length % 15
        expected = np.arange(0, kept, kept / 15).astype(int)
        assert evaluated(Clipping("evenly", 15), length) == [expected.tolist()]


def test_random_consecutive_draws_its_starts_in_evaluation_too() -> None:
    """Table 1 of Matiyali & Sharma: `consec` is a random run; the middle, as of `consecutive`, would never vary."""
    starts = [evaluated(Clipping("random-consecutive", 4), length)[0][0] for length in range(40, 440)]
    shares = np.array(starts) / (np.arange(40, 440) - 4)
    assert 0 <= shares.min() < 0.02 < 0.98 < shares.max() <= 1
    assert shares.mean() == pytest.approx(0.5, abs=0.05)
    for length in (9, 40):
        clips = evaluated(Clipping("random-consecutive", 4, clips=300), length)
        assert {clip[0] for clip in clips} == set(range(length - 3))
        assert all(clip == list(range(clip[0], clip[0] + 4)) for clip in clips)
        assert clips == evaluated(Clipping("random-consecutive", 4, clips=300), length)


def test_random_consecutive_trains_as_consecutive_does() -> None:
    one, two = (
        clip_indices(Clipping(name, 4, clips=50), 30, np.random.default_rng(3))
        for name in ("consecutive", "random-consecutive")
    )
    assert np.array_equal(one, two)


def test_random_in_evaluation_is_pinned_and_differs_between_clips() -> None:
    # written down once: another numpy, or another machine, must give the same frames
    assert evaluated(Clipping("random", 4, clips=2), 17) == [[4, 7, 13, 16], [6, 8, 9, 10]]
    assert evaluated(Clipping("random", 4), 3) == [[0, 1, 1, 1]]


clippings = st.builds(
    lambda name, T, clips, step, padding: Clipping(
        name,
        0 if name == "all" else T,
        clips if name in DRAWS_CLIPS else 1,
        step if name == "dense" else 0,
        padding,
    ),
    st.sampled_from(sorted(SAMPLERS)),
    st.integers(1, 12),
    st.integers(1, 5),
    st.integers(0, 15),
    st.sampled_from(["cycle", "last", "drop"]),
)
seeds = st.one_of(st.none(), st.integers(0, 2**32))


def drawn(clipping: Clipping, length: int, seed: int | None) -> list[np.ndarray]:
    """Clips of training, or of evaluation where `seed` is None."""
    return clip_indices(clipping, length, None if seed is None else np.random.default_rng(seed))


@settings(max_examples=300, deadline=None)
@given(clippings, st.integers(1, 60), seeds)
def test_clips_have_T_frames_of_the_tracklet(clipping: Clipping, length: int, seed: int | None) -> None:
    clips = drawn(clipping, length, seed)
    assert clips
    if clipping.sampler in DRAWS_CLIPS:
        assert len(clips) == clipping.clips
    elif clipping.sampler != "dense":
        assert len(clips) == 1
    for clip in clips:
        assert clip.dtype == np.int64
        assert clip.shape == (clipping.T or length,)
        assert clip.min() >= 0
        assert clip.max() < length


@settings(max_examples=300, deadline=None)
@given(clippings, st.integers(1, 60), seeds)
def test_frames_are_in_order_of_time_unless_cycled(clipping: Clipping, length: int, seed: int | None) -> None:
    for clip in drawn(clipping, length, seed):
        cycled = clipping.padding != "last" and len(np.unique(clip)) < len(clip)
        assert cycled or (np.diff(clip) >= 0).all()


@settings(max_examples=200, deadline=None)
@given(clippings, st.integers(12, 60), seeds)
def test_no_frame_is_repeated_where_there_are_enough(clipping: Clipping, length: int, seed: int | None) -> None:
    if clipping.sampler in ("dense", "restricted-random"):  # their last clip or chunk may be padded
        return
    for clip in drawn(clipping, length, seed):
        assert len(np.unique(clip)) == len(clip)


@settings(max_examples=200, deadline=None)
@given(st.integers(1, 12), st.integers(0, 12), st.sampled_from(["cycle", "last"]), st.integers(1, 80))
def test_dense_sees_every_frame_and_no_clip_in_vain(T: int, step: int, padding: Any, length: int) -> None:
    clipping = Clipping("dense", T, step=min(step, T), padding=padding)
    seen: set[int] = set()
    for clip in evaluated(clipping, length):
        assert not set(clip) <= seen
        seen |= set(clip)
    assert seen == set(range(length))


@settings(max_examples=100, deadline=None)
@given(clippings, st.integers(1, 60), st.integers(0, 2**32))
def test_one_seed_gives_one_result(clipping: Clipping, length: int, seed: int) -> None:
    assert [c.tolist() for c in drawn(clipping, length, seed)] == [c.tolist() for c in drawn(clipping, length, seed)]
    assert evaluated(clipping, length) == evaluated(clipping, length)


@pytest.mark.parametrize(
    ("clipping", "length", "expected"),
    [row for row in CLOSED_FORMS if row[0].sampler in ("all", "dense", "evenly", "uniform")],
)
def test_samplers_that_draw_nothing_train_on_the_clips_of_evaluation(
    clipping: Clipping, length: int, expected: list[list[int]]
) -> None:
    assert [clip.tolist() for clip in drawn(clipping, length, 0)] == expected


def test_consecutive_in_training_starts_anywhere_with_equal_chance() -> None:
    generator = np.random.default_rng(0)
    clips = clip_indices(Clipping("consecutive", 4, clips=7000), 10, generator)
    assert all((np.diff(clip) == 1).all() for clip in clips)
    counts = np.bincount([clip[0] for clip in clips], minlength=7)
    assert len(counts) == 7  # 0..6: the last start is among them
    assert (abs(counts - 1000) < 150).all()


def test_random_in_training_draws_every_frame_with_equal_chance() -> None:
    clips = clip_indices(Clipping("random", 3, clips=4000), 6, np.random.default_rng(0))
    counts = np.bincount(np.concatenate(clips), minlength=6)
    assert (abs(counts - 2000) < 150).all()


def test_random_in_training_repeats_a_frame_only_where_it_must() -> None:
    generator = np.random.default_rng(0)
    assert clip_indices(Clipping("random", 12), 12, generator)[0].tolist() == list(range(12))
    (clip,) = clip_indices(Clipping("random", 12), 2, generator)
    assert set(clip.tolist()) == {0, 1}  # drawn, not padded: the odds against are 2 in 4096, and the seed is fixed
    assert np.bincount(clip).max() != 10


def test_restricted_random_in_training_draws_within_each_chunk() -> None:
    generator = np.random.default_rng(0)
    clips = np.array([clip_indices(Clipping("restricted-random", 4), 10, generator)[0] for _ in range(300)])
    assert [sorted(set(column)) for column in clips.T.tolist()] == [[0, 1, 2], [3, 4, 5], [6, 7, 8], [9]]


@pytest.mark.parametrize(
    ("clipping", "message"),
    [
        (Clipping("evenlly", 4), r"unknown clip sampler 'evenlly'; there are consecutive, .*Did you mean 'evenly'\?"),
        (Clipping("xyzzy", 4), r"unknown clip sampler 'xyzzy'; there are .*restricted-random\.$"),
        (Clipping("dense", 0), r"'dense' needs T >= 1 frames per clip, got T=0"),
        (Clipping("all", 4), r"T must be 0, got T=4"),
        (Clipping("dense", 4, clips=2), r"clips=2 does not fit the clip sampler 'dense'"),
        (Clipping("uniform", 4, clips=0), r"clips=0 does not fit"),
        (Clipping("evenly", 4, step=2), r"step=2 does not fit the clip sampler 'evenly'"),
        (Clipping("dense", 4, step=-1), r"step=-1 does not fit"),
        (Clipping("dense", 4, padding="zero"), r"padding must be cycle, last or drop, got 'zero'"),
    ],
)
def test_an_unusable_clipping_is_told_in_a_sentence(clipping: Clipping, message: str) -> None:
    with pytest.raises(InputError, match=message):
        check_clipping(clipping)
    with pytest.raises(InputError, match=message):
        clip_indices(clipping, 10, None)


def test_a_tracklet_without_frames_is_told_in_a_sentence() -> None:
    with pytest.raises(InputError, match="tracklet of 0 frames; it needs at least one"):
        clip_indices(Clipping("dense", 4), 0, None)


def picture(number: int, height: int = 16, width: int = 8) -> np.ndarray:
    """A plain grey picture [H, W, 3] that JPEG keeps within a level or two."""
    return np.full((height, width, 3), 20 + 20 * number, np.uint8)


@pytest.fixture
def tracklet(tmp_path: Path) -> Tracklet:
    """Five JPEG frames of 16 x 8 pixels, each of its own grey."""
    for number in range(5):
        (tmp_path / f"{number}.jpg").write_bytes(simplejpeg.encode_jpeg(picture(number), 95))
    return Tracklet(tuple(f"{number}.jpg" for number in range(5)), 1, 1)


def test_read_clips_puts_each_frame_in_its_place(tmp_path: Path, tracklet: Tracklet) -> None:
    clips = read_clips(tmp_path, tracklet, [np.array([0, 1, 2]), np.array([4, 0, 4])], (16, 8))
    assert clips.shape == (2, 3, 16, 8, 3)
    assert clips.dtype == np.uint8
    expected = np.array([[20, 40, 60], [100, 20, 100]])
    assert (abs(clips.astype(int) - expected[:, :, None, None, None]) <= 2).all()


def test_read_clips_decodes_a_frame_once(tmp_path: Path, tracklet: Tracklet, monkeypatch: pytest.MonkeyPatch) -> None:
    from vreid_bench.modeling import frames as module

    read: list[str] = []
    monkeypatch.setattr(module, "read_frame", lambda path, root: read.append(path.name) or read_frame(path, root))
    read_clips(tmp_path, tracklet, [np.array([3, 1, 3]), np.array([1, 3, 1])], (16, 8))
    assert sorted(read) == ["1.jpg", "3.jpg"]


def test_frames_of_the_right_size_keep_every_pixel(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (16, 8, 3), dtype=np.uint8)
    data = simplejpeg.encode_jpeg(noise, 90)
    (tmp_path / "a.jpg").write_bytes(data)
    clips = read_clips(tmp_path, Tracklet(("a.jpg",), 1, 1), [np.array([0])], (16, 8))
    assert (clips[0, 0] == simplejpeg.decode_jpeg(data)).all()


def test_resizing_keeps_height_and_width_apart_and_antialiases(tmp_path: Path) -> None:
    stripes = np.zeros((64, 32, 3), np.uint8)
    stripes[:, ::2] = 200  # narrower than a pixel of the result
    stripes[32:] //= 2
    Image.fromarray(stripes).save(tmp_path / "a.png")
    clip = read_clips(tmp_path, Tracklet(("a.png",), 1, 1), [np.array([0])], (16, 4))[0, 0]
    assert clip.shape == (16, 4, 3)
    assert (abs(clip[:7].astype(int) - 100) <= 8).all()
    assert (abs(clip[9:].astype(int) - 50) <= 8).all()


def encoded(image: Image.Image, kind: str) -> bytes:
    """An image as the bytes of a file."""
    buffer = BytesIO()
    image.save(buffer, kind)
    return buffer.getvalue()


GREY16 = Image.fromarray(np.full((16, 8), 0x6400, np.uint16))
FORMATS = {
    "png": encoded(Image.new("RGB", (8, 16), (100, 150, 200)), "PNG"),
    "bmp": encoded(Image.new("RGB", (8, 16), (100, 150, 200)), "BMP"),
    "jpeg": encoded(Image.new("RGB", (8, 16), (100, 150, 200)), "JPEG"),
    "rgba": encoded(Image.new("RGBA", (8, 16), (100, 150, 200, 255)), "PNG"),
    "palette": encoded(Image.new("RGB", (8, 16), (100, 150, 200)).convert("P", palette=Image.Palette.ADAPTIVE), "PNG"),
    "cmyk": encoded(Image.new("CMYK", (8, 16), (155, 105, 55, 0)), "JPEG"),
    "grey jpeg": encoded(Image.new("L", (8, 16), 100), "JPEG"),
    "16-bit grey": encoded(GREY16, "PNG"),
}


@pytest.mark.parametrize("name", FORMATS)
def test_read_frame_gives_rgb_whatever_the_format(tmp_path: Path, name: str) -> None:
    path = tmp_path / "frame.jpg"  # the content decides, not the name
    path.write_bytes(FORMATS[name])
    frame = read_frame(path)
    assert frame.shape == (16, 8, 3)
    assert frame.dtype == np.uint8
    expected = (100, 100, 100) if "grey" in name else (100, 150, 200)
    assert (abs(frame.astype(int) - expected) <= 3).all()


def test_a_missing_frame_is_told_with_its_path(tmp_path: Path, tracklet: Tracklet) -> None:
    (tmp_path / "2.jpg").unlink()
    with pytest.raises(
        InputError,
        match=r"2\.jpg cannot be read \(No such file.*`vreid-bench data verify DATASET --data .* --decode",
    ):
        read_clips(tmp_path, tracklet, [np.array([0, 1, 2])], (16, 8))


def test_an_empty_frame_is_told_with_its_path(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").touch()
    with pytest.raises(InputError, match=r"a\.jpg is empty \(0 bytes\); run `vreid-bench data verify DATASET --data"):
        read_frame(tmp_path / "a.jpg")


def test_a_frame_that_is_no_image_is_told_with_its_path(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_text("<html>404</html>")
    with pytest.raises(InputError, match=r"a\.jpg cannot be decoded \(unknown image format\)"):
        read_frame(tmp_path / "a.jpg")


def test_a_jpeg_cut_off_anywhere_is_told(tmp_path: Path) -> None:
    data = FORMATS["jpeg"]
    path = tmp_path / "a.jpg"
    for length in range(1, len(data)):
        path.write_bytes(data[:length])
        with pytest.raises(InputError, match=r"a\.jpg cannot be decoded"):
            read_frame(path)


def test_every_cut_and_every_changed_byte_of_a_png_is_noticed() -> None:
    whole = encoded(Image.fromarray(np.arange(96, dtype=np.uint8).reshape(8, 4, 3)), "PNG")
    assert decode(whole).shape == (8, 4, 3)
    assert decode(whole + b"\0").shape == (8, 4, 3)  # what follows the end is nobody's
    damaged = [whole[:-cut] for cut in range(1, len(whole))]
    damaged += [whole[:place] + bytes([whole[place] ^ 4]) + whole[place + 1 :] for place in range(len(whole))]
    for data in damaged:
        with pytest.raises(Exception):  # noqa: B017, PT011 - whatever the codec raises
            decode(data)


def test_pixels_without_a_known_range_are_refused(tmp_path: Path) -> None:
    Image.fromarray(np.full((16, 8), 0.5, np.float32)).save(tmp_path / "a.tif")
    with pytest.raises(InputError, match=r"32-bit pixels \(Pillow mode F\) have no standard range"):
        read_frame(tmp_path / "a.tif")


def slow_square(number: int) -> int:
    """Later jobs end first, so that order must be made and not found."""
    time.sleep(0.002 * (number % 3))
    return number * number


@pytest.mark.parametrize(("threads", "ahead"), [(1, 1), (2, 1), (4, 3), (2, 100)])
def test_prefetch_keeps_the_order(threads: int, ahead: int) -> None:
    assert list(prefetch(range(20), slow_square, threads, ahead)) == [n * n for n in range(20)]


def test_prefetch_of_nothing_is_nothing() -> None:
    assert list(prefetch([], slow_square, 2, 2)) == []


def test_prefetch_works_ahead_but_no_further() -> None:
    started: list[int] = []
    results = prefetch(range(100), started.append, 2, 5)
    next(results)
    time.sleep(0.05)
    assert len(started) == 5
    next(results)
    time.sleep(0.05)
    assert len(started) == 6
    results.close()


def test_prefetch_computes_at_the_same_time() -> None:
    both = threading.Barrier(2, timeout=10)  # breaks unless two jobs run at once
    assert len(list(prefetch(range(4), lambda _: both.wait(), 2, 2))) == 4


def test_an_exception_of_the_work_is_raised_in_its_place() -> None:
    def work(number: int) -> int:
        if number == 3:
            raise InputError("frame 3")
        return number

    results = prefetch(range(10), work, 4, 8)
    assert [next(results) for _ in range(3)] == [0, 1, 2]
    with pytest.raises(InputError, match="frame 3"):
        next(results)
    assert workers() == 0


def test_an_exception_of_the_jobs_is_raised_after_the_results_before_it() -> None:
    def jobs() -> Iterator[int]:
        yield 0
        yield 1
        raise InputError("no third job")

    results = prefetch(jobs(), slow_square, 2, 8)
    assert [next(results), next(results)] == [0, 1]
    with pytest.raises(InputError, match="no third job"):
        next(results)


def test_jobs_are_advanced_by_the_consumers_thread() -> None:
    names: set[str] = set()

    def jobs() -> Iterator[int]:
        for number in range(10):
            names.add(threading.current_thread().name)
            yield number

    list(prefetch(jobs(), slow_square, 3, 3))
    assert names == {threading.current_thread().name}


def workers() -> int:
    """Living threads of any prefetcher."""
    return sum(thread.name.startswith("prefetch") for thread in threading.enumerate())


def test_threads_end_when_the_consumer_stops() -> None:
    done: list[int] = []

    def work(number: int) -> None:
        time.sleep(0.02)
        done.append(number)

    results = prefetch(range(1000), work, 1, 50)
    next(results)
    assert workers() == 1
    results.close()
    assert workers() == 0
    assert len(done) < 10  # what waited was dropped, not done


def test_threads_end_when_the_consumer_raises() -> None:
    def consume() -> None:
        for _ in prefetch(range(1000), slow_square, 3, 10):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        consume()
    assert workers() == 0


@pytest.mark.parametrize(("threads", "ahead"), [(0, 1), (1, 0)])
def test_prefetch_refuses_what_could_never_work(threads: int, ahead: int) -> None:
    with pytest.raises(ValueError, match="threads >= 1 and ahead >= 1"):
        prefetch([1], slow_square, threads, ahead)


def test_clips_and_frames_do_not_load_torch() -> None:
    import subprocess
    import sys

    code = "import sys, vreid_bench.modeling.frames; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def claiming(kind: str, width: int, height: int) -> bytes:
    """A small image that claims another size."""
    buffer = BytesIO()
    Image.new("RGB", (16, 16)).save(buffer, kind)
    data = bytearray(buffer.getvalue())
    if kind == "JPEG":
        at = data.index(b"\xff\xc0") + 5  # behind the start of the frame: height, width
        data[at : at + 4] = struct.pack(">HH", height, width)
    else:
        data[16:24] = struct.pack(">II", width, height)  # IHDR, then its checksum
        data[29:33] = struct.pack(">I", zlib.crc32(data[12:29]))
    return bytes(data)


@pytest.mark.parametrize(("kind", "side"), [("JPEG", 65_500), ("PNG", 65_500), ("PNG", 8_193)])
def test_a_size_that_no_frame_has_takes_no_memory(tmp_path: Path, kind: str, side: int) -> None:
    (tmp_path / "a.jpg").write_bytes(claiming(kind, side, side))
    tracemalloc.start()
    with pytest.raises(InputError, match=r"a\.jpg cannot be decoded \(.* pixels.*(more than|exceeds)"):
        read_frame(tmp_path / "a.jpg")
    assert tracemalloc.get_traced_memory()[1] < 10_000_000
    tracemalloc.stop()


def test_a_picture_that_needs_another_program_is_not_opened(tmp_path: Path) -> None:
    """Pillow hands EPS to Ghostscript, whatever the name of the file says."""
    buffer = BytesIO()
    Image.new("RGB", (16, 16)).save(buffer, "EPS")
    (tmp_path / "a.jpg").write_bytes(buffer.getvalue())
    with pytest.raises(InputError, match=r"a\.jpg cannot be decoded \(unknown image format\)"):
        read_frame(tmp_path / "a.jpg")
