"""Errors in one sentence."""

from types import SimpleNamespace

import pytest

from vreid_bench.system.errors import describe_exception, suggestion


def test_an_unknown_attribute_is_told_with_similar_names():
    batch = SimpleNamespace(distance=1)
    with pytest.raises(AttributeError) as raised:
        _ = batch.distances
    assert describe_exception(raised.value).endswith("has no attribute 'distances'; did you mean distance?")
    assert describe_exception(AttributeError("no\nname")) == "AttributeError: no name"


@pytest.mark.parametrize(
    ("name", "near"), [("MARS", "mars"), ("Mean-Poling", "mean-pooling"), ("zurich", "Zurich"), ("xyz", "")]
)
def test_similar_names_are_found_whatever_letters_are_capitals(name, near):
    known = ("mars", "mean-pooling", "Zurich")
    assert suggestion(name, known) == (f"; did you mean {near}?" if near else "")
