"""Labels are whole numbers that their type holds exactly, or texts that are numbered over both sides."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from vreid_bench import InputError
from vreid_bench.importing.numbering import as_column, as_rows, as_texts, number_jointly


@pytest.mark.parametrize(
    "value",
    [
        [3, 1, 2],
        np.array([[3, 1, 2]]),
        np.array([[3], [1], [2]], np.float64),
        np.array([3, 1, 2], np.uint8),
        torch.tensor([3, 1, 2]),
        torch.tensor([[3.0], [1.0], [2.0]], dtype=torch.float16),
        torch.tensor([3.0, 1.0, 2.0], dtype=torch.bfloat16),
        [np.int64(3), torch.tensor(1), 2],
    ],
    ids=["list", "row", "column", "bytes", "tensor", "half", "brain", "mixed"],
)
def test_numbers_in_every_form_are_the_same_column(value):
    assert as_column(value, "pid").tolist() == [3, 1, 2]


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (np.array([1, 1 << 24], np.float32), r"pid holds 16777216 as float32, .* only below 2\^24"),
        (np.array([1, 2048], np.float16), r"holds 2048 as float16, .* only below 2\^11"),
        (torch.tensor([1, 2048], dtype=torch.float16), r"only below 2\^11"),
        (torch.tensor([1, 256], dtype=torch.bfloat16), r"holds 256 as bfloat16, .* only below 2\^8"),
        (np.array([1, 1 << 53], np.float64), r"only below 2\^53"),
        (np.array([1, 1 << 63], np.uint64), r"holds 9223372036854775808, expected numbers below 2\^63"),
        ([1, 1 << 70], r"expected numbers below 2\^63"),
        ([2, (1 << 64) - 1], r"pid holds 18446744073709551615, expected numbers below 2\^63"),
        ([1, 10**5000], r"pid holds a number of 16,610 bits, expected numbers below 2\^63"),
        (np.array([1, 10**5000], object), r"pid holds a number of 16,610 bits"),
        (np.array([1, 1 << 24], ">f4"), r"holds 16777216 as >f4, .* only below 2\^24"),
        (np.ma.masked_array([1, 2], [False, True]), "pid is masked at 1 of 2 places, expected an array without a mask"),
        ([0.5, 1], "must hold whole numbers, got float64"),
        ([np.nan, 1], r"pid has no value in row 0 \(1 of 2 rows\), expected one in each"),
        (np.array([1, 2, np.nan], np.float32), r"pid has no value in row 2 \(1 of 3 rows\)"),
        (["a", None, float("nan")], r"pid has no value in row 1 \(2 of 3 rows\)"),
        (np.array(["a", None], object), "pid has no value in row 1"),
        ([np.inf, 1], "must hold whole numbers"),
        (["a", 1], "must hold numbers or texts, got a list with both"),
        ([[1, 2], [3, 4]], r"must be \[N\], \[N, 1\] or \[1, N\], got \[2, 2\]"),
        ([[1, 2], [3]], "must be a list of numbers or texts"),
        ([True, False], "must hold whole numbers or texts, got bool"),
        ([object(), {}], "got objects of several kinds"),
    ],
)
def test_labels_that_may_have_lost_digits_or_are_none_are_refused(value, message):
    with pytest.raises(InputError, match=message):
        as_column(value, "pid")


@pytest.mark.parametrize("largest", [(1 << 24) - 1, -((1 << 24) - 1)])
def test_the_last_exact_number_is_taken(largest):
    assert as_column(np.array([largest], np.float32), "pid").tolist() == [largest]


def test_texts_that_are_numbers_count_as_numbers():
    numbers, names = number_jointly([("q", ["0007", "-1", "0000"]), ("g", np.array([7, 2]))], "ids")
    assert [n.tolist() for n in numbers] == [[7, -1, 0], [7, 2]]
    assert names[0].tolist() == ["0007", "-1", "0000"]
    assert names[1] is None


def test_names_are_numbered_over_both_sides_and_junk_stays_junk():
    numbers, _ = number_jointly([("q", ["bea", "al"]), ("g", ["0", "-1", "bea", "cy"])], "ids")
    assert [n.tolist() for n in numbers] == [[2, 1], [0, -1, 2, 3]]
    two, _ = number_jointly([("q", ["1", "01"]), ("g", ["01", "1"])], "ids")
    assert two[0].tolist() == two[1].tolist()[::-1]
    assert len(set(two[0].tolist())) == 2


def test_both_sides_may_come_from_one_column():
    numbers, _ = number_jointly([("rows.csv: pid", ["bea"]), ("rows.csv: pid", ["al", "bea"])], "ids")
    assert [n.tolist() for n in numbers] == [[2], [1, 2]]


def test_numbers_on_one_side_and_names_on_the_other_are_refused():
    with pytest.raises(InputError, match="g has numbers, but q has names such as 'bea'; give both the same ids"):
        number_jointly([("q", ["bea"]), ("g", [1])], "ids")


TEXTS = st.lists(st.text(st.characters(codec="ascii", exclude_categories=("Cc", "Zs")), min_size=1), min_size=1)


@given(TEXTS, TEXTS)
def test_two_texts_have_one_number_exactly_if_they_are_the_same_person(query, gallery):
    numbers, _ = number_jointly([("q", query), ("g", gallery)], "ids")
    codes = [*numbers[0].tolist(), *numbers[1].tolist()]
    special = {"00-1": "-1", "0000": "0"}
    texts = [special.get(text, text) for text in [*query, *gallery]]
    whole = all(text.lstrip("+-").isdigit() and len(text) < 18 for text in texts)
    for one, first in zip(codes, texts, strict=True):
        for other, second in zip(codes, texts, strict=True):
            if not whole:
                assert (one == other) == (first == second)


def test_empty_texts_are_no_person():
    with pytest.raises(InputError, match=r"b has no value in row 1 \(1 of 2 rows\), expected one in each"):
        number_jointly([("a", ["x", "y"]), ("b", ["x", " "])], "ids")


@pytest.mark.parametrize(
    ("values", "texts"),
    [
        ([1.0, None, 12.0], ["1", "", "12"]),
        (["a", float("nan"), "007"], ["a", "", "007"]),
        (np.array(["a", None], object), ["a", ""]),
    ],
)
def test_missing_values_of_an_attribute_are_empty(values, texts):
    assert as_texts(values, "outfit").tolist() == texts


def test_rows_are_numbers_and_nothing_else():
    assert as_rows(np.array([0.0, 2.0]), "query").tolist() == [0, 2]
    for value in (["0", "2"], [0.5], np.array([True])):
        with pytest.raises(InputError, match="query must hold"):
            as_rows(value, "query")


def test_a_masked_attribute_is_not_read_through_its_mask():
    with pytest.raises(InputError, match="outfit is masked at 1 of 2 places"):
        as_texts(np.ma.masked_array([1.0, 2.0], [False, True]), "outfit")
