"""What the names of P-DESTRE say, by hand."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vreid_plugins.datasets.fault_report import ignore
from vreid_plugins.datasets.p_destre.names import (
    SequenceName,
    is_misplaced,
    number_camera,
    order_frames,
)


@pytest.mark.parametrize(
    ("name", "day", "session", "camera"),
    [
        ("12-11-2019-3-1", "12-11-2019", "12-11-2019-3", "1"),
        ("11-11-2019-1-7", "11-11-2019", "11-11-2019-1", "7"),
        (
            "08-11-2019-1-10",
            "08-11-2019",
            "08-11-2019-1",
            "0",
        ),  # as the loader cuts and joins
        ("08-11-2019-1-11", "08-11-2019", "08-11-2019-1", "1"),
        ("08-11-2019-1-b", "08-11-2019", "08-11-2019-1", "b"),
    ],
)
def test_a_sequence_is_a_camera_of_a_session_of_a_day(name: str, day: str, session: str, camera: str) -> None:
    found = SequenceName(name)
    assert (found.day, found.session, found.camera) == (day, session, camera)
    assert found.is_cut_short == (len(name) > 14)


def test_sequences_are_in_order_of_time_and_of_their_numbers() -> None:
    names = ["18-07-2019-1-2", "18-07-2019-1-10", "08-11-2019-1-1", "22-10-2018-4-1"]
    ordered = sorted(map(SequenceName, names), key=lambda name: name.order)
    assert [name.text for name in ordered] == [names[3], names[0], names[1], names[2]]


def test_a_camera_is_its_digit_and_letters_follow() -> None:
    assert [number_camera(text) for text in "0179aB"] == [0, 1, 7, 9, 10, 11]


def test_frames_are_in_order_of_the_second_number_of_four() -> None:
    """As text, 1000 comes before 990; by the last number, all frames of a sequence are alike."""
    names = ["105_1000_13112019_36.jpg", "105_610_13112019_36.jpg", "105_990_13112019_36.jpg"]
    assert order_frames("", names, ignore) == [names[1], names[2], names[0]]


def test_frames_with_one_number_are_in_its_order_and_others_are_reported() -> None:
    faults: list[str] = []
    assert order_frames("105", ["f10.jpg", "9.jpg", "a.jpg", "1_2.jpg"], faults.append) == ["9.jpg", "f10.jpg"]
    assert faults == [
        "105 holds a.jpg (one of 2 such files), which tells no frame number, expected names such as "
        "105_610_13112019_36.jpg; rename the file as published."
    ]


@given(st.lists(st.integers(0, 10**7), unique=True))
def test_any_frames_are_in_the_order_of_their_numbers(numbers: list[int]) -> None:
    names = [f"7_{number}_08112019_3.jpg" for number in numbers]
    ordered = order_frames("", sorted(names), ignore)
    assert [int(name.split("_")[1]) for name in ordered] == sorted(numbers)


def test_a_frame_tells_its_person_and_day() -> None:
    assert not is_misplaced("105_610_13112019_36.jpg", 105, "13-11-2019")
    assert is_misplaced("105_610_13112019_36.jpg", 104, "13-11-2019")
    assert is_misplaced("105_610_13112019_36.jpg", 105, "12-11-2019")
    assert not is_misplaced("000610.jpg", 105, "13-11-2019")
