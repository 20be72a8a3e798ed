"""Numbers of things are written with the word that fits."""

import pytest

from vreid_bench.system.counting import count, plural


@pytest.mark.parametrize(
    ("number", "words", "written"),
    [
        (0, ("row",), "0 rows"),
        (1, ("row",), "1 row"),
        (1200, ("row",), "1,200 rows"),
        (1, ("person", "people"), "1 person"),
        (2, ("person", "people"), "2 people"),
    ],
)
def test_one_thing_is_in_the_singular(number, words, written):
    assert count(number, *words) == written
    assert plural(number, *words) == written.partition(" ")[2]
