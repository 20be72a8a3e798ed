"""Some of a protocol's splits: how they are asked for and told."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vreid_bench.contracts.split_numbers import parse_numbers, write_numbers
from vreid_bench.system.errors import InputError


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        (None, tuple(range(10))),
        ("0", (0,)),
        ("0-2", (0, 1, 2)),
        ("7,0-2", (0, 1, 2, 7)),
        (" 3 - 4 , 4", (3, 4)),
        ("0-9", tuple(range(10))),
    ],
)
def test_numbers_and_ranges_are_counted_from_zero(text, numbers):
    assert parse_numbers(text, 10) == numbers


@pytest.mark.parametrize(
    ("text", "total", "message"),
    [
        ("", 10, "wanted numbers and ranges such as 0-2,7; splits are counted from 0"),
        ("first", 10, "wanted numbers and ranges"),
        ("-1", 10, "wanted numbers and ranges"),
        ("1,,2", 10, "wanted numbers and ranges"),
        ("²", 10, "wanted numbers and ranges"),
        ("0-10", 10, "0-10 is no range of splits; this protocol has 0 to 9"),
        ("10", 10, "10 is no range of splits; this protocol has 0 to 9"),
        ("4-2", 10, "4-2 is no range of splits"),
        ("1", 1, "this protocol has 0 alone"),
    ],
)
def test_what_a_protocol_has_not_is_told_in_a_sentence(text, total, message):
    with pytest.raises(InputError, match=message):
        parse_numbers(text, total)


@given(st.sets(st.integers(0, 40), min_size=1))
def test_what_is_written_is_read_back(numbers):
    assert parse_numbers(write_numbers(sorted(numbers)), 41) == tuple(sorted(numbers))


@pytest.mark.parametrize(("numbers", "text"), [((0, 1, 2), "0-2"), ((0, 2), "0,2"), ((0, 1, 5, 7, 8, 9), "0-1,5,7-9")])
def test_ranges_are_written_in_the_fewest_words(numbers, text):
    assert write_numbers(numbers) == text
