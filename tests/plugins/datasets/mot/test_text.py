"""MOTChallenge text: every fault with its file and line, and the rows of annotations that are not to be used."""

import re

import pytest
from mot_tree import write_text

from vreid_plugins.datasets.fault_report import stop
from vreid_plugins.datasets.mot.text import Box, read_tracks

GOOD = "1,3,10,20,30,40,1,-1,-1,-1"
FAULTS = {
    "empty file": ([], r"tracks\.txt is empty, expected a line frame,id,x,y,width,height"),
    "too few columns": (["1,3,10,20,30"], r"line 1: has 5 columns, expected 6 to 10: frame,id"),
    "other separator": (["1 3 10 20 30 40"], r"line 1: has 1 columns, expected 6 to 10, separated by commas"),
    "too many columns": ([GOOD + ",5"], r"line 1: has 11 columns, expected 6 to 10"),
    "columns differ": ([GOOD, "2,3,10,20,30,40"], r"line 2: has 6 columns, expected 10 as in the first line"),
    "text": ([GOOD, "2,anna,10,20,30,40,1,-1,-1,-1"], r"line 2: '2,anna,.*' holds what is not a number"),
    "not finite": ([GOOD, "2,3,nan,20,30,40,1,-1,-1,-1"], r"line 2: .* holds a number that is not finite; remove"),
    "frame 0": (["0,3,10,20,30,40,1,-1,-1,-1"], r"line 1: the frame is 0, expected a whole number from 1"),
    "frame 1.5": (["1.5,3,10,20,30,40,1,-1,-1,-1"], r"line 1: the frame is 1\.5, expected a whole number"),
    "id 2.5": (["1,2.5,10,20,30,40,1,-1,-1,-1"], r"line 1: the id is 2\.5, expected a whole number"),
    "detections": (["1,-1,10,20,30,40,1,-1,-1,-1"], r"line 1: the id is -1, so this is a detection without a track"),
    "two boxes": (
        [GOOD, "2,3,1,1,5,5,1,-1,-1,-1", GOOD, GOOD],
        r"line 3: track 3 has a second box in frame 1, the first is in line 1 \(one of 2 such boxes\)",
    ),
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_is_told_with_file_and_line(tmp_path, name):
    lines, message = FAULTS[name]
    write_text(tmp_path / "tracks.txt", lines)
    problems = []
    read_tracks(tmp_path / "tracks.txt", problems.append)
    assert len(problems) == 1
    assert problems[0].startswith(str(tmp_path / "tracks.txt"))
    assert "\n" not in problems[0]
    assert re.search(message, problems[0])


def test_every_line_with_a_fault_is_told_and_the_others_are_read(tmp_path):
    write_text(tmp_path / "t.txt", ["x,1,1,1,5,5", "1,1,1,1,5,5", "2,1,1,1,5", "3,1,1,1,5,5"])
    problems = []
    found = read_tracks(tmp_path / "t.txt", problems.append)
    assert [box.frame for box in found.boxes] == [1, 3]
    assert len(problems) == 2


def test_boxes_are_sorted_by_frame_and_track(tmp_path):
    path = tmp_path / "t.txt"
    path.write_bytes("\ufeff2,1,1,1,5,5\r\n\r\n10.0,7,1.5,2.5,5,5\r\n2,0,1,1,5,5\r\n".encode())
    assert read_tracks(path, stop).boxes == (
        Box(2, 0, 1, 1, 5, 5),
        Box(2, 1, 1, 1, 5, 5),
        Box(10, 7, 1.5, 2.5, 5, 5),
    )


def test_an_annotation_says_which_boxes_are_not_to_be_used(tmp_path):
    lines = ["1,1,1,1,5,5,1,1,0.9", "1,2,1,1,5,5,0,1,0.9", "1,3,1,1,5,5,1,7,0.9", "2,1,1,1,5,5,1,1,0.1"]
    write_text(tmp_path / "a" / "gt" / "gt.txt", lines)
    found = read_tracks(tmp_path / "a" / "gt" / "gt.txt", stop)
    assert [(box.frame, box.track) for box in found.boxes] == [(1, 1), (2, 1)]
    assert found.ignored == 2
    write_text(tmp_path / "a.txt", lines)  # of a tracker: the column is a confidence, which may be 0
    assert len(read_tracks(tmp_path / "a.txt", stop).boxes) == 4


def test_an_annotation_of_2015_has_places_and_no_classes(tmp_path):
    write_text(tmp_path / "gt" / "gt.txt", ["1,1,1,1,5,5,1,7.5,3,0", "1,2,1,1,5,5,0,7.5,3,0"])
    found = read_tracks(tmp_path / "gt" / "gt.txt", stop)
    assert [box.track for box in found.boxes] == [1]


def test_a_file_that_is_no_text_is_told(tmp_path):
    (tmp_path / "t.txt").write_bytes(b"\xff\xfe\x00")
    problems = []
    read_tracks(tmp_path / "t.txt", problems.append)
    assert "cannot be read as text" in problems[0]
