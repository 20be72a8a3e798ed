"""Some of a protocol's splits as text: read from the command line and printed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vreid_bench.contracts.split_numbers import format_splits, parse_splits
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
    assert parse_splits(text, 10) == numbers


@pytest.mark.parametrize(
    ("text", "total", "message"),
    [
        ("", 10, "expected numbers and ranges from 0 on, such as 0-2,7"),
        ("first", 10, "expected numbers and ranges"),
        ("-1", 10, "expected numbers and ranges"),
        ("1,,2", 10, "expected numbers and ranges"),
        ("²", 10, "expected numbers and ranges"),
        ("0-10", 10, "there is no split 10; this protocol has splits 0 to 9"),
        ("10", 10, "there is no split 10; this protocol has splits 0 to 9"),
        ("4-2", 10, "'4-2' is not a number or a range"),
        ("1", 1, "this protocol has split 0 only"),
    ],
)
def test_other_text_and_unknown_splits_are_refused_in_a_sentence(text, total, message):
    with pytest.raises(InputError, match=message):
        parse_splits(text, total)


@given(st.sets(st.integers(0, 40), min_size=1))
def test_a_formatted_text_is_parsed_back(numbers):
    assert parse_splits(format_splits(sorted(numbers)), 41) == tuple(sorted(numbers))


@pytest.mark.parametrize(("numbers", "text"), [((0, 1, 2), "0-2"), ((0, 2), "0,2"), ((0, 1, 5, 7, 8, 9), "0-1,5,7-9")])
def test_ranges_are_formatted_as_short_as_possible(numbers, text):
    assert format_splits(numbers) == text
