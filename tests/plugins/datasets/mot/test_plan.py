"""What is cut out: pixels of boxes, counts of what is left out, and the cutting of tracks in time."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mot_tree import HEIGHT, WIDTH, line, walk, write_sequence

from vreid_bench import InputError
from vreid_plugins.datasets.fault_report import stop
from vreid_plugins.datasets.mot.plan import Crop, Cutting, clip_box, plan_tracklets
from vreid_plugins.datasets.mot.text import Box

QUARTERS = st.integers(-400, 400).map(lambda number: number / 4)


@given(x=QUARTERS, y=QUARTERS, width=QUARTERS, height=QUARTERS)
def test_a_box_keeps_the_pixels_that_are_in_it_and_in_the_frame(x, y, width, height):
    def pixels(start, length, end):  # edges are rounded to whole pixels, halves up; pixel 1 is the first
        first, last = ((4 * edge + 2) // 4 for edge in (start - 1, start - 1 + length))
        return [p for p in range(-300, 300) if first <= p < last and 0 <= p < end], max(0, last - first)

    crop, clipped = clip_box(Box(1, 1, x, y, width, height), (HEIGHT, WIDTH))
    (columns, wide), (rows, high) = pixels(x, width, WIDTH), pixels(y, height, HEIGHT)
    if not columns or not rows:
        assert crop is None
        return
    assert (crop.left, crop.right) == (columns[0], columns[-1] + 1)
    assert (crop.top, crop.bottom) == (rows[0], rows[-1] + 1)
    assert clipped == (len(columns) < wide or len(rows) < high)


def test_the_first_pixel_is_1_1():
    assert clip_box(Box(4, 1, 1, 1, 2, 3), (HEIGHT, WIDTH)) == (Crop(4, 0, 3, 0, 2), False)


def test_what_is_left_out_is_counted(tmp_path):
    lines = [
        *walk(1, range(1, 11)),  # 10 boxes, all inside
        *walk(2, range(1, 8)),  # too short
        *(line(n, 3, (60, 40, 20, 20)) for n in range(1, 9)),  # over the edge: clipped to 5 x 9
        *(line(n, 4, (200, 5, 10, 10)) for n in range(1, 9)),  # outside
        *(line(n, 5, (5, 5, 0, 10)) for n in range(1, 9)),  # no width
    ]
    write_sequence(tmp_path, "yard", lines)
    plan = plan_tracklets(tmp_path, Cutting(), stop)
    assert plan.counts == {
        "sequences": 1,
        "boxes": 41,
        "boxes ignored by the annotation": 0,
        "boxes clipped": 8,
        "boxes outside of the frame or empty": 16,
        "tracks": 3,
        "tracklets shorter than 8 frames": 1,
        "tracklets": 2,
        "crops": 18,
    }
    (sequence,) = plan.sequences
    assert [t.person for t in sequence.tracklets] == ["yard-1", "yard-3"]
    assert sequence.tracklets[1].crops[0] == Crop(1, 39, 48, 59, 64)
    assert sequence.fps == 10


def test_tracks_are_cut_in_time_not_in_boxes(tmp_path):
    write_sequence(tmp_path, "yard", walk(1, [1, 2, 3, 4, 9, 10, 11, 12]))  # nothing in frames 5 to 8
    plan = plan_tracklets(tmp_path, Cutting(seconds=0.4, least=1), stop)  # pieces of 4 frames
    pieces = {t.folder: [c.frame for c in t.crops] for t in plan.sequences[0].tracklets}
    assert pieces == {"frames/yard/000001-0": [1, 2, 3, 4], "frames/yard/000001-2": [9, 10, 11, 12]}


def test_every_second_frame_of_the_video(tmp_path):
    write_sequence(tmp_path, "yard", walk(1, range(2, 11)))
    plan = plan_tracklets(tmp_path, Cutting(every=2, least=1), stop)
    assert [c.frame for c in plan.sequences[0].tracklets[0].crops] == [3, 5, 7, 9]


def test_the_rate_of_the_option_wins(tmp_path):
    write_sequence(tmp_path, "yard", walk(1, range(1, 11)))
    plan = plan_tracklets(tmp_path, Cutting(fps=Fraction(25)), stop)
    assert plan.sequences[0].fps == 25


def test_cutting_in_time_needs_a_rate(tmp_path):
    write_sequence(tmp_path, "yard", walk(1, range(1, 11)), rate="")
    with pytest.raises(InputError, match=r"yard\.txt: its frame rate is not known, which --cut needs; give it with"):
        plan_tracklets(tmp_path, Cutting(seconds=1), stop)
    assert plan_tracklets(tmp_path, Cutting(), stop).sequences[0].fps is None


def test_nothing_long_enough_is_told_with_the_counts(tmp_path):
    write_sequence(tmp_path, "yard", walk(1, range(1, 5)))
    with pytest.raises(InputError, match=r"has no tracklet of 8 frames or more: 1 sequences, 4 boxes.*lower"):
        plan_tracklets(tmp_path, Cutting(), stop)


def test_missing_frames_are_told(tmp_path):
    write_sequence(tmp_path, "yard", walk(1, range(1, 16)))
    with pytest.raises(InputError, match=r"frame 13 has boxes, but .*img1 has no image.* \(one of 3 such frames\)"):
        plan_tracklets(tmp_path, Cutting(), stop)
    problems = []
    plan = plan_tracklets(tmp_path, Cutting(), problems.append)
    assert len(problems) == 1
    assert plan.counts["crops"] == 12


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"fps": Fraction(0)}, "--fps 0: expected frames per second above 0"),
        ({"least": 0}, "--min-frames 0: expected 1 or more"),
        ({"every": 0}, "--every 0: expected 1 or more"),
        ({"seconds": -1.0}, "--cut -1: expected 0 or more"),
    ],
)
def test_an_option_out_of_range_is_told(options, message):
    with pytest.raises(InputError, match=message):
        Cutting(**options)


def test_the_hash_changes_with_boxes_options_and_frames(tmp_path):
    write_sequence(tmp_path, "yard", walk(1, range(1, 11)))
    first = plan_tracklets(tmp_path, Cutting(), stop).hash
    assert plan_tracklets(tmp_path, Cutting(), stop).hash == first
    found = {first, plan_tracklets(tmp_path, Cutting(least=9), stop).hash}
    image = tmp_path / "yard" / "img1" / "000003.png"
    image.write_bytes(image.read_bytes() + b"\0")
    found.add(plan_tracklets(tmp_path, Cutting(), stop).hash)
    assert len(found) == 3
