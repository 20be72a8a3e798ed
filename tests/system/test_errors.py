"""Errors in one sentence."""

from types import SimpleNamespace

import pytest

from vreid_bench.system.errors import InputError, UnknownName, describe_exception, suggestion


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


def test_a_name_of_several_kinds_is_suggested_once():
    assert suggestion("rad", ["red", "red", "Red"]) == "; did you mean red, Red?"


def test_a_message_goes_on_behind_a_suggestion_with_a_sentence():
    told = str(InputError("no 'red'; did you mean reds?; set x; no 'blu'; did you mean blue?; y.py has more"))
    assert told == "no 'red'; did you mean reds? Set x; no 'blu'; did you mean blue? y.py has more"
    assert str(InputError("why?; a name")) == "why?; a name"  # no question of ours


def test_what_follows_a_suggestion_is_a_sentence_of_its_own():
    assert suggestion("red", ["reds"], "it has reds") == "; did you mean reds? It has reds"
    assert suggestion("red", ["reds"], "`list` shows all") == "; did you mean reds? `list` shows all"
    assert suggestion("red", ["reds"], "docs/plugins.md has all") == "; did you mean reds? docs/plugins.md has all"
    assert suggestion("red", ["blue"], "it has blue") == "; it has blue"
    assert (suggestion("red", ["reds"]), suggestion("red", ["blue"])) == ("; did you mean reds?", "")
    assert (
        str(UnknownName("no", "red", ["reds"], "its options: reds")) == "no 'red'; did you mean reds? Its options: reds"
    )
