"""The names of VCCR's frames, by hand."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vreid_plugins.datasets.vccr.names import Frame, only_number, parse_name, text_key


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("p12-c3-l2-t1-f10.jpg", Frame(3, 2, 10, "c3")),
        ("12-C03-D002-F00010.png", Frame(3, 2, 10, "C03")),  # any letter, leading zeros, no field between
        ("x-c3-l2-a-b-c4-f7.JPG", Frame(3, 2, 7, "c3")),
        ("p12-c3-l2.jpg", None),  # would take the clothes for the frame
        ("p12-3-l2-f10.jpg", None),
        ("p12-c3-l-f10.jpg", None),
        ("p12-c3-l2-f.jpg", None),
        ("p12-cc3-l2-f10.jpg", None),
        ("p12-c3-l2-f1a.jpg", None),
        ("p12-c3-l2-_10.jpg", None),
        ("p12_c3_l2_f10.jpg", None),
        ("p12-c٣-l2-f10.jpg", None),  # a digit that is not of ASCII
    ],
)
def test_camera_clothes_and_frame_are_the_second_third_and_last_field(name: str, expected: Frame | None) -> None:
    assert parse_name(name) == expected


@given(st.tuples(*[st.integers(0, 10**9)] * 3), st.sampled_from("cCkZ"), st.lists(st.from_regex(r"\A[a-z0-9]*\Z")))
def test_a_name_is_read_back(numbers: tuple[int, int, int], letter: str, between: list[str]) -> None:
    camera, outfit, number = numbers
    fields = ["p1", f"{letter}{camera}", f"l{outfit}", *between, f"f{number}"]
    assert parse_name("-".join(fields) + ".jpg") == Frame(camera, outfit, number, f"{letter}{camera}")


def test_the_public_code_sorts_by_what_stands_between_the_last_letter_and_the_ending() -> None:
    assert [text_key(f"a-b/p1-c1-l1-f{n}.jpg") for n in (2, 10)] == ["2", "10"]


def test_the_only_number_of_a_text() -> None:
    assert [only_number(text) for text in ("p0012", "12", "cam", "", "1a2")] == [12, 12, None, None, None]
